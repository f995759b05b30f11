"""Long messages over ASGI: parts in any order, twice, missing, late, from two processes at once; one message comes of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.cast import ANN, BOB, NOON, OWNED, PIZZERIA, SEALER, SHARED, FakeClock, a_number, a_tenant
from tests.flow.doubles import a_listener, an_ingress
from twoway_router.domain.ids import ConnectionId, TenantId, new_id
from twoway_router.ingress.app import Ingress
from twoway_router.keywords import service as keywords
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers.connection_schemas import ConnectionIn
from twoway_router.store import Engine, Session, System, transaction
from twoway_router.store.engine import make_engine

TEXTS = ("PIZZA grande con ", "funghi e cipolle, ", "grazie mille")
WHOLE = "".join(TEXTS)
WAIT = 301


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Two ingress processes in front of one database."""

    clients: Sequence[httpx.AsyncClient]
    ingresses: Sequence[Ingress]
    engine: Engine
    clock: FakeClock
    tenant: TenantId
    connection: ConnectionId

    async def part(
        self, place: int, *, door: int = 0, total: int = 3, reference: str = "7", **fields: str
    ) -> httpx.Response:
        body = {
            "msisdn": ANN.lstrip("+"),
            "to": SHARED,
            "messageId": f"part-{place}",
            "text": TEXTS[place - 1],
            "type": "text",
            "concat": "true",
            "concat-ref": reference,
            "concat-part": str(place),
            "concat-total": str(total),
            **fields,
        }
        url = f"/in/vonage/{self.connection}/mo?key=a-long-word"
        headers = {"content-type": "application/json"}
        return await self.clients[door].post(url, content=json.dumps(body), headers=headers)

    async def rows(self, query: str) -> Sequence[Any]:
        async with transaction(self.engine, System("test")) as session:
            return (await session.execute(text(query))).all()

    async def messages(self) -> list[tuple[str, str, TenantId | None]]:
        rows = await self.rows("SELECT sender, text, tenant_id FROM inbound_messages ORDER BY id")
        return [(row.sender, row.text, row.tenant_id) for row in rows]


async def a_vonage_connection(session: Session) -> ConnectionId:
    wanted = ConnectionIn(
        name="vonage",
        carrier="vonage",
        country="IT",
        settings={"api_key": "abc"},
        secrets={"api_secret": "s3cret", "key": "a-long-word"},
    )
    created = await connections.create_connection(session, SEALER, wanted.to_row(new_id(), NOON), wanted.secrets)
    return ConnectionId(created.id)


@pytest.fixture
async def doors(database_url: str) -> AsyncIterator[Doors]:
    engine, clock = make_engine(database_url, pool_size=8), FakeClock()
    async with transaction(engine, System("test")) as session:
        tenant = await a_tenant(session, PIZZERIA)
        connection = await a_vonage_connection(session)
        number = await a_number(session, connection)
        await a_number(session, connection, OWNED, owner=tenant)
        await keywords.claim(session, tenant, KeywordPut(word="PIZZA").to_claim(number), now=NOON)
    ingresses = [an_ingress(engine, a_listener(database_url), clock=clock) for _ in range(2)]
    for ingress in ingresses:
        await ingress.start()
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(ingress), base_url="http://in.router.example")
        for ingress in ingresses
    ]
    yield Doors(clients=clients, ingresses=ingresses, engine=engine, clock=clock, tenant=tenant, connection=connection)
    for client in clients:
        await client.aclose()
    await engine.dispose()


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))), ids=str)
async def test_parts_in_any_order_become_one_message_of_the_keywords_tenant(
    doors: Doors, order: tuple[int, ...]
) -> None:
    answers = [await doors.part(place) for place in order]

    assert {answer.status_code for answer in answers} == {200}
    assert await doors.messages() == [(ANN, WHOLE, doors.tenant)]
    assert len(await doors.rows("SELECT 1 FROM outbox WHERE job = 'message.run'")) == 1


async def test_nothing_is_routed_before_the_last_part(doors: Doors) -> None:
    answer = await doors.part(1)

    assert answer.status_code == 200
    assert await doors.messages() == []


async def test_all_parts_in_one_batch_become_one_message(doors: Doors) -> None:
    await asyncio.gather(*(doors.part(place) for place in (3, 1, 2)))

    assert await doors.messages() == [(ANN, WHOLE, doors.tenant)]


async def test_a_part_that_comes_again_changes_nothing_before_or_after_the_last(doors: Doors) -> None:
    answers = [await doors.part(place) for place in (1, 1, 2, 3, 3, 1)]

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert await doors.messages() == [(ANN, WHOLE, doors.tenant)]


