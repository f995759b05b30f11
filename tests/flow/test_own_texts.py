"""What a number says in its operator's own words: one text, or one for each language."""

import json

import pytest

from tests.flow.front_door import ASK_GYM, ASK_PIZZERIA, open_door
from tests.support.scene import Scene

PIZZA = {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}
PALESTRA = {"word": "PALESTRA", "actions": [ASK_GYM]}


async def speak(scene: Scene, **texts: object) -> None:
    """The operator's texts of the number."""
    await scene.rows("UPDATE numbers SET texts = CAST(:texts AS jsonb)", texts=json.dumps(texts))


@pytest.mark.parametrize("text", ["Chi? {{ choices }}", {"en": "Who? {{ choices }}", "it": "Chi? {{ choices }}"}])
async def test_the_question_who_is_meant_is_the_numbers_own(
    scene: Scene, database_url: str, text: str | dict[str, str]
) -> None:
    await speak(scene, choose=text)
    door = await open_door(scene, database_url, (scene.pizzeria, PIZZA), (scene.gym, PALESTRA), ambiguity="ask")

    for words in ("TAVOLO", "PALESTRA", "si"):
        await door.say(words)

    assert (await door.texts())[-1] == "Chi? 1 = Palestra Forte, 2 = Pizzeria Bella"


async def test_the_question_what_was_meant_follows_the_courtesy_text(scene: Scene, database_url: str) -> None:
    await speak(scene, courtesy="Boh.", did_you_mean="Forse {{ word }}?")
    door = await open_door(scene, database_url, (scene.pizzeria, PIZZA))

    await door.say("TAVOLLO")

    assert await door.texts() == ["Boh. Forse TAVOLO?"]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"active_from": "2027-04-01T00:00:00Z"}, "Ancora no: TAVOLO"),
        ({"active_until": "2027-02-01T00:00:00Z"}, "Troppo tardi: Pizzeria Bella"),
        ({"active_from": "2027-04-01T00:00:00Z", "too_early_text": "Own words"}, "Own words"),
    ],
)
async def test_a_keyword_without_a_text_of_its_own_says_its_numbers(
    scene: Scene, database_url: str, window: dict[str, str], expected: str
) -> None:
    await speak(scene, too_early="Ancora no: {{ word }}", too_late="Troppo tardi: {{ tenant }}")
    door = await open_door(scene, database_url, (scene.pizzeria, PIZZA | window))

    await door.say("TAVOLO")

    assert await door.texts() == [expected]


async def test_sold_out_is_said_in_the_numbers_words(scene: Scene, database_url: str) -> None:
    await speak(scene, sold_out="{{ word }}: finito")
    one = {"word": "POSTO", "limit": 1, "actions": [{"kind": "reply", "text": "Preso"}]}
    door = await open_door(scene, database_url, (scene.pizzeria, one))

    for _ in range(2):
        await door.say("POSTO")

    assert await door.texts() == ["Preso", "POSTO: finito"]
    rows = await scene.rows("SELECT route_details FROM inbound_messages ORDER BY id")
    assert [(row.route_details.get("window"), row.route_details.get("reason")) for row in rows] == [
        (None, None),
        ("sold_out", "sold_out"),
    ]


async def test_a_stop_with_a_keyword_is_confirmed_in_the_senders_language(scene: Scene, database_url: str) -> None:
    await speak(scene, opt_out_keyword={"it": "Fine: {{ tenant }}", "es": "Fin: {{ word }}"})
    door = await open_door(scene, database_url, (scene.pizzeria, PIZZA))

    await door.say("BAJA TAVOLO")

    assert await door.texts() == ["Fin: TAVOLO"]
