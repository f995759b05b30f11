"""Questions and answers on one shared number: whose answer it is, once, and what it does."""

from typing import Any

import pytest

from tests.cast import ANN, BOB
from tests.flow.front_door import ASK_GYM, ASK_PIZZERIA, FrontDoor, open_door
from tests.flow.test_actions import an_endpoint, events_of
from tests.support.scene import Scene


async def two_askers(scene: Scene, database_url: str, **options: Any) -> FrontDoor:
    """Pizzeria and gym have both asked Ann a yes/no question, the gym last."""
    door = await open_door(
        scene,
        database_url,
        (scene.pizzeria, {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}),
        (scene.gym, {"word": "PALESTRA", "actions": [ASK_GYM]}),
        **options,
    )
    await door.say("TAVOLO")
    await door.say("PALESTRA")
    return door


async def test_the_answer_runs_the_steps_of_the_question(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}))
    await door.say("TAVOLO")

    answer = await door.say("Sì!")

    assert (answer.route, answer.rule, answer.tenant_id) == ("context", "open_question", scene.pizzeria)
    assert await door.texts() == ["Table for tonight?", "Your table waits."]
    [asked] = await scene.rows("SELECT answer, answered_by FROM contexts WHERE kind = 'question'")
    assert (asked.answer, asked.answered_by) == ("yes", answer.id)


async def test_a_question_is_answered_once(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}))
    await door.say("TAVOLO")
    await door.send("first", "si")
    await door.send("second", "si")

    await door.run()

    assert (await door.texts()).count("Your table waits.") == 1


async def test_of_two_questions_the_latest_is_answered(scene: Scene, database_url: str) -> None:
    door = await two_askers(scene, database_url)

    answers = [await door.say("si"), await door.say("si")]

    assert [answer.tenant_id for answer in answers] == [scene.gym, scene.pizzeria]
    assert (await door.texts())[2:] == ["See you at the gym.", "Your table waits."]


async def test_a_number_that_does_not_guess_puts_the_answer_aside(scene: Scene, database_url: str) -> None:
    door = await two_askers(scene, database_url, ambiguity="quarantine")

    answer = await door.say("si")

    assert (answer.state, answer.tenant_id, answer.rule) == ("stored", None, "quarantine")
    assert len(await door.texts()) == 2


async def test_a_number_that_asks_learns_who_is_meant(scene: Scene, database_url: str) -> None:
    door = await two_askers(scene, database_url, ambiguity="ask")
    vague = await door.say("si")

    chosen = await door.say("2")

    assert (vague.tenant_id, vague.rule) == (None, "ask")
    assert (await door.texts())[2:] == [
        "A chi scrivi? Rispondi 1 = Palestra Forte, 2 = Pizzeria Bella.",
        "Your table waits.",
    ]
    assert chosen.tenant_id == scene.pizzeria
    [original] = await scene.rows(
        "SELECT tenant_id, rule, route_details FROM inbound_messages WHERE id = :id", id=vague.id
    )
    assert (original.tenant_id, original.rule) == (scene.pizzeria, "chosen")
    assert "asks" not in original.route_details


async def test_a_number_asks_once_a_day(scene: Scene, database_url: str) -> None:
    door = await two_askers(scene, database_url, ambiguity="ask")

    await door.say("si")
    await door.say("si")

    assert len(await door.texts()) == 3


async def test_a_bare_yes_without_a_question_is_nobodys(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}))
    await door.say("TAVOLO", sender=ANN)

    answer = await door.say("SI", sender=BOB)

    assert (answer.tenant_id, answer.route) == (None, "default")


async def test_a_question_that_has_expired_is_not_answered(scene: Scene, database_url: str) -> None:
    question = {**ASK_PIZZERIA, "lifetime_minutes": 10}
    claim = (scene.pizzeria, {"word": "TAVOLO", "actions": [question]})
    door = await open_door(scene, database_url, claim, conversation_hours=0)
    await door.say("TAVOLO")

    scene.clock.advance(minutes=10)
    answer = await door.say("si")

    assert (answer.tenant_id, answer.route) == (None, "default")


async def test_stop_closes_every_question_and_conversation(scene: Scene, database_url: str) -> None:
    door = await two_askers(scene, database_url)

    await door.say("STOP")
    answer = await door.say("si")

    assert await door.open_contexts() == 0
    assert answer.tenant_id is None


async def test_what_was_open_before_stop_is_not_open_after_start(scene: Scene, database_url: str) -> None:
    door = await two_askers(scene, database_url)
    await door.say("STOP")

    await door.say("START")
    answer = await door.say("si")

    assert answer.tenant_id is None


async def test_text_goes_to_the_asker_although_it_begins_with_anothers_keyword(scene: Scene, database_url: str) -> None:
    question = {
        "kind": "ask",
        "text": "Where to?",
        "expected": "free_text",
        "on_answer": {"any": [{"kind": "reply", "text": "We bring it to {{ answer }}."}]},
    }
    door = await open_door(
        scene,
        database_url,
        (scene.pizzeria, {"word": "CONSEGNA", "actions": [question]}),
        (scene.gym, {"word": "CASA", "actions": [{"kind": "reply", "text": "gym"}]}),
    )
    await door.say("CONSEGNA")

    answer = await door.say("Casa Rossa 3")

    assert (answer.tenant_id, answer.rule) == (scene.pizzeria, "free_text_question")
    assert (await door.texts())[1:] == ["We bring it to Casa Rossa 3."]


@pytest.mark.parametrize(("answer", "reply"), [("9", "Wonderful!"), ("٣", "What was wrong?"), ("7", None)])
async def test_a_scale_falls_into_its_groups(scene: Scene, database_url: str, answer: str, reply: str | None) -> None:
    groups = {
        "9-10": [{"kind": "reply", "text": "Wonderful!"}],
        "0-6": [{"kind": "reply", "text": "What was wrong?"}],
    }
    question = {"kind": "ask", "text": "0 to 10?", "expected": "scale", "on_answer": groups}
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "VOTO", "actions": [question]}))
    await door.say("VOTO")

    row = await door.say(answer)

    assert row.tenant_id == scene.pizzeria
    assert (await door.texts())[1:] == ([reply] if reply else [])


@pytest.mark.parametrize("answer", ["grande", "Grande, grazie", "1", "a", "١"])
async def test_a_choice_is_answered_by_its_word_its_index_or_its_letter(
    scene: Scene, database_url: str, answer: str
) -> None:
    question = {
        "kind": "ask",
        "text": "Which size?",
        "expected": "choice",
        "choices": ["GRANDE", "PICCOLA"],
        "on_answer": {"GRANDE": [{"kind": "reply", "text": "A big one."}]},
    }
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [question]}))
    await door.say("TAVOLO")

    row = await door.say(answer)

    assert (row.tenant_id, row.rule) == (scene.pizzeria, "open_question")
    assert (await door.texts())[1:] == ["A big one."]


async def test_the_tenants_webhook_hears_the_answer(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}))
    await an_endpoint(scene, "message.received")
    await door.say("TAVOLO")

    await door.say("no")

    heard = [(data["text"], data["answer"]) for _, data in await events_of(scene)]
    assert heard == [("TAVOLO", None), ("no", "no")]
