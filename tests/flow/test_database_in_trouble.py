"""PostgreSQL restarts, takes no writes, hangs or has a full disk: what was answered is not lost, and nobody is told yes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.types import ASGIApp

from tests.cast import ANN, NOON, PUBLIC_URL, SHARED
from tests.flow.doubles import NoErrands, a_listener, an_ingress
from tests.flow.test_webhooks import an_endpoint, delivery, queue
from tests.support.scene import FakeHttp, Scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.ingress.app import Ingress
from twoway_router.ingress.arrivals import Arrival, Stored
from twoway_router.ingress.endpoint import CarrierEndpoint
from twoway_router.processes.heartbeat import Heartbeat
from twoway_router.store import Engine, System, transaction
from twoway_router.store.failures import is_away, is_transient, is_unstorable

REPLY = {"kind": "reply", "text": "Hello"}


def url_of(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


async def hang_up(engine: Engine) -> None:
    """What a restart or a failover does to every connection of a process."""
    other = await asyncpg.connect(url_of(engine))
    try:
        await other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await other.close()


async def test_an_answer_that_came_while_the_database_restarted_is_stored(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id)])

    async def take_during_restart(request: HttpRequest) -> HttpReply:
        await hang_up(scene.engine)
        return await taken(request)

    sms = scene.sms(FakeHttp(answer=take_during_restart))
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()

    assert await scene.states() == ["handed_over"]


async def test_a_receivers_answer_that_came_while_the_database_restarted_is_stored(scene: Scene) -> None:
    endpoint_id = await an_endpoint(scene)

    async def take_during_restart(request: HttpRequest) -> HttpReply:
        await hang_up(scene.engine)
        return HttpReply(status=204, headers={}, body=b"")

    executor = delivery(scene, FakeHttp(answer=take_during_restart))
    await executor.deliver(await queue(scene, endpoint_id))
    await executor.drain()

    assert [row.state for row in await scene.rows("SELECT state FROM webhook_deliveries")] == ["done"]


async def an_open_ingress(scene: Scene, **settings: str) -> Ingress:
    ingress = an_ingress(scene.engine, a_listener(url_of(scene.engine)), clock=lambda: NOON, **settings)
    await ingress.start()
    return ingress


async def post_mo(scene: Scene, door: ASGIApp) -> httpx.Response:
    message = {"id": "m-1", "from": ANN, "to": SHARED, "text": "PIZZA"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://in.example") as client:
        return await client.post(f"/in/generic/{scene.connection_id}/mo?key=carrier-key", json=message)


async def test_a_message_that_comes_after_the_database_restarted_is_stored_at_once(scene: Scene) -> None:
    ingress = await an_open_ingress(scene)
    await hang_up(scene.engine)

    answer = await post_mo(scene, ingress)

    assert answer.status_code == 200
    assert len(await scene.rows("SELECT 1 FROM inbound_messages")) == 1


async def test_a_message_that_can_never_be_stored_is_kept_as_it_came(scene: Scene) -> None:
    ingress = await an_open_ingress(scene)

    async def submit(arrival: Arrival) -> Stored:
        if arrival.messages:
            await scene.rows("SELECT CAST(:value AS smallint)", value=99_999)
        return await ingress.batches.submit(arrival)

    door = CarrierEndpoint(
        find_connection=ingress.connections.find,
        submit=submit,
        is_full=lambda: False,
        handshakes=NoErrands(),
        public_url=PUBLIC_URL,
        body_limit=10_000,
        timeout=10.0,
        clock=lambda: NOON,
        note=ingress.requests.note,
    )
    answer = await post_mo(scene, door)

    assert answer.status_code == 200
    assert [row.reason for row in await scene.rows("SELECT reason FROM quarantined_requests")] == ["not_storable"]


@asynccontextmanager
async def read_only(engine: Engine) -> AsyncIterator[None]:
    """The database as its clients see it after a fail-over that they have not followed: it answers, and takes no writes."""
    name = engine.url.database
    other = await asyncpg.connect(url_of(engine))
    try:
        await other.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await hang_up(engine)
        yield
    finally:
        other = await asyncpg.connect(url_of(engine))
        await other.execute("SET default_transaction_read_only = off")
        await other.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await other.close()


async def test_an_answer_that_came_while_the_database_took_no_writes_is_stored(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id)])
    answered = asyncio.Event()

    async def take(request: HttpRequest) -> HttpReply:
        await stood_down.enter_async_context(read_only(scene.engine))
        answered.set()
        return await taken(request)

    async with AsyncExitStack() as stood_down:
        http = FakeHttp(answer=take)
        sms = scene.sms(http)
        await sms.deliver(await scene.take_jobs("sms.deliver"))
        await answered.wait()
        await asyncio.sleep(0.3)
        states_meanwhile = await scene.states()
    await sms.drain()

    assert states_meanwhile == ["claimed"]
    assert await scene.states() == ["handed_over"]
    assert len(http.requests) == 1


async def test_a_server_that_takes_no_writes_is_left_for_the_one_that_does(scene: Scene) -> None:
    async with transaction(scene.engine, System("test")) as session:
        first = await session.scalar(text("SELECT pg_backend_pid()"))

    with pytest.raises(DBAPIError) as caught:
        async with transaction(scene.engine, System("test")) as session:
            await session.execute(text("SET TRANSACTION READ ONLY"))
            await session.execute(text("DELETE FROM heartbeats"))

    assert is_away(caught.value) and is_transient(caught.value)
    async with transaction(scene.engine, System("test")) as session:
        assert await session.scalar(text("SELECT pg_backend_pid()")) != first


async def test_a_database_that_hangs_is_answered_for_and_nothing_is_lost(scene: Scene) -> None:
    ingress = await an_open_ingress(scene, ingress_timeout="0.3")

    async with transaction(scene.engine, System("test")) as session:
        await session.execute(text("LOCK TABLE inbound_messages IN ACCESS EXCLUSIVE MODE"))
        answers = await asyncio.gather(*(post_mo(scene, ingress) for _ in range(3)))
    await ingress.drain()
    again = await post_mo(scene, ingress)

    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in answers} == {(503, "5")}
    assert again.status_code == 200
    assert len(await scene.rows("SELECT 1 FROM inbound_messages")) == 1


async def test_readiness_proves_that_the_database_takes_writes(scene: Scene) -> None:
    heartbeat = Heartbeat(scene.engine, "ingress")
    calm = await heartbeat.find_trouble()
    async with read_only(scene.engine):
        stood_down = await heartbeat.find_trouble()
    async with transaction(scene.engine, System("test")) as session:
        await session.execute(text("LOCK TABLE heartbeats IN ACCESS EXCLUSIVE MODE"))
        hanging = await heartbeat.find_trouble()

    assert calm is None
    assert stood_down == "the database takes no writes (DBAPIError 25006)"
    assert hanging == "the database takes no writes (TimeoutError)"
    assert await heartbeat.find_trouble() is None


async def test_a_full_disk_is_not_ready(scene: Scene) -> None:
    other = await asyncpg.connect(url_of(scene.engine))
    # The nearest to a full disk that one database can have for itself: no file may be written for a sort.
    await other.execute(f'ALTER DATABASE "{scene.engine.url.database}" SET temp_file_limit = 0')
    await hang_up(scene.engine)

    trouble = await Heartbeat(scene.engine, "ingress").find_trouble()

    assert trouble == "the database takes no writes (DBAPIError 53400)"


@pytest.mark.parametrize(
    ("statement", "value", "is_the_values_fault"),
    [
        ("SELECT CAST(:value AS text)", "a\x00b", True),
        ("SELECT CAST(:value AS text)", "\ud800", True),
        ("SELECT CAST(:value AS smallint)", 99_999, True),
        ("SELECT CAST(:value AS jsonb)", '{"a": "\\u0000"}', True),
        ("INSERT INTO word_choices (number_id) VALUES (CAST(:value AS uuid))", None, True),
        ("SELECT 1 FROM a_table_that_is_not_there WHERE CAST(:value AS text) = ''", "", False),
        ("SELECT CAST(:value AS text), pg_terminate_backend(pg_backend_pid())", "", False),
    ],
)
async def test_only_values_that_can_never_be_stored_are_put_aside(
    scene: Scene, statement: str, value: object, is_the_values_fault: bool
) -> None:
    with pytest.raises(Exception) as caught:
        async with transaction(scene.engine, System("test")) as session:
            await session.execute(text(statement), {"value": value})

    assert is_unstorable(caught.value) is is_the_values_fault
