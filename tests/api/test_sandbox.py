"""The border between sandboxes and live traffic, and between sandboxes: what crosses it is refused by name."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.api.conftest import Caller, a_caller
from tests.cast import ANN, OWNED, PUBLIC_URL, SEALER, SHARED
from tests.flow.doubles import a_listener, an_ingress
from tests.support.playground import COPY, REPLY, Playground, playing
from twoway_router.domain.errors import TooManyRequests
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import InboundMessage, SenderKind
from twoway_router.keywords.follower import RoutingCache
from twoway_router.management.app import Sandboxes, create_app
from twoway_router.processes.sandbox import SandboxDoor
from twoway_router.store.follower import ChangeFollower

ANY = {"If-Match": "*"}
MESSAGE = {"country": "IT", "number": SHARED, "sender": "+447700900001", "text": "pizza"}
OPERATIONS: list[tuple[str, str, Any]] = [
    ("GET", "/v1/sandbox/handsets", None),
    ("POST", "/v1/sandbox/numbers", COPY),
    ("POST", "/v1/sandbox/inbound-messages", MESSAGE),
]


@pytest.fixture
async def playground(database_url: str) -> AsyncIterator[Playground]:
    async with playing(database_url) as playground:
        yield playground


async def sandbox_of(playground: Playground, caller: Caller) -> str:
    keys = (await caller.get("/v1/api-keys")).json()["data"]
    return str(next(key["tenant_id"] for key in keys if key["mode"] == "test"))


async def connection_of(playground: Playground) -> str:
    shown = await playground.operator.get("/v1/connections", params={"carrier": "sandbox"})
    return str(shown.json()["data"][0]["id"])


@pytest.mark.parametrize("who", ["live", "operator"])
@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS)
async def test_only_test_keys_have_a_sandbox(
    playground: Playground, who: str, method: str, path: str, body: Any
) -> None:
    caller: Caller = getattr(playground, who)

    answer = await caller.send(method, path, body)

    assert (answer.status_code, answer.json()["code"]) == (403, "sandbox_only")


async def test_the_handsets_are_listed_with_what_they_do(playground: Playground) -> None:
    shown = (await playground.tester.get("/v1/sandbox/handsets")).json()["data"]

    assert shown[1]["handset"] == "+447700900002"
    assert [each["name"] for each in shown[:4]] == ["delivered", "undelivered", "opted_out", "throttled"]


async def test_a_copy_takes_everything_over_from_the_live_number(playground: Playground) -> None:
    live = (await playground.live.get(f"/v1/numbers/{playground.scene.number_id}")).json()

    copy = await playground.tester.post("/v1/sandbox/numbers", {"like": live["id"]})

    names = ("country", "address", "kind", "sharing", "languages", "time_zone", "texts")
    assert copy.status_code == 201, copy.text
    assert [copy.json()[name] for name in names] == [live[name] for name in names]
    assert copy.json()["id"] != live["id"]


async def test_a_number_of_another_tenant_is_not_copied(playground: Playground) -> None:
    wish = {
        "country": "IT",
        "address": OWNED,
        "kind": "long_code",
        "sharing": "dedicated",
        "connection_id": str(playground.scene.connection_id),
        "tenant_id": str(playground.scene.gym),
    }
    foreign = (await playground.operator.post("/v1/numbers", wish)).json()["id"]

    answer = await playground.tester.post("/v1/sandbox/numbers", {"like": foreign})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "wish", [{}, {"country": "IT"}, {"like": "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f", "languages": ["it"]}]
)
async def test_a_number_is_a_copy_or_new(playground: Playground, wish: dict[str, Any]) -> None:
    answer = await playground.tester.post("/v1/sandbox/numbers", wish)

    assert answer.status_code == 422


async def test_a_sandboxs_number_is_changed_by_its_test_keys(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    wish = {"texts": {"help": "Aiuto"}, "time_zone": "Europe/Rome"}

    answer = await playground.tester.patch(f"/v1/sandbox/numbers/{number_id}", wish, headers=ANY)

    assert answer.status_code == 200, answer.text
    assert (answer.json()["texts"]["help"], answer.json()["time_zone"]) == ("Aiuto", "Europe/Rome")


async def test_a_test_key_changes_no_live_number_and_no_other_sandboxs(playground: Playground) -> None:
    number_id = await playground.add_number(playground.other)
    wish = {"texts": {"help": "Aiuto"}}

    answers = [
        await playground.tester.patch(f"/v1/sandbox/numbers/{each}", wish, headers=ANY)
        for each in (playground.scene.number_id, number_id)
    ]

    assert [answer.json()["code"] for answer in answers] == ["number_is_live", "not_found"]


async def test_a_sandbox_has_one_number_of_an_address(playground: Playground) -> None:
    await playground.add_number(playground.tester)

    answer = await playground.tester.post("/v1/sandbox/numbers", COPY)

    assert (answer.status_code, answer.json()["code"]) == (409, "number_taken")


async def test_a_sandbox_has_ten_numbers_at_most(playground: Playground) -> None:
    for place in range(10):
        await playground.add_number(playground.tester, address=f"2000{place}")

    answer = await playground.tester.post("/v1/sandbox/numbers", COPY)

    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_sandbox_numbers")


async def test_each_side_lists_its_own_numbers(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)

    callers = (playground.tester, playground.live, playground.other, playground.operator)
    seen = [[row["id"] for row in (await caller.get("/v1/numbers")).json()["data"]] for caller in callers]

    live = [str(playground.scene.number_id)]
    assert seen == [[number_id], live, [], live]


async def test_an_operator_lists_a_sandboxs_numbers_by_its_id(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    sandbox_id = await sandbox_of(playground, playground.tester)

    shown = (await playground.operator.get("/v1/numbers", params={"sandbox_id": sandbox_id})).json()["data"]

    assert [(row["id"], row["sandbox_id"]) for row in shown] == [(number_id, sandbox_id)]


async def test_a_test_key_holds_no_keyword_on_a_live_number(playground: Playground) -> None:
    wish = {"number_id": str(playground.scene.number_id), "word": "PIZZA", "actions": [REPLY]}

    answer = await playground.tester.post("/v1/keywords", wish)

    assert (answer.status_code, answer.json()["code"]) == (409, "number_is_live")


async def test_a_live_key_holds_no_keyword_on_a_sandbox_number(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)

    answer = await playground.live.post("/v1/keywords", {"number_id": number_id, "word": "PIZZA", "actions": [REPLY]})

    assert (answer.status_code, answer.json()["code"]) == (409, "number_is_sandbox")


async def test_an_operator_does_not_put_a_live_tenant_on_a_sandbox_number(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    wish = {"number_id": number_id, "word": "PIZZA", "actions": [REPLY], "tenant_id": str(playground.scene.pizzeria)}

    answer = await playground.operator.post("/v1/keywords", wish)

    assert (answer.status_code, answer.json()["code"]) == (409, "number_is_sandbox")


async def test_another_sandboxs_number_does_not_exist(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)

    answers = [
        await playground.other.post("/v1/keywords", {"number_id": number_id, "word": "PIZZA", "actions": [REPLY]}),
        await playground.other.get(f"/v1/numbers/{number_id}"),
        await playground.other.post(
            "/v1/sandbox/inbound-messages", {"number_id": number_id, "sender": ANN, "text": "pizza"}
        ),
        await playground.write(playground.other, "pizza"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]


async def test_a_test_key_writes_to_no_live_number(playground: Playground) -> None:
    wish = {"number_id": str(playground.scene.number_id), "sender": ANN, "text": "pizza"}

    answer = await playground.tester.post("/v1/sandbox/inbound-messages", wish)

    assert (answer.status_code, answer.json()["code"]) == (409, "number_is_live")
    assert await playground.scene.rows("SELECT id FROM inbound_messages") == []


async def test_a_live_pool_or_endpoint_is_no_part_of_a_sandboxs_keyword(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    pool = (await playground.live.post("/v1/coupon-pools", {"name": "Spring", "source": "uploaded"})).json()["id"]
    action = {"kind": "issue_coupon", "pool_id": pool, "empty_text": "Finiti"}

    answer = await playground.tester.post(
        "/v1/keywords", {"number_id": number_id, "word": "PIZZA", "actions": [action]}
    )

    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (422, "You have no such pool.")


async def test_a_live_number_is_not_made_on_a_sandboxs_connection(playground: Playground) -> None:
    await playground.add_number(playground.tester)
    wish = {"country": "IT", "address": "54321", "kind": "short_code", "sharing": "shared"}

    answer = await playground.operator.post("/v1/numbers", wish | {"connection_id": await connection_of(playground)})

    assert (answer.status_code, answer.json()["code"]) == (409, "sandbox_boundary")


async def test_numbers_do_not_move_between_live_and_sandbox_connections(playground: Playground) -> None:
    copy = await playground.add_number(playground.tester)
    moves = {
        copy: str(playground.scene.connection_id),
        str(playground.scene.number_id): await connection_of(playground),
    }

    answers = [
        await playground.operator.patch(f"/v1/numbers/{number_id}", {"connection_id": connection_id}, headers=ANY)
        for number_id, connection_id in moves.items()
    ]

    assert [answer.json()["code"] for answer in answers] == ["sandbox_boundary", "sandbox_boundary"]


async def test_a_sandboxs_connection_cannot_be_pointed_elsewhere(playground: Playground) -> None:
    await playground.add_number(playground.tester)
    connection_id = await connection_of(playground)

    answer = await playground.operator.patch(f"/v1/connections/{connection_id}", {"name": "Mine"}, headers=ANY)

    assert (answer.status_code, answer.json()["code"]) == (409, "sandbox_boundary")


async def test_a_live_number_is_not_assigned_to_a_sandbox(playground: Playground) -> None:
    wish = {"country": "IT", "address": OWNED, "kind": "long_code", "sharing": "dedicated"}
    connection = {"connection_id": str(playground.scene.connection_id)}
    number_id = (await playground.operator.post("/v1/numbers", wish | connection)).json()["id"]
    sandbox = {"tenant_id": await sandbox_of(playground, playground.tester)}

    answer = await playground.operator.put(f"/v1/numbers/{number_id}/assignment", sandbox, headers=ANY)

    assert (answer.status_code, answer.json()["code"]) == (409, "sandbox_boundary")


async def test_operators_do_not_connect_the_simulated_carrier_themselves(playground: Playground) -> None:
    wish = {"name": "Mine", "carrier": "sandbox", "secrets": {"key": "s3cret-key"}}

    answer = await playground.operator.post("/v1/connections", wish)

    assert answer.status_code == 422


async def test_sandboxes_connections_are_listed_only_when_asked_for(playground: Playground) -> None:
    await playground.add_number(playground.tester)

    shown = (await playground.operator.get("/v1/connections")).json()["data"]

    assert [row["carrier"] for row in shown] == ["generic"]


async def test_a_sandboxs_connection_has_no_door_to_the_outside(playground: Playground, database_url: str) -> None:
    await playground.add_number(playground.tester)
    ingress = an_ingress(playground.scene.engine, a_listener(database_url), clock=playground.scene.clock)
    await ingress.start()

    assert ingress.connections.find(ConnectionId(playground.scene.connection_id)) is not None
    assert ingress.connections.find(ConnectionId(UUID(await connection_of(playground)))) is None


async def test_a_sandbox_number_with_a_persons_address_keeps_no_live_answer_back(playground: Playground) -> None:
    await playground.add_number(playground.tester, address=ANN, kind="long_code", sharing="dedicated")
    keyword_id = await playground.scene.add_keyword(playground.scene.pizzeria, {"kind": "reply", "text": "Live"})
    message_id = await playground.scene.ask(keyword_id)

    await playground.scene.runner().run([message_id])
    await playground.work(2)

    assert playground.scene.http.texts == ["Live"]


@pytest.mark.parametrize("limit", ["requests_per_minute", "messages_per_minute"])
async def test_a_sandbox_is_limited_whatever_the_number_of_its_keys(playground: Playground, limit: str) -> None:
    scene = playground.scene
    limits: dict[str, int] = {limit: 1}
    app = create_app(
        engine=scene.engine,
        sealer=SEALER,
        routing_table=lambda: RoutingCache().table,
        public_url=PUBLIC_URL,
        clock=scene.clock,
        sandboxes=Sandboxes(door=NoDoor(), **limits),
    )
    first, second = [await a_caller(app, scene.engine, scene.pizzeria, mode="test") for _ in range(2)]
    await first.post("/v1/sandbox/inbound-messages", MESSAGE)

    answer = await second.post("/v1/sandbox/inbound-messages", MESSAGE)

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer.headers["Retry-After"]) == 60


class NoDoor:
    """A ``Door`` that nothing comes through."""

    async def bring(self, connection_id: ConnectionId, message: InboundMessage, at: datetime) -> bool:
        return True


async def test_who_would_wait_with_the_last_connection_is_told_to_come_back(playground: Playground) -> None:
    scene = playground.scene
    follower = ChangeFollower(scene.engine, a_listener("postgresql://nowhere/none"), (), poll=timedelta(seconds=1))
    door = SandboxDoor(scene.engine, RoutingCache(), follower, clock=scene.clock, room=0)
    message = InboundMessage(
        carrier_message_id="1", sender=ANN, sender_kind=SenderKind.MSISDN, recipient=SHARED, text="pizza"
    )

    with pytest.raises(TooManyRequests):
        await door.bring(scene.connection_id, message, scene.clock())
