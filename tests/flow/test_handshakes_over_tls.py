"""The handshake with Amazon SNS over real TLS: certificate and confirmation through our own client, from a host on the loopback.

Only the port is another one: the names in the URLs, the check of the host's certificate and the judged address are the real ones.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.carriers.signing import SNS_CERTIFICATE_URL, sns_certificate
from tests.cast import a_number
from tests.flow.test_handshakes import HANDSHAKE, NOTIFICATION, SUBSCRIBE_URL, Topic, an_aws_connection, an_ingress_of
from tests.security.test_tls import here, write_certificate
from tests.support.raw_server import read_request
from tests.support.scene import FakeHttp
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.domain.addresses import read_networks
from twoway_router.outbound.errors import SendRefused
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard
from twoway_router.processes.handshakes import BackgroundHandshakes
from twoway_router.store import System, transaction
from twoway_router.store.engine import make_engine

AMAZON = "sns.eu-west-1.amazonaws.com"
LOOPBACK = ["127.0.0.0/8"]


@dataclass(kw_only=True)
class Amazon:
    """An HTTPS server that says it is Amazon. ``name`` is what it can prove, ``answer`` what it says instead of its own."""

    folder: Path
    name: str = AMAZON
    answer: bytes | None = None
    targets: list[str] = field(default_factory=list)
    port: int = 0
    authority: Path = Path()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        target = head.split()[1].decode()
        self.targets.append(target)
        is_certificate = target.endswith(".pem")
        body = sns_certificate().encode() if is_certificate else b"<ConfirmSubscriptionResponse/>"
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body)
        writer.write(self.answer or answer)
        await writer.drain()
        writer.close()

    async def start(self) -> asyncio.Server:
        self.authority, key = write_certificate(self.folder, self.name)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.authority, key)
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        return server


@dataclass(kw_only=True)
class ToPort:
    """Our client, but the port that it is told."""

    client: PooledHttpClient
    port: int
    refusals: list[str] = field(default_factory=list)

    async def send(self, request: HttpRequest, *, timeout: timedelta) -> HttpReply:
        parts = urlsplit(request.url)
        moved = parts._replace(netloc=f"{parts.hostname}:{self.port}").geturl()
        try:
            return await self.client.send(replace(request, url=moved), timeout=timeout)
        except SendRefused as refused:
            self.refusals.append(refused.reason)
            raise

    async def close(self) -> None:
        await self.client.close()


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Amazon and us."""

    amazon: Amazon
    topic: Topic
    http: ToPort

    async def refusal(self) -> tuple[int, list[str]]:
        """The answer to a message after its certificate could not be fetched, and why it could not."""
        await self.topic.post(NOTIFICATION)
        await self.topic.visited(lambda: bool(self.http.refusals))
        return await self.topic.post(NOTIFICATION), self.http.refusals

    async def has_visited(self, condition: Callable[[], bool]) -> list[str]:
        await self.topic.visited(condition)
        return self.amazon.targets


async def a_stage(database_url: str, amazon: Amazon, trusted: Path | None, allowed: list[str]) -> AsyncIterator[Stage]:
    server = await amazon.start()
    context = ssl.create_default_context(cafile=str(trusted or amazon.authority))
    guard = Guard(allowed=read_networks(allowed), is_tls_required=True)
    http = ToPort(client=PooledHttpClient(guard, resolver=here, ssl_context=context), port=amazon.port)
    engine = make_engine(database_url, pool_size=3)
    async with transaction(engine, System("test")) as session:
        connection_id = await an_aws_connection(session)
        await a_number(session, connection_id)
    handshakes = BackgroundHandshakes(http)
    ingress = await an_ingress_of(database_url, engine, handshakes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(ingress), base_url="http://in.router.example") as client:
        topic = Topic(
            client=client, handshakes=handshakes, amazon=FakeHttp(), engine=engine, connection_id=connection_id
        )
        yield Stage(amazon=amazon, topic=topic, http=http)
    await http.close()
    server.close()
    await engine.dispose()


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async for found in a_stage(database_url, Amazon(folder=tmp_path), None, LOOPBACK):
        yield found


async def test_a_topic_is_subscribed_and_its_messages_are_taken(stage: Stage) -> None:
    first = await stage.topic.post(HANDSHAKE)
    await stage.topic.has_certificate()
    again = await stage.topic.post(HANDSHAKE)
    targets = await stage.has_visited(lambda: len(stage.amazon.targets) == 2)
    message = await stage.topic.post(NOTIFICATION)

    assert (first, again, message) == (503, 200, 200)
    assert targets == [urlsplit(SNS_CERTIFICATE_URL).path, SUBSCRIBE_URL.partition(AMAZON)[2]]
    assert await stage.topic.texts() == ["PIZZA"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nlocation: https://evil.example/x.pem\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\njunk",
        b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",
        b"nothing like HTTP\r\n\r\n",
    ],
    ids=["redirect", "junk", "error", "no HTTP"],
)
async def test_what_is_no_certificate_is_not_kept_and_asked_for_again(stage: Stage, answer: bytes) -> None:
    stage.amazon.answer = answer
    await stage.topic.post(NOTIFICATION)
    await stage.has_visited(lambda: len(stage.amazon.targets) == 1)

    stage.amazon.answer = None
    assert (await stage.topic.post(NOTIFICATION), stage.topic.handshakes.certificates) == (503, {})
    await stage.topic.has_certificate()
    assert await stage.topic.post(NOTIFICATION) == 200


async def test_a_host_that_cannot_prove_its_name_is_not_believed(database_url: str, tmp_path: Path) -> None:
    amazon = Amazon(folder=tmp_path, name="evil.example")

    async for stage in a_stage(database_url, amazon, None, LOOPBACK):
        assert await stage.refusal() == (503, ["certificate_invalid"])
        assert (amazon.targets, await stage.topic.texts()) == ([], [])


async def test_a_host_that_nobody_vouches_for_is_not_believed(database_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    stranger, _ = write_certificate(other, AMAZON)
    amazon = Amazon(folder=tmp_path)

    async for stage in a_stage(database_url, amazon, stranger, LOOPBACK):
        assert await stage.refusal() == (503, ["certificate_invalid"])
        assert (amazon.targets, await stage.topic.texts()) == ([], [])


async def test_an_inner_address_is_not_visited_even_under_the_right_name(database_url: str, tmp_path: Path) -> None:
    amazon = Amazon(folder=tmp_path)

    async for stage in a_stage(database_url, amazon, None, []):
        assert await stage.refusal() == (503, ["address_not_allowed"])
        assert (amazon.targets, await stage.topic.texts()) == ([], [])
