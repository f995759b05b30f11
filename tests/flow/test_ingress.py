"""Arrows 1 to 5 of the path: a carrier's request over ASGI, the real engine, the real database, the carrier's answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cast import ANN, BOB, NOON, PIZZERIA, SHARED, a_connection, a_number, a_tenant
from tests.flow.doubles import a_listener, an_ingress
from twoway_router.domain.ids import ConnectionId, NumberId, TenantId
from twoway_router.ingress.app import Ingress
from twoway_router.keywords import service as keywords
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.store import System, changes, transaction
from twoway_router.store.engine import make_engine
from twoway_router.telemetry.metrics import MESSAGE_IDS_REUSED


@dataclass(frozen=True, kw_only=True)
class Door:
    """The ingress as a carrier sees it, and the rows behind it."""

    ingress: Ingress
    client: httpx.AsyncClient
    engine: AsyncEngine
    tenant: TenantId
    connection: ConnectionId
    number: NumberId

    async def mo(self, key: str = "carrier-key", **fields: str) -> httpx.Response:
        body = {"id": "m-1", "from": ANN, "to": SHARED, "text": "PIZZA grande", **fields}
        url = f"/in/generic/{self.connection}/mo?key={key}"
        return await self.client.post(url, content=json.dumps(body), headers={"content-type": "application/json"})

    async def rows(self, query: str) -> list[Any]:
        async with transaction(self.engine, System("test")) as session:
            return list((await session.execute(text(query))).all())


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    engine = make_engine(database_url, pool_size=5)
    listener = a_listener(database_url)
    async with transaction(engine, System("test")) as session:
        tenant = await a_tenant(session, PIZZERIA)
        connection = await a_connection(session)
        number = await a_number(session, connection, texts={"courtesy": "Unknown keyword."})
        await keywords.claim(session, tenant, KeywordPut(word="PIZZA").to_claim(number), now=NOON)
    ingress = an_ingress(engine, listener, clock=lambda: NOON)
    await ingress.start()
    transport = httpx.ASGITransport(ingress)
    async with httpx.AsyncClient(transport=transport, base_url="http://in.router.example") as client:
        yield Door(ingress=ingress, client=client, engine=engine, tenant=tenant, connection=connection, number=number)
    await engine.dispose()


async def test_a_message_is_stored_with_its_route_and_its_job(door: Door) -> None:
    answer = await door.mo()

    assert answer.status_code == 200
    [row] = await door.rows("SELECT tenant_id, route, rest, state, text FROM inbound_messages")
    assert (row.tenant_id, row.route, row.rest, row.state) == (door.tenant, "keyword", "grande", "accepted")
    [job] = await door.rows("SELECT job, cardinality(ids) AS size FROM outbox")
    assert (job.job, job.size) == ("message.run", 1)


async def test_a_repeat_by_the_carrier_gets_the_same_answer_and_no_second_row(door: Door) -> None:
    first = await door.mo()
    second = await door.mo()

    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert len(await door.rows("SELECT 1 FROM inbound_messages")) == 1
    assert len(await door.rows("SELECT 1 FROM outbox")) == 1


async def test_the_same_id_twice_in_one_batch_is_stored_once(door: Door) -> None:
    answers = await asyncio.gather(*(door.mo() for _ in range(10)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(await door.rows("SELECT 1 FROM inbound_messages")) == 1


PUT_ASIDE = "SELECT * FROM inbound_messages WHERE rule = 'message_id_reused'"


@pytest.mark.parametrize("other", [{"text": "PIZZA piccola"}, {"from": BOB}], ids=["text", "sender"])
async def test_an_id_that_another_message_had_is_put_aside(door: Door, other: dict[str, str]) -> None:
    before = MESSAGE_IDS_REUSED._value.get()
    first = await door.mo()
    second = await door.mo(**other)

    assert (second.status_code, second.content) == (first.status_code, first.content)
    [kept] = await door.rows("SELECT * FROM inbound_messages WHERE rule = 'keyword'")
    [aside] = await door.rows(PUT_ASIDE)
    assert (kept.sender, kept.text) == (ANN, "PIZZA grande")
    assert (aside.sender, aside.text) == (other.get("from", ANN), other.get("text", "PIZZA grande"))
    assert (aside.tenant_id, aside.route, aside.state) == (None, "none", "stored")
    assert (aside.route_details["reason"], aside.extra["reuses_id_of"]) == ("message_id_reused", str(kept.id))
    assert len(await door.rows("SELECT 1 FROM outbox")) == 1
    assert MESSAGE_IDS_REUSED._value.get() == before + 1


async def test_a_repeat_of_what_was_put_aside_is_a_repeat(door: Door) -> None:
    for text_ in ("PIZZA grande", "PIZZA piccola", "PIZZA piccola", "PIZZA grande"):
        await door.mo(text=text_)
    await door.ingress.requests.flush()

    assert [row.text for row in await door.rows(PUT_ASIDE)] == ["PIZZA piccola"]
    outcomes = [row.outcome for row in await door.rows("SELECT outcome FROM connection_requests ORDER BY id")]
    assert outcomes == ["stored", "quarantined", "duplicate", "duplicate"]


async def test_one_id_for_two_texts_in_one_batch_keeps_both(door: Door) -> None:
    answers = await asyncio.gather(
        *(door.mo(text=each) for each in ("PIZZA uno", "PIZZA due", "PIZZA uno", "PIZZA due"))
    )

    assert {answer.status_code for answer in answers} == {200}
    rows = await door.rows("SELECT text, rule FROM inbound_messages ORDER BY rule")
    assert {row.text for row in rows} == {"PIZZA uno", "PIZZA due"}
    assert [row.rule for row in rows] == ["keyword", "message_id_reused"]


async def test_a_stop_with_anothers_id_is_marked_and_not_obeyed(door: Door) -> None:
    await door.mo()
    await door.mo(text="STOP")

    [aside] = await door.rows(PUT_ASIDE)
    assert (aside.route, aside.route_details["opt_out_intent"]) == ("none", "STOP")
    assert await door.rows("SELECT 1 FROM suppressions") == []


async def test_a_dedicated_number_s_owner_gets_what_was_put_aside(door: Door) -> None:
    async with transaction(door.engine, System("test")) as session:
        await session.execute(text("UPDATE numbers SET sharing = 'dedicated', tenant_id = :id"), {"id": door.tenant})
        await changes.record(session, "number", door.number)
    await door.ingress.start()
    await door.mo()
    await door.mo(text="PIZZA piccola")

    [aside] = await door.rows(PUT_ASIDE)
    assert aside.tenant_id == door.tenant


async def test_only_a_repeat_is_compared_with_what_came_first(door: Door) -> None:
    asked: list[str] = []
    event.listen(door.engine.sync_engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    comparisons = []
    for key in ("m-1", "m-2", "m-1"):
        asked.clear()
        await door.mo(id=key)
        comparisons.append(sum("first_id" in statement for statement in asked))

    assert comparisons == [0, 0, 1]


async def test_a_wrong_key_is_refused_and_nothing_is_stored(door: Door) -> None:
    answer = await door.mo(key="guess")

    assert answer.status_code == 403
    assert await door.rows("SELECT 1 FROM inbound_messages") == []


async def test_a_request_that_cannot_be_understood_is_kept_and_acknowledged(door: Door) -> None:
    url = f"/in/generic/{door.connection}/mo?key=carrier-key"
    answer = await door.client.post(url, content=b'{"id": "m-1", "fro', headers={"authorization": "Basic abc"})

    assert answer.status_code == 200
    [row] = await door.rows("SELECT body, query, headers FROM quarantined_requests")
    assert bytes(row.body) == b'{"id": "m-1", "fro'
    assert "carrier-key" not in row.query
    assert row.headers["authorization"] == "[hidden]"


async def test_an_unknown_number_is_stored_without_a_tenant(door: Door) -> None:
    answer = await door.mo(to="99999")

    assert answer.status_code == 200
    [row] = await door.rows("SELECT tenant_id, number_id, route, rule, state FROM inbound_messages")
    assert tuple(row) == (None, None, "none", "unknown_number", "stored")


async def test_no_keyword_on_a_shared_number_is_nobodys_message(door: Door) -> None:
    await door.mo(text="hello there")

    [row] = await door.rows("SELECT tenant_id, route, number_id FROM inbound_messages")
    assert tuple(row) == (None, "default", door.number)


async def test_an_opt_out_is_in_force_when_it_is_acknowledged(door: Door) -> None:
    answer = await door.mo(text="stop")

    assert answer.status_code == 200
    [row] = await door.rows("SELECT number_id, msisdn FROM suppressions")
    assert (row.number_id, row.msisdn) == (door.number, ANN)


async def test_a_text_that_the_database_refuses_as_text_loses_nothing(door: Door) -> None:
    answer = await door.mo(text="PIZZA \x00 \ud800")

    assert answer.status_code == 200
    kept = await door.rows("SELECT 1 FROM inbound_messages UNION ALL SELECT 1 FROM quarantined_requests")
    assert len(kept) == 1


async def test_a_body_above_the_limit_is_answered_in_the_carriers_words(door: Door) -> None:
    url = f"/in/generic/{door.connection}/mo?key=carrier-key"
    answer = await door.client.post(url, content=b"x" * 2_000_000)

    assert answer.status_code == 413
    assert await door.rows("SELECT 1 FROM inbound_messages") == []


@pytest.mark.parametrize(
    "path",
    [
        "/in/generic/not-an-id/mo",
        "/in/generic/01a00000-0000-7000-8000-000000000000/mo",
        "/in/twilio/{connection}/mo",
        "/in/generic/{connection}/other",
        "/v1/tenants",
        "/",
    ],
)
async def test_other_doors_do_not_exist(door: Door, path: str) -> None:
    answer = await door.client.post(path.format(connection=door.connection))

    assert answer.status_code == 404


async def test_a_new_keyword_is_live_after_the_feed_was_read(door: Door) -> None:
    async with transaction(door.engine, System("test")) as session:
        await keywords.claim(session, door.tenant, KeywordPut(word="KEBAB").to_claim(door.number), now=NOON)

    await door.ingress.follower.catch_up()
    await door.mo(text="kebab now")

    [row] = await door.rows("SELECT tenant_id, rest FROM inbound_messages")
    assert (row.tenant_id, row.rest) == (door.tenant, "now")


async def test_without_the_database_the_carrier_is_asked_to_come_back(door: Door) -> None:
    async with transaction(door.engine, System("test")) as session:
        await session.execute(text("ALTER TABLE inbound_messages RENAME TO gone"))

    answer = await door.mo()

    assert answer.status_code == 503
