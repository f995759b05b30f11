"""Puts the ingress together: caches, group commit, endpoint. Called by ``processes``."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

import structlog
from starlette.types import Receive, Scope, Send

from twoway_router.config import Settings
from twoway_router.domain.clock import Clock
from twoway_router.domain.ids import new_id
from twoway_router.ingress.accept import accept
from twoway_router.ingress.arrivals import Arrival, Stored
from twoway_router.ingress.connections import ConnectionCache
from twoway_router.ingress.endpoint import CarrierEndpoint, Handshakes
from twoway_router.ingress.long_messages import FLUSH_LIMIT, accept_parts, flush_incomplete, forget_parts, has_parts
from twoway_router.ingress.request_log import RequestLog
from twoway_router.keywords.follower import RoutingCache
from twoway_router.store.failures import DATABASE_ERRORS, describe
from twoway_router.store.follower import ChangeFollower
from twoway_router.store.group_commit import GroupCommit
from twoway_router.store.listen import Listener
from twoway_router.store.sealing import Sealer
from twoway_router.store.transaction import Engine, System, transaction
from twoway_router.tasks import pause
from twoway_router.telemetry.metrics import INGRESS_BATCH_ROWS, INGRESS_COMMIT_SECONDS
from twoway_router.webhooks.listener import tell_endpoints

log = structlog.get_logger(__name__)

_FLUSH_EVERY: Final = timedelta(seconds=1)
_FORGET_EVERY: Final = timedelta(hours=1)


class Ingress:
    """One process's ingress. It is an ASGI application; ``start`` must have returned before it is served."""

    def __init__(
        self,
        *,
        settings: Settings,
        engine: Engine,
        sealer: Sealer,
        listener: Listener,
        handshakes: Handshakes,
        certificates: Mapping[str, str],
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._max_age = settings.index_max_age
        self._forgot_at: datetime | None = None
        self.routing = RoutingCache()
        self.connections = ConnectionCache(sealer, settings.public_url, certificates)
        self.follower = ChangeFollower(engine, listener, (self.routing, self.connections), poll=settings.index_poll)
        self.batches: GroupCommit[Arrival, Stored] = GroupCommit(
            self._commit,
            max_rows=settings.batch_rows,
            max_in_flight=settings.batches_in_flight,
            rows_of=lambda arrival: max(1, len(arrival.messages) + len(arrival.receipts)),
        )
        self.requests = RequestLog(engine, new_id)
        limit = max(settings.batch_rows * 20, 2000)
        self._endpoint = CarrierEndpoint(
            find_connection=self.connections.find,
            submit=self.batches.submit,
            is_full=lambda: self.batches.depth > limit,
            handshakes=handshakes,
            public_url=settings.public_url,
            body_limit=settings.body_limit_bytes,
            timeout=settings.ingress_timeout.total_seconds(),
            clock=clock,
            note=self.requests.note,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._endpoint(scope, receive, send)

    async def start(self) -> None:
        """Load the caches."""
        await self.follower.load()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow changes until ``stop``."""
        await self.follower.run(stop)

    async def flush(self, stop: asyncio.Event) -> None:
        """Until ``stop``: send on long messages whose parts do not come, and forget parts that have long been joined."""
        while not stop.is_set():
            try:
                while await self.flush_once() >= FLUSH_LIMIT:
                    pass
            except DATABASE_ERRORS as error:
                log.warning("parts.not_flushed", error=describe(error))
            await pause(stop, _FLUSH_EVERY)

    async def flush_once(self) -> int:
        """One turn; how many incomplete messages went on."""
        now = self._clock()
        async with transaction(self._engine, System("ingress")) as session:
            flushed = await flush_incomplete(session, self.routing, new_id, now, tell_endpoints)
            if self._forgot_at is None or now - self._forgot_at > _FORGET_EVERY:
                await forget_parts(session, now)
                self._forgot_at = now
        return flushed

    async def drain(self) -> None:
        """Wait until everything submitted is committed."""
        await self.batches.drain()

    async def find_staleness(self) -> str | None:
        """A readiness check: a sentence when the routing index may miss changes."""
        age = self.follower.age
        if age is None:
            return "the routing index is not loaded yet"
        return (
            None
            if age < self._max_age + timedelta(seconds=1)
            else f"the routing index is {age.total_seconds():.0f} s old"
        )

    async def _commit(self, arrivals: Sequence[Arrival]) -> Sequence[Stored]:
        began = perf_counter()
        async with transaction(self._engine, System("ingress")) as session:
            take = accept_parts if has_parts(arrivals) else accept
            stored = await take(session, arrivals, self.routing, new_id, self._clock(), tell_endpoints)
        INGRESS_COMMIT_SECONDS.observe(perf_counter() - began)
        INGRESS_BATCH_ROWS.observe(len(arrivals))
        return stored
