"""Replays and explanations over the API: whose messages, how many, once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from tests.api.conftest import Caller
from tests.cast import ANN, NOON, a_connection, a_number, an_inbound
from twoway_router.domain.ids import ConnectionId, KeywordId, NumberId, new_id
from twoway_router.domain.messages import Sharing
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import KeywordRules, NumberRules
from twoway_router.store import Engine, System, transaction

HOUR = {"received_after": NOON.isoformat(), "received_before": (NOON + timedelta(hours=1)).isoformat()}


@pytest.fixture
async def place(engine: Engine, table: RoutingTable, pizzeria: Caller) -> tuple[ConnectionId, NumberId]:
    """The shared number, on which PIZZA is the pizzeria's."""
    assert pizzeria.tenant_id is not None
    async with transaction(engine, System("test")) as session:
        connection_id = await a_connection(session)
        number_id = await a_number(session, connection_id)
    table.put_number(
        NumberRules(number_id=number_id, country="IT", address="12345", sharing=Sharing.SHARED, languages=("it",))
    )
    table.put_keyword(
        KeywordRules(
            keyword_id=KeywordId(new_id()), tenant_id=pizzeria.tenant_id, number_id=number_id, spellings=("PIZZA",)
        )
    )
    return connection_id, number_id


async def arrived(engine: Engine, place: tuple[ConnectionId, NumberId], caller: Caller | None, **columns: Any) -> UUID:
    async with transaction(engine, System("test")) as session:
        return await an_inbound(session, *place, tenant_id=caller.tenant_id if caller else None, **columns)


async def jobs(engine: Engine) -> list[UUID]:
    async with transaction(engine, System("test")) as session:
        rows = await session.execute(text("SELECT ids FROM outbox WHERE job = 'message.run'"))
        return [each for row in rows for each in row.ids]


async def test_a_tenant_replays_its_own_message(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria)

    answer = await pizzeria.post(f"/v1/inbound-messages/{message_id}/replay", {"rules": "current"})

    assert (answer.status_code, answer.json()["generation"], answer.json()["state"]) == (202, 1, "accepted")
    assert await jobs(engine) == [message_id]


async def test_the_same_idempotency_key_replays_once(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria)
    path, key = f"/v1/inbound-messages/{message_id}/replay", {"Idempotency-Key": "once"}

    first = await pizzeria.post(path, {}, headers=key)
    second = await pizzeria.post(path, {}, headers=key)

    assert (first.json(), second.headers["idempotency-replayed"]) == (second.json(), "true")
    assert await jobs(engine) == [message_id]


async def test_anothers_message_cannot_be_replayed(
    engine: Engine, gym: Caller, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria)

    refused = await gym.post(f"/v1/inbound-messages/{message_id}/replay", {})

    assert refused.status_code == 404


async def test_only_an_operator_gives_a_message_to_a_keyword(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria)

    refused = await pizzeria.post(f"/v1/inbound-messages/{message_id}/replay", {"keyword_id": str(new_id())})

    assert (refused.status_code, refused.json()["code"]) == (403, "assignment_is_operators")


@pytest.mark.parametrize(
    "wish", [{"ordinal": 0}, {"rules": "original"}, {"text": "   "}, {"answer_to": str(new_id()), "rules": "current"}]
)
async def test_a_corrected_text_needs_a_route_to_be_made(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId], wish: dict[str, Any]
) -> None:
    message_id = await arrived(engine, place, pizzeria)

    refused = await pizzeria.post(f"/v1/inbound-messages/{message_id}/replay", {"text": "PIZZA due"} | wish)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")


async def test_a_dry_run_answers_like_a_replay_and_makes_none(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria, text="PIZZE", route="default", rule="courtesy")
    dry = {"text": "STOP PIZZA", "dry_run": True}

    one = (await pizzeria.post(f"/v1/inbound-messages/{message_id}/replay", dry)).json()
    many = (await pizzeria.post("/v1/inbound-messages/replays", {**HOUR, "dry_run": True})).json()

    assert (one["is_dry_run"], one["corrected_text"], one["generation"]) == (True, "STOP PIZZA", 1)
    assert (one["route"]["rule"], one["steps"]) == ("opt_out_keyword", [{"ordinal": 0, "kind": "opt_out"}])
    assert [each["code"] for each in many["skipped"]] == ["replay_leaves_tenant"]
    shown = (await pizzeria.get(f"/v1/inbound-messages/{message_id}")).json()
    assert (shown["corrected_text"], shown["route"]["rule"], await jobs(engine)) == (None, "courtesy", [])


async def test_an_answer_to_a_question_that_is_not_open_is_refused(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria)

    refused = await pizzeria.post(f"/v1/inbound-messages/{message_id}/replay", {"answer_to": str(new_id())})

    assert (refused.status_code, refused.json()["code"]) == (422, "replay_question_unknown")


async def test_one_wish_at_a_time(engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]) -> None:
    message_id = await arrived(engine, place, pizzeria)

    refused = await pizzeria.post(f"/v1/inbound-messages/{message_id}/replay", {"rules": "current", "ordinal": 0})

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")


async def test_a_filter_replays_page_by_page(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    messages = [
        await arrived(engine, place, pizzeria, received_at=NOON + timedelta(minutes=minute)) for minute in range(3)
    ]

    first = (await pizzeria.post("/v1/inbound-messages/replays", {**HOUR, "limit": 2})).json()
    second = (await pizzeria.post("/v1/inbound-messages/replays", {**HOUR, "limit": 2, "after": first["next"]})).json()

    replayed = [each["inbound_message_id"] for page in (first, second) for each in page["replayed"]]
    assert (replayed, second["next"]) == ([str(each) for each in messages], None)


async def test_a_filter_names_what_it_skips(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria, state="accepted")

    answer = (await pizzeria.post("/v1/inbound-messages/replays", HOUR)).json()

    assert [(each["inbound_message_id"], each["code"]) for each in answer["skipped"]] == [
        (str(message_id), "message_waits")
    ]


async def test_a_filter_of_a_tenant_finds_only_its_own(
    engine: Engine, pizzeria: Caller, gym: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    await arrived(engine, place, pizzeria)

    answer = await gym.post("/v1/inbound-messages/replays", {**HOUR, "tenant_id": str(pizzeria.tenant_id)})

    assert (answer.json()["replayed"], answer.json()["skipped"]) == ([], [])


async def test_an_operator_gets_a_courtesy_reply_explained(
    engine: Engine, operator: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, None, text="pizzas", route="default", rule="courtesy", sender=ANN)

    answer = (await operator.post(f"/v1/inbound-messages/{message_id}/explanations", None)).json()

    assert (answer["route"]["rule"], answer["now"]["rule"], answer["is_same"]) == ("courtesy", "courtesy", True)


async def test_an_explanation_shows_the_candidates(
    engine: Engine, pizzeria: Caller, place: tuple[ConnectionId, NumberId]
) -> None:
    message_id = await arrived(engine, place, pizzeria)

    answer = (await pizzeria.post(f"/v1/inbound-messages/{message_id}/explanations", None)).json()

    assert [(each["word"], each["lost_because"]) for each in answer["now"]["candidates"]] == [("PIZZA", None)]
