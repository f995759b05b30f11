"""Messages: what each caller sees, and the whole story of one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.cast import ANN, BOB, NOON, a_connection, a_number, an_inbound, an_outbound
from twoway_router.domain.ids import ConnectionId, NumberId, new_id
from twoway_router.inbound.tables import ActionRuns
from twoway_router.mts.tables import DeliveryReceipts, OutboundAttempts
from twoway_router.store import Engine, System, transaction


@dataclass(frozen=True, kw_only=True)
class Place:
    """A number that messages come in on."""

    engine: Engine
    connection_id: ConnectionId
    number_id: NumberId

    async def inbound(self, of: Caller | None, **columns: Any) -> str:
        async with transaction(self.engine, System("test")) as session:
            tenant_id = of.tenant_id if of else None
            return str(await an_inbound(session, self.connection_id, self.number_id, tenant_id=tenant_id, **columns))

    async def outbound(self, of: Caller | None, **columns: Any) -> str:
        async with transaction(self.engine, System("test")) as session:
            tenant_id = of.tenant_id if of else None
            return str(await an_outbound(session, self.connection_id, self.number_id, tenant_id=tenant_id, **columns))


@pytest.fixture
async def place(engine: Engine) -> Place:
    async with transaction(engine, System("test")) as session:
        connection_id = await a_connection(session)
        number_id = await a_number(session, connection_id)
    return Place(engine=engine, connection_id=connection_id, number_id=number_id)


def ids(listed: Any) -> list[str]:
    return [row["id"] for row in listed.json()["data"]]


async def test_a_tenant_sees_only_its_own_messages(place: Place, pizzeria: Caller, gym: Caller) -> None:
    mine = await place.inbound(pizzeria)
    await place.inbound(gym)
    await place.inbound(None)

    listed = await pizzeria.get("/v1/inbound-messages")

    assert ids(listed) == [mine]


@pytest.mark.parametrize(
    ("extra", "shown"),
    [
        ({}, ([], None)),
        ({"missing_parts": "2,3"}, ([2, 3], None)),
        ({"missing_parts": "", "corrected_text": "PIZZA whole"}, ([], "PIZZA whole")),
    ],
)
async def test_a_long_message_shows_what_is_missing_and_what_came_late(
    place: Place, pizzeria: Caller, extra: dict[str, str], shown: tuple[list[int], str | None]
) -> None:
    message_id = await place.inbound(pizzeria, extra=extra)

    (listed,) = (await pizzeria.get("/v1/inbound-messages")).json()["data"]
    story = (await pizzeria.get(f"/v1/inbound-messages/{message_id}")).json()

    assert [(each["missing_parts"], each["corrected_text"]) for each in (listed, story)] == [shown, shown]


async def test_what_was_put_aside_is_listed_by_its_rule(place: Place, operator: Caller, pizzeria: Caller) -> None:
    first = await place.inbound(pizzeria)
    aside = {"route": "none", "rule": "message_id_reused", "route_details": {"reason": "message_id_reused"}}
    second = await place.inbound(None, state="stored", extra={"reuses_id_of": first}, **aside)

    listed = await operator.get("/v1/inbound-messages?rule=message_id_reused")

    (shown,) = listed.json()["data"]
    assert (shown["id"], shown["reuses_id_of"], shown["route"]["reason"]) == (second, first, "message_id_reused")
    assert shown["route"]["detail"]
    assert (await operator.get("/v1/inbound-messages?rule=nonsense")).status_code == 422


@pytest.mark.parametrize("window", ["open", "too_early", "too_late", "sold_out", "suspended", "released"])
async def test_messages_are_listed_by_their_window(place: Place, pizzeria: Caller, window: str) -> None:
    details = {"word": "PIZZA", "window": window} if window != "open" else {"word": "PIZZA"}
    wanted = await place.inbound(pizzeria, route_details=details)
    await place.inbound(pizzeria, route_details={"window": "too_late"} if window != "too_late" else {})

    (listed,) = (await pizzeria.get(f"/v1/inbound-messages?window={window}")).json()["data"]
    story = (await pizzeria.get(f"/v1/inbound-messages/{wanted}")).json()

    assert (listed["id"], listed["route"]["window"], story["route"]["window"]) == (wanted, window, window)


async def test_an_operator_sees_all_also_what_nobody_got(
    place: Place, operator: Caller, pizzeria: Caller, gym: Caller
) -> None:
    made = [await place.inbound(pizzeria), await place.inbound(gym), await place.inbound(None, state="stored")]

    listed = await operator.get("/v1/inbound-messages")

    assert ids(listed) == made[::-1]


@pytest.mark.parametrize("kind", ["inbound", "outbound"])
async def test_a_foreign_message_answers_like_one_that_never_was(
    place: Place, pizzeria: Caller, gym: Caller, kind: str
) -> None:
    foreign = await (place.inbound(gym) if kind == "inbound" else place.outbound(gym))

    refused = await pizzeria.get(f"/v1/{kind}-messages/{foreign}")
    missing = await pizzeria.get(f"/v1/{kind}-messages/{new_id()}")

    assert refused.status_code == missing.status_code == 404
    assert refused.json() | {"instance": ""} == missing.json() | {"instance": ""}


@pytest.mark.parametrize(
    "query",
    [
        {"sender": ANN},
        {"state": "done"},
        {"route": "keyword"},
        {"received_after": NOON.isoformat()},
        {"received_before": (NOON + timedelta(minutes=1)).isoformat()},
    ],
)
async def test_inbound_messages_are_filtered(place: Place, pizzeria: Caller, query: dict[str, str]) -> None:
    wanted = await place.inbound(pizzeria)
    early, late = NOON - timedelta(days=1), NOON + timedelta(days=1)
    is_upper = "received_before" in query
    await place.inbound(pizzeria, sender=BOB, state="parked", route="default", received_at=late if is_upper else early)

    listed = await pizzeria.get("/v1/inbound-messages", params=query | {"number_id": str(place.number_id)})

    assert ids(listed) == [wanted]


@pytest.mark.parametrize(("asked", "place_of"), [("true", 0), ("false", 1)])
async def test_what_may_be_a_wish_for_an_end_can_be_listed(
    place: Place, pizzeria: Caller, asked: str, place_of: int
) -> None:
    marked = await place.inbound(pizzeria, route_details={"opt_out_intent": "STOP"})
    plain = await place.inbound(pizzeria)

    listed = await pizzeria.get("/v1/inbound-messages", params={"opt_out_intent": asked})

    assert ids(listed) == [(marked, plain)[place_of]]


@pytest.mark.parametrize("query", [{"recipient": ANN}, {"state": "handed_over"}, {"created_after": NOON.isoformat()}])
async def test_outbound_messages_are_filtered(place: Place, pizzeria: Caller, query: dict[str, str]) -> None:
    wanted = await place.outbound(pizzeria)
    await place.outbound(pizzeria, recipient=BOB, state="failed", created_at=NOON - timedelta(days=1))

    listed = await pizzeria.get("/v1/outbound-messages", params=query)

    assert ids(listed) == [wanted]


async def test_a_plus_that_nobody_encoded_is_still_a_plus(place: Place, pizzeria: Caller) -> None:
    wanted = await place.inbound(pizzeria)

    listed = await pizzeria.get(f"/v1/inbound-messages?sender={ANN}")

    assert ids(listed) == [wanted]


async def test_an_inbound_message_tells_its_whole_story(place: Place, pizzeria: Caller, engine: Engine) -> None:
    message_id = await place.inbound(pizzeria)
    answer = await place.outbound(pizzeria, cause_id=message_id)
    async with transaction(engine, System("test")) as session:
        session.add(
            ActionRuns(
                cause_id=message_id,
                cause_kind="inbound_message",
                ordinal=0,
                kind="reply",
                state="done",
                values={"n": 1},
            )
        )

    story = (await pizzeria.get(f"/v1/inbound-messages/{message_id}")).json()

    assert (story["route"]["outcome"], story["route"]["details"]) == ("keyword", {"word": "PIZZA"})
    assert [(run["kind"], run["state"], run["values"]) for run in story["action_runs"]] == [("reply", "done", {"n": 1})]
    assert [row["id"] for row in story["outbound_messages"]] == [answer]
    assert story["connection_id"] is None


async def test_an_outbound_message_tells_every_try_and_receipt(place: Place, pizzeria: Caller, engine: Engine) -> None:
    message_id = await place.outbound(pizzeria, delivery_state="delivered")
    async with transaction(engine, System("test")) as session:
        session.add(
            OutboundAttempts(
                outbound_message_id=message_id, attempt=1, outcome="done", started_at=NOON, finished_at=NOON
            )
        )
        session.add(
            DeliveryReceipts(
                id=new_id(),
                connection_id=place.connection_id,
                outbound_message_id=message_id,
                state="delivered",
                raw_state="DELIVRD",
                received_at=NOON,
            )
        )

    story = (await pizzeria.get(f"/v1/outbound-messages/{message_id}")).json()

    assert [(one["attempt"], one["outcome"]) for one in story["attempts"]] == [(1, "done")]
    assert [(one["state"], one["raw_state"]) for one in story["receipts"]] == [("delivered", "DELIVRD")]


async def test_a_tenant_does_not_read_of_other_tenants_in_its_route(place: Place, pizzeria: Caller) -> None:
    message_id = await place.inbound(pizzeria, route_details={"word": "PIZZA", "conversation_tenant": str(new_id())})

    story = (await pizzeria.get(f"/v1/inbound-messages/{message_id}")).json()

    assert story["route"]["details"] == {"word": "PIZZA"}
