"""Fakes of ports, and the ingress on top of them. For flow tests and tests of the API."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.cast import SEALER
from twoway_router.config import Settings
from twoway_router.dispatch.port import DeadHandler, Handler, Publication
from twoway_router.domain.clock import Clock
from twoway_router.ingress.app import Ingress
from twoway_router.store import Engine, changes, outbox
from twoway_router.store.listen import Listener


class NoErrands:
    """An ``Handshakes`` that only remembers what was asked for."""

    def __init__(self) -> None:
        self.certificates: list[str] = []
        self.confirmations: list[str] = []

    def fetch_certificate(self, url: str) -> None:
        self.certificates.append(url)

    def confirm(self, url: str) -> None:
        self.confirmations.append(url)


class QuietTransport:
    """A ``Transport`` that carries nothing and confirms everything."""

    def __init__(self) -> None:
        self.is_healthy = True
        self.last_heartbeat_at: datetime | None = None

    async def start(self) -> None: ...

    async def publish(self, jobs: Sequence[Publication]) -> Sequence[bool]:
        return [True] * len(jobs)

    async def consume(self, jobs: Sequence[str], handler: Handler, *, prefetch: int = 20) -> None: ...

    async def consume_dead(self, handler: DeadHandler) -> None: ...

    async def drain(self, timeout: timedelta) -> None: ...

    async def close(self) -> None: ...


def a_listener(url: str) -> Listener:
    """Hears of changes and of the outbox; not started."""
    return Listener(url, (changes.CHANNEL, outbox.CHANNEL))


def an_ingress(engine: Engine, listener: Listener, *, clock: Clock, **settings: str) -> Ingress:
    """The carriers' door with the test's sealer and nobody to run handshakes; not started."""
    return Ingress(
        settings=Settings.model_validate(settings),
        engine=engine,
        sealer=SEALER,
        listener=listener,
        handshakes=NoErrands(),
        certificates={},
        clock=clock,
    )
