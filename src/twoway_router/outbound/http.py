"""The only HTTP client of the router: guards tenants' URLs, pools per destination, reports requests that were surely not sent.

Called by ``outbound.sms`` and ``outbound.webhook``. No redirects, no proxies from the environment, no cookies, no
decompression; nothing is ever repeated here.
"""

import asyncio
import re
import ssl
from collections import OrderedDict
from datetime import timedelta
from typing import Final, Protocol
from urllib.parse import urlsplit

from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.outbound.connection import Connection, ConnectionFailed
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.network import Guard, Origin, Resolver, connect, resolve

POOLS: Final = 512
KEPT_SECONDS: Final = 4.0
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET: Final = re.compile(r"/[\x21-\x7e]*")
_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


class HttpClient(Protocol):
    """The port. ``timeout`` bounds the whole call: name, connection, request and answer."""

    async def send(self, request: HttpRequest, *, timeout: timedelta) -> HttpReply:
        """The answer, its body cut at 64 kB. Raises ``SendRefused`` or ``SendUnknown``."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Pool:
    """Connections to one destination. ``limit`` bounds them, so that a slow destination delays only itself."""

    def __init__(self, limit: int) -> None:
        self.room = asyncio.Semaphore(limit)
        self.busy = 0
        self._idle: list[Connection] = []

    def take_idle(self) -> Connection | None:
        """The connection used last, if it is open and fresh; older ones are closed on the way."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now - connection.idle_since < KEPT_SECONDS:
                return connection
            connection.abort()
        return None

    def keep(self, connection: Connection) -> None:
        """Keep a connection for the next request, if the other side leaves it open."""
        if connection.is_open:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle; what is busy ends by itself."""
        while self._idle:
            self._idle.pop().abort()


class PooledHttpClient:
    """``HttpClient`` over our own connections."""

    def __init__(
        self,
        guard: Guard,
        *,
        connections: int = 64,
        resolver: Resolver = resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._connections = connections
        self._resolver = resolver
        self._ssl_context = ssl_context or ssl.create_default_context()
        self._pools: OrderedDict[Origin, Pool] = OrderedDict()

    async def send(self, request: HttpRequest, *, timeout: timedelta) -> HttpReply:
        """One exchange on the destination's pool."""
        origin, target = split_url(request.url)
        data = write_request(request, origin, target)
        pool = self._pool(origin)
        is_written = False
        pool.busy += 1
        try:
            async with asyncio.timeout(timeout.total_seconds()), pool.room:
                connection = pool.take_idle() or await connect(origin, self._guard, self._resolver, self._ssl_context)
                is_written = True
                reply = await connection.exchange(data)
                pool.keep(connection)
                return reply
        except TimeoutError as error:
            raise (SendUnknown("timeout") if is_written else SendRefused("connect_timeout")) from error
        except ConnectionFailed as error:
            raise (SendUnknown(error.reason) if error.is_sent else SendRefused(error.reason)) from error
        finally:
            pool.busy -= 1

    async def close(self) -> None:
        """Close every pool."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        await asyncio.sleep(0)

    def _pool(self, origin: Origin) -> Pool:
        pool = self._pools.get(origin)
        if pool is None:
            if len(self._pools) >= POOLS:  # the longest unused go that have nothing under way
                for unused in [key for key, each in self._pools.items() if not each.busy][: POOLS // 8]:
                    self._pools.pop(unused).close()
            pool = self._pools[origin] = Pool(self._connections)
        self._pools.move_to_end(origin)
        return pool


def split_url(url: str) -> tuple[Origin, str]:
    """Destination and request target. Refuses what is not plainly an http(s) URL with a host."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
        name = host if ":" in host else host.encode("idna").decode("ascii").lower()
    except (ValueError, UnicodeError) as error:
        raise SendRefused("url_not_allowed") from error
    is_http = parts.scheme in ("http", "https") and port != 0
    if not is_http or not name or "@" in parts.netloc or re.search(r"[^0-9a-z._:-]", name):
        raise SendRefused("url_not_allowed")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if _TARGET.fullmatch(target) is None:
        raise SendRefused("url_not_allowed")
    is_tls = parts.scheme == "https"
    return Origin(is_tls=is_tls, host=name, port=port or (443 if is_tls else 80)), target


def write_request(request: HttpRequest, origin: Origin, target: str) -> bytes:
    """The request's bytes. A header that could end the head early, or that is ours to set, is refused."""
    lines = [f"{request.method} {target} HTTP/1.1", f"host: {origin.authority}"]
    for name, value in request.headers.items():
        if _TOKEN.fullmatch(name) is None or _VALUE.fullmatch(value) is None or name.lower() in _OURS:
            raise SendRefused("header_not_allowed")
        lines.append(f"{name}: {value}")
    lines += ["accept-encoding: identity", f"content-length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + request.body
