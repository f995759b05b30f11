"""The HTTP client: what it sends, what it reads, and whether a request that failed may have arrived."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.raw_server import RawServer, raw_server, read_request
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.domain.addresses import read_networks
from twoway_router.outbound.connection import BODY_LIMIT_BYTES
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.http import PooledHttpClient, split_url
from twoway_router.outbound.network import Guard

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-Two: b\r\n\r\nhi"
LOCAL = Guard(allowed=read_networks(["127.0.0.0/8"]))


async def post(server: RawServer, *, timeout: float = 2, body: bytes = b"{}", times: int = 1) -> HttpReply:
    """The last answer of some requests on one client."""
    client = PooledHttpClient(LOCAL)
    request = HttpRequest(method="POST", url=server.url, headers={"content-type": "application/json"}, body=body)
    try:
        for _ in range(times):
            reply = await client.send(request, timeout=timedelta(seconds=timeout))
        return reply
    finally:
        await client.close()


async def test_an_answer_has_status_headers_and_body() -> None:
    async with raw_server(OK) as server:
        reply = await post(server)

    assert reply == HttpReply(status=200, headers={"content-length": "2", "x-two": "b"}, body=b"hi")


async def test_a_request_says_who_it_is_for_and_asks_for_plain_bytes() -> None:
    async with raw_server(OK) as server:
        await post(server, body=b"abc")

    lines = server.heads[0].decode().split("\r\n")
    assert lines[:2] == ["POST /hook HTTP/1.1", f"host: 127.0.0.1:{server.port}"]
    assert {"content-length: 3", "accept-encoding: identity", "content-type: application/json"} <= set(lines)


async def test_a_connection_is_used_again() -> None:
    async with raw_server(OK) as server:
        await post(server, times=5)

    assert (server.connections, len(server.heads)) == (1, 5)


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 200, b"hi"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n", 302, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", 200, b"hi"),
        (b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy", 503, b"busy"),
    ],
)
async def test_answers_come_in_many_forms(answer: bytes, status: int, body: bytes) -> None:
    async with raw_server(answer) as server:
        reply = await post(server, times=2)

    assert (reply.status, reply.body) == (status, body)


async def test_an_answer_without_length_ends_with_the_connection() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await writer.drain()

    async with raw_server(serve=serve) as server:
        reply = await post(server)

    assert reply.body == b"all of it"


async def test_a_huge_answer_is_cut() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 1_000_000) as server:
        reply = await post(server, times=2)

    assert (reply.status, len(reply.body)) == (200, BODY_LIMIT_BYTES)


@pytest.mark.parametrize(
    "answer",
    [
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 40_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"",
    ],
)
async def test_a_broken_answer_leaves_the_outcome_unknown(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)

    async with raw_server(serve=serve) as server:
        with pytest.raises(SendUnknown):
            await post(server)


async def test_a_server_that_drips_is_left_after_the_whole_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(20):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async with raw_server(serve=serve) as server:
        with pytest.raises(SendUnknown) as caught:
            await post(server, timeout=0.3)

    assert caught.value.reason == "timeout"


async def test_no_connection_means_that_nothing_was_sent() -> None:
    async with raw_server(OK) as server:
        pass

    with pytest.raises(SendRefused) as caught:
        await post(server)
    assert caught.value.reason == "connect_failed"


async def test_a_kept_connection_that_the_server_closed_is_not_used() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()

    client = PooledHttpClient(LOCAL)
    async with raw_server(serve=serve) as server:
        request = HttpRequest(method="POST", url=server.url, body=b"{}")
        for _ in range(3):
            await client.send(request, timeout=timedelta(seconds=2))
            await asyncio.sleep(0.02)
    await client.close()

    assert server.connections == 3


async def test_waiting_for_a_free_connection_is_part_of_the_time_and_sends_nothing() -> None:
    has_read, may_go = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        has_read.set()
        await may_go.wait()

    client = PooledHttpClient(LOCAL, connections=1)
    async with raw_server(serve=serve) as server:
        request = HttpRequest(method="POST", url=server.url, body=b"{}")
        first = asyncio.create_task(client.send(request, timeout=timedelta(seconds=60)))
        await has_read.wait()

        with pytest.raises(SendRefused):
            await client.send(request, timeout=timedelta(seconds=0.05))

        may_go.set()
        with pytest.raises(SendUnknown):
            await first
    await client.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"x": "a\r\nevil: 1"},
        {"x\r\nevil": "1"},
        {"x": "a\nb"},
        {"x": "\x00"},
        {"host": "evil"},
        {"Content-Length": "0"},
    ],
)
async def test_a_header_cannot_smuggle_another(headers: dict[str, str]) -> None:
    client = PooledHttpClient(LOCAL)
    request = HttpRequest(method="POST", url="http://127.0.0.1:9/", headers=headers)

    with pytest.raises(SendRefused) as caught:
        await client.send(request, timeout=timedelta(seconds=1))

    assert caught.value.reason == "header_not_allowed"


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("https://crm.example/a?b=c", "crm.example", 443, "/a?b=c"),
        ("https://CRM.example", "crm.example", 443, "/"),
        ("http://crm.example:8080/x", "crm.example", 8080, "/x"),
        ("https://münchen.example/", "xn--mnchen-3ya.example", 443, "/"),
        ("https://[2606:4700::1]:8443/x", "2606:4700::1", 8443, "/x"),
    ],
)
def test_a_url_is_split_into_destination_and_target(url: str, host: str, port: int, target: str) -> None:
    origin, found = split_url(url)

    assert (origin.host, origin.port, found) == (host, port, target)
