"""The lab's small web server: a bare ASGI application on uvicorn that can also break its connections on purpose.

Bare, because a simulated carrier must cost less than what it measures.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import cast
from urllib.parse import parse_qsl

import orjson
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TRANSPORT = "lab.transport"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class LabRequest:
    """One request with its whole body. Header names are lower case."""

    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> str:
        """The header's first value, or an empty string."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    def parameter(self, name: str) -> str:
        """The query parameter's first value, or an empty string."""
        return next((value for key, value in parse_qsl(self.query.decode("latin-1")) if key == name), "")


@dataclass(frozen=True, kw_only=True, slots=True)
class LabReply:
    """An answer as it goes over the wire."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = b"application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()

    @classmethod
    def json(cls, value: object, status: int = 200) -> "LabReply":
        return cls(status=status, body=orjson.dumps(value))


class Breakage(StrEnum):
    """No answer: the connection is closed (``drop``) or reset (``reset``)."""

    DROP = "drop"
    RESET = "reset"


Handler = Callable[[LabRequest], Awaitable[LabReply | Breakage]]


def as_asgi(handle: Handler) -> ASGIApp:
    """Wrap a handler as an ASGI application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, has_more = b"", True
        while has_more:
            event = await receive()
            body += event.get("body", b"")
            has_more = event.get("more_body", False)
        request = LabRequest(
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"],
            headers=scope["headers"],
            body=body,
        )
        reply = await handle(request)
        if isinstance(reply, Breakage):
            await _break_connection(scope, receive, reply)
            return
        headers = [(b"content-type", reply.content_type), (b"content-length", b"%d" % len(reply.body)), *reply.headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    return app


async def _break_connection(scope: Scope, receive: Receive, breakage: Breakage) -> None:
    transport = cast("asyncio.Transport", scope["extensions"][_TRANSPORT]["transport"])
    if breakage is Breakage.RESET:
        connection = cast("socket.socket", transport.get_extra_info("socket"))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


class _BreakableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also lets the application reach its connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to its host and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()


def is_taken(port: int) -> bool:
    """Whether nobody else can listen on this port of 127.0.0.1; port 0 never is."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return True
    return False


@asynccontextmanager
async def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve the application while the block runs; yields its base URL. Port 0 takes a free one."""
    listener = socket.create_server((host, port), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does not set it on a listener it is given
    config = uvicorn.Config(
        app,
        http=_BreakableProtocol,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
        server_header=False,
        date_header=False,
    )
    server = _Server(config)
    with closing(listener):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]))
            try:
                await server.has_started.wait()
                yield f"http://{host}:{listener.getsockname()[1]}"
            finally:
                server.should_exit = True
