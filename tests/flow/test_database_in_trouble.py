"""PostgreSQL restarts while a carrier or a receiver is being asked: what they answered is not lost."""

import asyncpg
import httpx
import pytest
from sqlalchemy import text
from starlette.types import ASGIApp

from tests.cast import ANN, NOON, PUBLIC_URL, SHARED
from tests.flow.doubles import NoErrands, a_listener, an_ingress
from tests.flow.test_webhooks import an_endpoint, delivery, queue
from tests.support.scene import FakeHttp, Scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.ingress.app import Ingress
from twoway_router.ingress.arrivals import Arrival, Stored
from twoway_router.ingress.endpoint import CarrierEndpoint
from twoway_router.store import Engine, System, transaction
from twoway_router.store.failures import is_unstorable

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


async def an_open_ingress(scene: Scene) -> Ingress:
    ingress = an_ingress(scene.engine, a_listener(url_of(scene.engine)), clock=lambda: NOON)
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
        clock=lambda: NOON,
        note=ingress.requests.note,
    )
    answer = await post_mo(scene, door)

    assert answer.status_code == 200
    assert [row.reason for row in await scene.rows("SELECT reason FROM quarantined_requests")] == ["not_storable"]


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
