"""Makes the calls that a carrier's handshake asks for, outside the request path. Made by ``roles`` for the ingress."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from twoway_router.carriers.http import HttpRequest
from twoway_router.carriers.proving import sns
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.http import HttpClient

log = structlog.get_logger(__name__)

_TIMEOUT: Final = timedelta(seconds=10)
_QUEUE_LENGTH: Final = 100


class BackgroundHandshakes:
    """Implements ``ingress.endpoint.Handshakes``. The carrier's spec has checked the host; the client checks the address."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._queue: asyncio.Queue[tuple[str, bool]] = asyncio.Queue(_QUEUE_LENGTH)
        self.certificates: dict[str, str] = {}

    def fetch_certificate(self, url: str) -> None:
        """Fetch a certificate, for the carrier's next try of a request signed with it."""
        self._add(url, is_certificate=True)

    def confirm(self, url: str) -> None:
        """Call the address that confirms a subscription."""
        self._add(url, is_certificate=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Do one handshake after the other until ``stop``."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(1):
                    url, is_certificate = await self._queue.get()
            except TimeoutError:
                continue
            await self._call(url, is_certificate=is_certificate)

    def _add(self, url: str, *, is_certificate: bool) -> None:
        if self._queue.full():
            log.warning("handshake.dropped", waiting=_QUEUE_LENGTH)
        else:
            self._queue.put_nowait((url, is_certificate))

    async def _call(self, url: str, *, is_certificate: bool) -> None:
        if is_certificate and url in self.certificates:
            return
        try:
            reply = await self._client.send(HttpRequest(method="GET", url=url), timeout=_TIMEOUT)
        except (SendRefused, SendUnknown) as error:
            log.warning("handshake.failed", is_certificate=is_certificate, error=str(error))
            return
        log.info("handshake.done", is_certificate=is_certificate, status=reply.status)
        pem = reply.body.decode("ascii", "replace")
        if is_certificate and reply.status == 200 and sns.is_certificate(pem):
            self.certificates[url] = pem
