"""Route diffs: a draft on the messages of the last days."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api.conftest import Caller
from tests.cast import ANN, NOON, a_connection, a_number, an_inbound
from twoway_router.consent.rules import Person
from twoway_router.contexts.rules import Question
from twoway_router.contexts.service import open_questions
from twoway_router.domain.ids import ConnectionId, NumberId, new_id
from twoway_router.store import Engine, System, transaction

Place = tuple[ConnectionId, NumberId]


@pytest.fixture
async def place(engine: Engine) -> Place:
    async with transaction(engine, System("test")) as session:
        connection_id = await a_connection(session)
        return connection_id, await a_number(session, connection_id)


async def arrived(engine: Engine, place: Place, text: str, caller: Caller | None = None, **columns: Any) -> UUID:
    async with transaction(engine, System("test")) as session:
        return await an_inbound(session, *place, tenant_id=caller.tenant_id if caller else None, text=text, **columns)


async def held(caller: Caller, place: Place, word: str, **fields: Any) -> str:
    answer = await caller.post("/v1/keywords", {"number_id": str(place[1]), "word": word, **fields})
    assert answer.status_code == 201, answer.text
    keyword_id: str = answer.json()["id"]
    return keyword_id


async def diff(caller: Caller, place: Place, **draft: Any) -> dict[str, Any]:
    answer = await caller.post("/v1/route-diffs", {"number_id": str(place[1]), **draft})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_an_operator_sees_whom_a_new_word_would_reach(
    engine: Engine, operator: Caller, pizzeria: Caller, place: Place
) -> None:
    message_id = await arrived(engine, place, "calzone due")
    await arrived(engine, place, "altro")

    shown = await diff(operator, place, put=[{"word": "CALZONE", "tenant_id": str(pizzeria.tenant_id)}])

    (change,) = shown["changes"]
    assert (shown["examined"], shown["changed"], shown["is_complete"]) == (2, 1, True)
    assert (change["inbound_message_id"], change["before"]["rule"]) == (str(message_id), "courtesy")
    assert (change["after"]["tenant_id"], change["after"]["word"]) == (str(pizzeria.tenant_id), "CALZONE")


async def test_a_removed_keyword_rests_and_its_messages_are_told_so(
    engine: Engine, pizzeria: Caller, place: Place
) -> None:
    keyword_id = await held(pizzeria, place, "PIZZA")
    await arrived(engine, place, "PIZZA grande", pizzeria)

    shown = await diff(pizzeria, place, remove=[keyword_id])

    (change,) = shown["changes"]
    assert (change["before"]["window"], change["after"]["window"]) == ("open", "released")
    assert (change["after"]["word"], change["after"]["rests_until"]) == ("PIZZA", "2027-05-30T12:00:00Z")


async def test_a_spelling_that_is_dropped_rests(engine: Engine, pizzeria: Caller, gym: Caller, place: Place) -> None:
    keyword_id = await held(pizzeria, place, "PIZZA", aliases=["CALZONETTO"])
    await arrived(engine, place, "CALZONETTO", pizzeria)
    await arrived(engine, place, "PIZZA", pizzeria)

    shown = await diff(pizzeria, place, put=[{"keyword_id": keyword_id, "word": "PIZZA"}])

    (change,) = shown["changes"]
    assert (change["text"], change["after"]["window"], change["before"]["window"]) == ("CALZONETTO", "released", "open")
    assert change["after"]["rests_until"] is not None


async def test_a_change_that_is_refused_gives_nothing_up(
    engine: Engine, pizzeria: Caller, gym: Caller, place: Place
) -> None:
    await held(gym, place, "YOGALAND")
    keyword_id = await held(pizzeria, place, "PIZZA", aliases=["CALZONETTO"])
    await arrived(engine, place, "CALZONETTO", pizzeria)

    shown = await diff(pizzeria, place, put=[{"keyword_id": keyword_id, "word": "YOGALAND"}])

    assert [(one["verdict"], one["code"]) for one in shown["verdicts"]] == [("refuse", "keyword_taken")]
    assert shown["changed"] == 0


async def test_a_word_that_rests_is_its_former_holders_to_draft_and_nobody_elses(
    engine: Engine, operator: Caller, pizzeria: Caller, gym: Caller, place: Place
) -> None:
    await pizzeria.delete(f"/v1/keywords/{await held(pizzeria, place, 'PIZZA')}")
    await arrived(engine, place, "PIZZA")

    own = await diff(operator, place, put=[{"word": "PIZZA", "tenant_id": str(pizzeria.tenant_id)}])
    other = await diff(operator, place, put=[{"word": "PIZZA", "tenant_id": str(gym.tenant_id)}])

    (change,) = own["changes"]
    assert (change["before"]["window"], change["after"]["window"]) == ("released", "open")
    assert change["before"]["rests_until"] == "2027-05-30T12:00:00Z"
    assert [(one["verdict"], one["code"]) for one in other["verdicts"]] == [("refuse", "keyword_resting")]
    assert other["changed"] == 0


async def test_a_window_that_the_draft_sets_is_told_text_by_text(
    engine: Engine, pizzeria: Caller, place: Place
) -> None:
    keyword_id = await held(pizzeria, place, "PIZZA")
    await arrived(engine, place, "PIZZA", pizzeria)
    late = {"keyword_id": keyword_id, "word": "PIZZA", "active_until": "2027-01-01T00:00:00Z"}
    early = {"keyword_id": keyword_id, "word": "PIZZA", "active_from": "2027-09-01T00:00:00Z"}

    sides = [(await diff(pizzeria, place, put=[draft]))["changes"][0]["after"] for draft in (late, early)]

    shown = [(side["window"], side["active_from"], side["active_until"]) for side in sides]
    assert shown == [("too_late", None, "2027-01-01T00:00:00Z"), ("too_early", "2027-09-01T00:00:00Z", None)]


async def test_a_changed_keyword_is_compared_with_what_it_was(engine: Engine, pizzeria: Caller, place: Place) -> None:
    keyword_id = await held(pizzeria, place, "PIZZA")
    await arrived(engine, place, "PIZZA grande", pizzeria)

    shown = await diff(
        pizzeria, place, put=[{"keyword_id": keyword_id, "word": "PIZZA", "sub_keywords": [{"word": "GRANDE"}]}]
    )

    assert [(one["before"]["sub_keyword"], one["after"]["sub_keyword"]) for one in shown["changes"]] == [
        (None, "GRANDE")
    ]


async def test_a_tenant_compares_its_own_messages_only(
    engine: Engine, pizzeria: Caller, gym: Caller, place: Place
) -> None:
    await arrived(engine, place, "CALZONE", pizzeria)

    shown = await diff(gym, place, put=[{"word": "CALZONE"}])

    assert shown["examined"] == 0


async def test_a_word_that_would_be_refused_is_not_compared(
    engine: Engine, operator: Caller, pizzeria: Caller, gym: Caller, place: Place
) -> None:
    await held(pizzeria, place, "PIZZA")
    await arrived(engine, place, "PIZZA grande", pizzeria)

    shown = await diff(operator, place, put=[{"word": "pizza", "tenant_id": str(gym.tenant_id)}])

    assert [(one["verdict"], one["is_compared"]) for one in shown["verdicts"]] == [("refuse", False)]
    assert shown["changed"] == 0


async def test_messages_older_than_asked_are_left_out(engine: Engine, pizzeria: Caller, place: Place) -> None:
    await arrived(engine, place, "CALZONE", pizzeria, received_at=NOON - timedelta(days=3))

    shown = await diff(pizzeria, place, put=[{"word": "CALZONE"}], days=2)

    assert shown["examined"] == 0


async def test_an_answer_is_compared_with_its_question_open(engine: Engine, pizzeria: Caller, place: Place) -> None:
    assert pizzeria.tenant_id is not None
    question = Question(
        person=Person(number_id=place[1], msisdn=ANN),
        tenant_id=pizzeria.tenant_id,
        origin="ask",
        expected="text",
        lifetime=timedelta(hours=1),
    )
    async with transaction(engine, System("test")) as session:
        await open_questions(session, [question], now=NOON - timedelta(minutes=9))
    for text in ("CALZONE", "CALZONE per due"):
        await arrived(
            engine, place, text, pizzeria, route="context", sender=ANN, received_at=NOON - timedelta(minutes=5)
        )

    shown = await diff(pizzeria, place, put=[{"word": "CALZONE"}])

    assert (shown["examined"], shown["in_conversation"]) == (2, 0)
    assert [(each["text"], each["before"]["rule"], each["after"]["rule"]) for each in shown["changes"]] == [
        ("CALZONE per due", "free_text_question", "keyword"),
        ("CALZONE", "free_text_question", "keyword_whole"),
    ]


async def test_answers_to_forgotten_conversations_are_counted_apart(
    engine: Engine, pizzeria: Caller, place: Place
) -> None:
    await arrived(engine, place, "si", pizzeria, route="context")

    shown = await diff(pizzeria, place, put=[{"word": "CALZONE"}])

    assert (shown["examined"], shown["in_conversation"]) == (0, 1)


async def test_the_list_is_as_long_as_asked_but_all_are_counted(engine: Engine, pizzeria: Caller, place: Place) -> None:
    for minute in range(3):
        await arrived(engine, place, "CALZONE", pizzeria, received_at=NOON - timedelta(minutes=minute))

    shown = await diff(pizzeria, place, put=[{"word": "CALZONE"}], limit=2)

    assert (shown["changed"], len(shown["changes"])) == (3, 2)


@pytest.mark.parametrize("named", ["put", "remove"])
async def test_anothers_keyword_cannot_be_drafted(pizzeria: Caller, gym: Caller, place: Place, named: str) -> None:
    keyword_id = await held(pizzeria, place, "PIZZA")
    draft: dict[str, Any] = {"remove": [keyword_id], "put": [{"keyword_id": keyword_id, "word": "PIZZE"}]}

    refused = await gym.post("/v1/route-diffs", {"number_id": str(place[1]), named: draft[named]})

    assert (refused.status_code, refused.json()["code"]) == (404, "keyword_not_found")


@pytest.mark.parametrize(
    ("draft", "status", "code"),
    [
        ({}, 422, "validation_failed"),
        ({"put": [{"word": "PIZZA"}]}, 422, "draft_tenant_needed"),
        ({"number_id": str(new_id()), "put": [{"word": "PIZZA"}]}, 404, "not_found"),
    ],
)
async def test_a_draft_must_make_sense(
    operator: Caller, place: Place, draft: dict[str, Any], status: int, code: str
) -> None:
    refused = await operator.post("/v1/route-diffs", {"number_id": str(place[1])} | draft)

    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_a_word_that_needs_an_operator_is_compared_with_all_that_it_moves(
    engine: Engine, pizzeria: Caller, gym: Caller, place: Place
) -> None:
    await held(pizzeria, place, "50%OFF")
    await arrived(engine, place, "50off", pizzeria)

    shown = await diff(gym, place, put=[{"word": "50OFF"}])

    (verdict,) = shown["verdicts"]
    assert (verdict["verdict"], verdict["is_compared"]) == ("override_needed", True)
