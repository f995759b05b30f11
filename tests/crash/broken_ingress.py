"""The deliberately broken router: an ingress that acknowledges before it commits. The drill must catch it.

Everything else is the real ingress. A process of its own: ``python -m tests.crash.broken_ingress``.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from twoway_router.config import Settings
from twoway_router.domain.clock import utc_now
from twoway_router.ingress.app import Ingress
from twoway_router.processes.frame import Part
from twoway_router.processes.shared import Shared, make_process, prepare
from twoway_router.web.server import HttpServer

COMMITS_AFTER_SECONDS: Final = 0.2


class CarelessIngress(Ingress):
    """Answers 200, and stores the message a moment later."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        self._later = asyncio.get_running_loop().create_task(self._store(scope, body))

    async def _store(self, scope: Scope, body: Message) -> None:
        async def receive() -> Message:
            return body

        async def send(_: Message) -> None:
            return

        await asyncio.sleep(random.uniform(0, COMMITS_AFTER_SECONDS))
        await super().__call__(scope, receive, send)


class NoErrands:
    """The drill's carrier asks for no handshake."""

    def fetch_certificate(self, url: str) -> None: ...

    def confirm(self, url: str) -> None: ...


def careless_parts(shared: Shared) -> Sequence[Part]:
    """What ``processes.roles`` makes for an ingress, around the careless one."""
    settings = shared.settings
    ingress = CarelessIngress(
        settings=settings,
        engine=shared.engine,
        sealer=shared.sealer,
        listener=shared.listener,
        handshakes=NoErrands(),
        certificates={},
        clock=utc_now,
    )
    server = HttpServer(
        ingress,
        host=settings.listen_host,
        port=settings.ingress_port,
        setting="TWOWAY_INGRESS_PORT",
        drain_seconds=settings.drain.total_seconds(),
    )
    return (Part(name="ingress", start=ingress.start, loops=(ingress.run,), servers=(server,), drain=ingress.drain),)


def main() -> None:
    """Serve until a signal."""
    settings = Settings()
    assert settings.database_url is not None
    shared = prepare(settings, settings.database_url.get_secret_value(), "ingress")
    asyncio.run(make_process(shared, careless_parts(shared)).run())


if __name__ == "__main__":
    main()
