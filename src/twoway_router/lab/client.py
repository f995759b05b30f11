"""A cheap keep-alive HTTP/1.1 client for the loopback interface: the carrier's outgoing side and the load generator.

It costs a tenth of a general client, so that a measurement shows the router and not the generator.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Status and body; of the headers only what a carrier looks at, read when it asks."""

    status: int
    body: bytes
    head: bytes = b""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        _, _, after = self.head.partition(b"\r\ncontent-type:")
        return after.partition(b"\r\n")[0].strip().decode("latin-1")


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where requests go, taken apart once."""

    host: str
    port: int
    path: str


def read_target(url: str) -> Target:
    """Take a loopback URL apart; anything else is refused."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.hostname is None:
        raise ValueError(f"the lab talks only to http://127.0.0.1, not to {url}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(host=parts.hostname, port=parts.port or 80, path=path)


def build_request(method: str, target: Target, body: bytes, headers: Mapping[str, str]) -> bytes:
    """The bytes of one request."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    host = f"Host: {target.host}:{target.port}\r\n"
    head = f"{method} {target.path} HTTP/1.1\r\n{host}{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


class Connection(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[Answer] | None = None
        self._closes = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._closes and not self._transport.is_closing()

    async def send(self, request: bytes) -> Answer:
        """Write a request and return its answer; ConnectionError when the connection ends before that."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()
            raise

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closes = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the connection ended before the answer"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0 or self._answer is None or self._answer.done():
            return
        head = bytes(self._buffer[:head_end]).lower()
        status = int(head[9:12])
        start = head.find(b"\r\ncontent-length:")
        if start < 0 and status not in (204, 304):
            raise ValueError("the lab's client needs a Content-Length")
        length = 0 if start < 0 else int(head[start + 17 :].partition(b"\r\n")[0])
        if len(self._buffer) < head_end + 4 + length:
            return
        body = bytes(self._buffer[head_end + 4 : head_end + 4 + length])
        del self._buffer[: head_end + 4 + length]
        if b"\r\nconnection: close" in head:
            self._closes = True
            self.close()
        self._answer.set_result(Answer(status=status, body=body, head=head))


async def connect(target: Target) -> Connection:
    """Open one connection."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, target.host, target.port)
    return connection


class Pool:
    """Idle connections per address; a request takes one or opens one. Its user bounds the concurrency."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], deque[Connection]] = {}

    async def request(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], *, timeout_seconds: float
    ) -> Answer:
        """One request on a kept or new connection. ConnectionError and TimeoutError mean: no answer."""
        target = read_target(url)
        idle = self._idle.setdefault((target.host, target.port), deque())
        async with asyncio.timeout(timeout_seconds):
            while idle and not idle[-1].is_open:
                idle.pop()
            connection = idle.pop() if idle else await connect(target)
            answer = await connection.send(build_request(method, target, body, headers))
        if connection.is_open:
            idle.append(connection)
        return answer

    def close(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()
