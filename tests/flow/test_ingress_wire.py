"""The ingress on a real socket, before clients that hang up, dawdle or never end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.cast import ANN, NOON, SHARED, a_connection, a_number
from tests.flow.doubles import a_listener, an_ingress
from twoway_router.domain.ids import ConnectionId
from twoway_router.ingress.app import Ingress
from twoway_router.store import System, transaction
from twoway_router.store.engine import make_engine
from twoway_router.web.server import HttpServer
from twoway_router.web.wire import BoundedProtocol

FIELDS = f"id=m-1&from={ANN.replace('+', '%2B')}&to={SHARED}&text="


class Hasty(BoundedProtocol):
    """Gives a request a second to arrive."""

    arrival_seconds = 1.0


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A port with the ingress behind it."""

    ingress: Ingress
    engine: AsyncEngine
    connection: ConnectionId
    port: int

    def head(self, length: int) -> bytes:
        """The head of a form that a carrier posts."""
        return (
            f"POST /in/generic/{self.connection}/mo?key=carrier-key HTTP/1.1\r\nhost: in.router.example\r\n"
            f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n"
        ).encode()

    async def call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def has_answered(self) -> None:
        """Wait until a request has come to its end."""
        async with asyncio.timeout(10):
            while not await self.rows("SELECT outcome FROM connection_requests"):
                await self.ingress.requests.flush()
                await asyncio.sleep(0.02)

    async def stored(self) -> list[str]:
        """The texts of what was kept, in whatever way."""
        return await self.rows(
            "SELECT text FROM inbound_messages UNION ALL SELECT 'quarantined' FROM quarantined_requests"
        )

    async def rows(self, query: str) -> list[str]:
        """The first column of a query's answer."""
        async with transaction(self.engine, System("test")) as session:
            return list(await session.scalars(text(query)))


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    engine = make_engine(database_url, pool_size=3)
    async with transaction(engine, System("test")) as session:
        connection = await a_connection(session)
        await a_number(session, connection)
    ingress = an_ingress(engine, a_listener(database_url), clock=lambda: NOON)
    await ingress.start()
    server = HttpServer(ingress, host="127.0.0.1", port=0, setting="TEST", drain_seconds=1, protocol=Hasty)
    serving = asyncio.create_task(server.serve())
    yield Wire(ingress=ingress, engine=engine, connection=connection, port=server.port)
    server.shut_down()
    await serving
    await engine.dispose()


async def test_a_request_that_was_cut_off_is_no_message(wire: Wire) -> None:
    whole = f"{FIELDS}STOP+the+press+for+my+pizza".encode()
    _, writer = await wire.call()

    writer.write(wire.head(len(whole)) + f"{FIELDS}STOP".encode())
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await wire.has_answered()

    assert await wire.stored() == []
    assert await wire.rows("SELECT reason FROM connection_requests") == ["cut_off"]


async def test_a_request_in_two_pieces_is_one_message(wire: Wire) -> None:
    whole = f"{FIELDS}STOP+the+press".encode()
    reader, writer = await wire.call()

    writer.write(wire.head(len(whole)) + whole[:-10])
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.write(whole[-10:])
    answer = await reader.readuntil(b"\r\n")
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 200")
    assert await wire.stored() == ["STOP the press"]


@pytest.mark.parametrize(
    "beginning", [b"", b"POST /in", b"POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc"]
)
async def test_a_client_that_does_not_come_to_an_end_is_hung_up_on(wire: Wire, beginning: bytes) -> None:
    reader, writer = await wire.call()
    writer.write(beginning)

    async with asyncio.timeout(5):
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
    writer.close()


async def test_a_client_that_drips_is_hung_up_on_too(wire: Wire) -> None:
    _, writer = await wire.call()
    writer.write(b"GET / HTTP/1.1\r\n")

    with pytest.raises(ConnectionError):
        async with asyncio.timeout(5):
            while True:
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)

    writer.close()


async def test_a_head_without_end_is_refused(wire: Wire) -> None:
    reader, writer = await wire.call()
    writer.write(b"GET / HTTP/1.1\r\nx: " + b"y" * 500_000)

    answer = await reader.read(1000)

    assert answer.startswith(b"HTTP/1.1 431")
    writer.close()


async def test_requests_on_one_connection_have_their_time_each(wire: Wire) -> None:
    reader, writer = await wire.call()

    for turn in range(4):
        body = f"{FIELDS}PIZZA".replace("m-1", f"m-{turn}").encode()
        writer.write(wire.head(len(body)) + body)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.4)

    writer.close()
    assert await wire.stored() == ["PIZZA"] * 4
