"""Replays of messages that belonged to a conversation: the conversations count as they were when the message came in."""

from typing import Any
from uuid import UUID

import pytest

from tests.flow.front_door import ASK_GYM, ASK_PIZZERIA, FrontDoor, open_door
from tests.support.scene import Scene
from twoway_router.domain.ids import TenantId
from twoway_router.inbound.queries.replays import lock_message
from twoway_router.keywords.queries import list_rules_of_number
from twoway_router.management.replaying import Replayed, Wish, replay
from twoway_router.numbers.queries import list_routed_numbers
from twoway_router.routing.index import RoutingTable
from twoway_router.store import System, transaction
from twoway_router.store.audit import Actor
from twoway_router.webhooks.listener import tell_endpoints

PIZZA = {"word": "PIZZA", "actions": [ASK_PIZZERIA]}
PALESTRA = {"word": "PALESTRA", "actions": [ASK_GYM]}


@pytest.fixture
async def door(scene: Scene, database_url: str) -> FrontDoor:
    """Two tenants that ask; every message a minute after the one before."""
    return await open_door(scene, database_url, (scene.pizzeria, PIZZA), (scene.gym, PALESTRA))


async def nobodys(door: FrontDoor, words: str) -> Any:
    """A message that was put aside."""
    message_id = await door.scene.add_inbound(
        words, route="none", rule="quarantine", state="stored", route_details={"reason": "several_questions"}
    )
    return await stored(door, message_id)


async def question_of(door: FrontDoor, tenant_id: TenantId) -> Any:
    """The question that a tenant has asked."""
    [row] = await door.scene.rows("SELECT * FROM contexts WHERE origin = 'ask' AND tenant_id = :id", id=tenant_id)
    return row


async def again(door: FrontDoor, message: Any, *, within: TenantId | None = None, **wish: Any) -> Replayed:
    """Replay one message and run it."""
    scene = door.scene
    async with transaction(scene.engine, System("test")) as session:
        numbers = [each.rules for each in await list_routed_numbers(session, [scene.number_id])]
        table = RoutingTable.build(numbers, await list_rules_of_number(session, scene.number_id))
        row = await lock_message(session, message.id, within=within)
        assert row is not None
        (result,) = await replay(
            session, [row], Wish(**wish), table, within=within, by=Actor(), now=scene.clock(), tell=tell_endpoints
        )
    await door.run()
    return result


async def stored(door: FrontDoor, message_id: UUID) -> Any:
    """The message as it is now."""
    [row] = await door.scene.rows("SELECT * FROM inbound_messages WHERE id = :id", id=message_id)
    return row


@pytest.mark.parametrize("rules", ["current", "original"])
async def test_an_answer_is_replayed_as_an_answer(door: FrontDoor, rules: str) -> None:
    await door.say("PIZZA")
    answer = await door.say("SI")

    result = await again(door, answer, rules=rules)

    after = await stored(door, answer.id)
    assert (result.problem, after.rule, after.tenant_id) == (None, "open_question", door.scene.pizzeria)
    assert await door.texts() == ["Table for tonight?", "Your table waits.", "Your table waits."]


async def test_the_question_that_was_open_then_counts_though_another_has_been_opened_since(door: FrontDoor) -> None:
    await door.say("PIZZA")
    answer = await door.say("SI")
    await door.say("PALESTRA")

    await again(door, answer)

    assert (await stored(door, answer.id)).tenant_id == door.scene.pizzeria


async def test_a_question_that_came_later_does_not_take_an_older_message(door: FrontDoor) -> None:
    stray = await door.say("SI")
    await door.say("PIZZA")

    await again(door, stray)

    assert (await stored(door, stray.id)).rule == "courtesy"


async def test_talk_goes_to_the_tenant_it_went_to_though_the_binding_was_refreshed_since(door: FrontDoor) -> None:
    for words in ("PIZZA", "SI"):
        await door.say(words)
    talk = await door.say("una domanda ancora")
    await door.say("e un'altra")

    await again(door, talk)

    after = await stored(door, talk.id)
    assert (after.rule, after.tenant_id) == ("conversation", door.scene.pizzeria)


async def test_who_was_in_touch_then_counts_for_a_message_that_something_else_decided(door: FrontDoor) -> None:
    for words in ("PIZZA", "SI"):
        await door.say(words)
    palestra = await door.say("PALESTRA")
    await door.say("PIZZA")
    await door.scene.rows("DELETE FROM keyword_spellings WHERE key = 'palestra'")

    await again(door, palestra)

    after = await stored(door, palestra.id)
    assert (after.rule, after.tenant_id) == ("conversation", door.scene.pizzeria)


async def test_without_its_conversation_an_answer_is_not_guessed(door: FrontDoor) -> None:
    await door.say("PIZZA")
    answer = await door.say("SI")
    await door.scene.rows("DELETE FROM contexts")

    result = await again(door, answer)

    assert result.problem is not None
    assert (result.problem.code, result.message.generation) == ("replay_needs_conversation", 0)


async def test_what_nobody_got_is_given_as_an_answer_and_runs_its_steps(door: FrontDoor) -> None:
    await door.say("PIZZA")
    question = await question_of(door, door.scene.pizzeria)
    stray = await nobodys(door, "PIZZERIA XY")

    result = await again(door, stray, answer_to=question.id, text="si")

    after = await stored(door, stray.id)
    assert (result.problem, after.tenant_id, after.route, after.rule) == (
        None,
        door.scene.pizzeria,
        "context",
        "assigned",
    )
    assert (after.text, after.extra["corrected_text"], after.route_details["answer"]) == ("PIZZERIA XY", "si", "yes")
    assert (await door.texts())[-1] == "Your table waits."
    assert (await question_of(door, door.scene.pizzeria)).answered_by == stray.id


async def test_a_text_that_a_question_does_not_expect_is_no_answer(door: FrontDoor) -> None:
    await door.say("PIZZA")
    question = await question_of(door, door.scene.pizzeria)
    stray = await nobodys(door, "PIZZERIA XY")

    result = await again(door, stray, answer_to=question.id)

    assert result.problem is not None
    assert (result.problem.code, (await stored(door, stray.id)).generation) == ("replay_is_no_answer", 0)


async def test_a_question_that_another_message_has_answered_takes_no_second_answer(door: FrontDoor) -> None:
    await door.say("PIZZA")
    await door.say("SI")
    question = await question_of(door, door.scene.pizzeria)
    stray = await door.say("PALESTRA")

    result = await again(door, stray, answer_to=question.id, text="si")

    assert result.problem is not None
    assert result.problem.code == "replay_question_unknown"


async def test_a_tenant_does_not_learn_of_anothers_question(door: FrontDoor) -> None:
    await door.say("PIZZA")
    question = await question_of(door, door.scene.pizzeria)
    own = await door.say("PALESTRA")

    result = await again(door, own, within=door.scene.gym, answer_to=question.id, text="si")

    assert result.problem is not None
    assert result.problem.code == "replay_question_unknown"


async def test_a_replay_may_ask_who_is_meant(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, PIZZA), (scene.gym, PALESTRA))
    for words in ("PIZZA", "PALESTRA"):
        await door.say(words)
    answer = await door.say("SI")
    await scene.rows("""UPDATE numbers SET options = options || '{"ambiguity": "ask"}'""")

    await again(door, answer)

    assert (await door.texts())[-1] == "A chi scrivi? Rispondi 1 = Palestra Forte, 2 = Pizzeria Bella."
