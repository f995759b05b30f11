"""One HTTP/1.1 connection: bytes of a request out, one parsed answer in. Opened and kept by ``outbound.network`` and ``http``.

httptools (llhttp) parses; a call costs a tenth of what a pure Python client takes, and a call is the dearest step of an MT.
"""

import asyncio
import socket
from typing import Final, cast

import httptools

from twoway_router.carriers.http import HttpReply

BODY_LIMIT_BYTES: Final = 65_536
HEADER_LIMIT_BYTES: Final = 32_768


class ConnectionFailed(Exception):
    """The exchange ended without a complete answer. ``is_sent``: the request may have arrived."""

    def __init__(self, reason: str, *, is_sent: bool) -> None:
        self.reason = reason
        self.is_sent = is_sent
        super().__init__(reason)


class Connection(asyncio.Protocol):
    """Serves one exchange after the other. The ``on_…`` methods are called by the parser."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[HttpReply] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._body = bytearray()
        self._is_in_body = False
        self.idle_since = 0.0

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is no asyncio.Transport
        plain = transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def exchange(self, request: bytes) -> HttpReply:
        """Write a request and wait for its answer; when the waiting is cancelled the connection is closed."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionFailed("connection_closed", is_sent=False)
        self._headers, self._header_bytes, self._body, self._is_in_body = {}, 0, bytearray(), False
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(request)
            return await self._answer
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._answer = None

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("malformed_answer")

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        is_whole = self._is_in_body and not {"content-length", "transfer-encoding"} & self._headers.keys()
        if is_whole and exc is None:
            self._finish()
        self._fail("connection_lost")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_LIMIT_BYTES:
            self._fail("headers_too_large")
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._is_in_body = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) >= BODY_LIMIT_BYTES:
            self._finish()
            self.abort()

    def on_message_complete(self) -> None:
        if not self._is_in_body:
            self._headers = {}
            return
        if not self._parser.should_keep_alive() and self._transport is not None:
            self._transport.close()
        self._finish()

    def _finish(self) -> None:
        if self._answer is not None and not self._answer.done():
            status = self._parser.get_status_code()
            self._answer.set_result(
                HttpReply(status=status, headers=self._headers, body=bytes(self._body[:BODY_LIMIT_BYTES]))
            )

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionFailed(reason, is_sent=True))
        self.abort()