async def test_two_people_with_the_same_reference_have_a_message_each(doors: Doors) -> None:
    for place in (1, 2, 3):
        await doors.part(place)
        await doors.part(place, msisdn=BOB.lstrip("+"), messageId=f"bob-{place}")

    assert await doors.messages() == [(ANN, WHOLE, doors.tenant), (BOB, WHOLE, doors.tenant)]


async def test_a_reference_used_again_is_another_message(doors: Doors) -> None:
    for place in (1, 2, 3):
        await doors.part(place)
    for place in (1, 2, 3):
        await doors.part(place, messageId=f"second-{place}", text=TEXTS[place - 1].upper())

    assert await doors.messages() == [(ANN, WHOLE, doors.tenant), (ANN, WHOLE.upper(), doors.tenant)]


async def test_a_reference_used_again_sends_on_what_the_first_message_has(doors: Doors) -> None:
    await doors.part(1)
    for place in (1, 2, 3):
        await doors.part(place, messageId=f"second-{place}", text=TEXTS[place - 1].upper())

    assert await doors.messages() == [(ANN, TEXTS[0], doors.tenant), (ANN, WHOLE.upper(), doors.tenant)]


async def test_last_parts_at_two_processes_at_once_are_joined_exactly_once(doors: Doors) -> None:
    for number in range(20):
        await doors.part(1, messageId=f"{number}-1", reference=str(number))

    await asyncio.gather(
        *(
            doors.part(place, door=place % 2, messageId=f"{number}-{place}", reference=str(number))
            for number in range(20)
            for place in (2, 3)
        )
    )

    assert await doors.messages() == [(ANN, WHOLE, doors.tenant)] * 20


async def test_a_message_without_its_last_part_goes_on_after_the_wait(doors: Doors) -> None:
    await doors.part(1)
    await doors.part(2)
    assert await doors.ingresses[0].flush_once() == 0

    doors.clock.advance(seconds=WAIT)
    flushed = await asyncio.gather(*(ingress.flush_once() for ingress in doors.ingresses))

    assert sum(flushed) == 1
    assert await doors.messages() == [(ANN, TEXTS[0] + TEXTS[1], doors.tenant)]
    [row] = await doors.rows("SELECT extra FROM inbound_messages")
    assert row.extra["missing_parts"] == "3"


async def test_without_its_first_part_a_message_to_a_shared_number_is_nobodys(doors: Doors) -> None:
    await doors.part(2, text="PIZZA is what my second sentence begins with", total=2)

    doors.clock.advance(seconds=WAIT)
    await doors.ingresses[0].flush_once()

    [row] = await doors.rows("SELECT tenant_id, route, rule, state FROM inbound_messages")
    assert tuple(row) == (None, "none", "first_part_missing", "stored")


async def test_without_its_first_part_a_message_to_a_dedicated_number_is_its_owners(doors: Doors) -> None:
    await doors.part(2, to=OWNED.lstrip("+"), total=2)

    doors.clock.advance(seconds=WAIT)
    await doors.ingresses[0].flush_once()

    assert await doors.messages() == [(ANN, TEXTS[1], doors.tenant)]


async def test_a_late_part_is_recorded_as_a_correction_and_routes_nothing(doors: Doors) -> None:
    await doors.part(1, total=2)
    doors.clock.advance(seconds=WAIT)
    await doors.ingresses[0].flush_once()

    answer = await doors.part(2, total=2)

    assert answer.status_code == 200
    [row] = await doors.rows("SELECT text, extra FROM inbound_messages")
    assert (row.text, row.extra["corrected_text"], row.extra["missing_parts"]) == (TEXTS[0], TEXTS[0] + TEXTS[1], "")
    assert len(await doors.rows("SELECT 1 FROM outbox WHERE job = 'message.run'")) == 1


async def test_a_part_that_no_sms_can_be_is_kept_aside(doors: Doors) -> None:
    answer = await doors.part(1, text="x" * 2000)

    assert answer.status_code == 200
    assert await doors.rows("SELECT 1 FROM message_parts") == []
    [row] = await doors.rows("SELECT reason FROM quarantined_requests")
    assert row.reason == "part_too_large"


async def test_a_wrong_key_stores_no_part(doors: Doors) -> None:
    url = f"/in/vonage/{doors.connection}/mo?key=guess"

    answer = await doors.clients[0].post(url, json={"msisdn": "393200000001", "concat": "true"})

    assert answer.status_code == 403
    assert await doors.rows("SELECT 1 FROM message_parts") == []
