"""Messages that once opted people out, and messages that once did not, through the whole path."""

import pytest

from tests.flow.front_door import FrontDoor, open_door
from tests.support.scene import Scene

HELLO = {"kind": "reply", "text": "Ciao!"}


@pytest.fixture
async def door(scene: Scene, database_url: str) -> FrontDoor:
    """One tenant on a number of Italian and English."""
    return await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLINO", "actions": [HELLO]}))


async def speak(scene: Scene, *languages: str) -> None:
    """The number has these languages."""
    await scene.rows("UPDATE numbers SET languages = :languages", languages=list(languages))


async def is_written_to(door: FrontDoor) -> bool:
    """Whether the tenant may answer the sender."""
    before = len(await door.scene.mts())
    await door.say("TAVOLINO")
    return (await door.scene.states())[before:] == ["planned"]


@pytest.mark.parametrize("text", ["No", "NON", "Nein", "nie", "nej", "いいえ", "não", "нет", "لا", "Fine", "Fin"])
async def test_a_bare_no_and_a_word_that_is_ordinary_on_the_number_end_nothing(door: FrontDoor, text: str) -> None:
    answer = await door.say(text)

    assert answer.route == "default"
    assert await is_written_to(door)


async def test_a_word_that_only_one_language_of_the_number_has_opts_out(scene: Scene, database_url: str) -> None:
    await speak(scene, "it")
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLINO", "actions": [HELLO]}))

    answer = await door.say("Fine")

    assert answer.route == "opt_out"
    assert not await is_written_to(door)


@pytest.mark.parametrize(
    "text",
    [
        "Non voglio più ricevere messaggi",
        "toglietemi dalla lista per favore",
        "Please stop sending me messages",
        "Can you take me off your list",
        "STPO",
        "sttop",
        "SOTP",
        "STOP 12345",
        "STOP PIZA",
    ],
)
async def test_a_plain_request_opts_out_whatever_it_is_made_of(door: FrontDoor, text: str) -> None:
    answer = await door.say(text)

    assert answer.route == "opt_out"
    assert not await is_written_to(door)


@pytest.mark.parametrize("text", ["Stop kidding", "too many messages", "don't text me tomorrow"])
async def test_what_may_be_a_wish_for_an_end_is_marked_and_ends_nothing(door: FrontDoor, text: str) -> None:
    answer = await door.say(text)

    assert (answer.route, "opt_out_intent" in answer.route_details) == ("default", True)
    assert await is_written_to(door)


@pytest.mark.parametrize(
    ("text", "languages", "confirmation"),
    [
        ("STOP", ("it", "en"), "Non riceverai"),
        ("STOP", ("en", "it"), "You will get no more"),
        ("Disiscrivi", ("en", "it"), "Non riceverai"),
        ("Please unsubscribe me", ("en", "it"), "You will get no more"),
        ("Abmelden", ("it", "en"), "Sie erhalten keine"),
        ("revoca", ("it", "es"), "Non riceverai"),
    ],
)
async def test_an_opt_out_is_confirmed_in_the_language_of_its_word_or_of_the_number(
    scene: Scene, database_url: str, text: str, languages: tuple[str, ...], confirmation: str
) -> None:
    await speak(scene, *languages)
    door = await open_door(scene, database_url)

    await door.say(text)

    [said] = await door.texts()
    assert said.startswith(confirmation)
