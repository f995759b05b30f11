"""Carries committed outbox rows to RabbitMQ. Run by the scheduler; any number of relays may run side by side.

A row is deleted after the broker has confirmed it and before its lock is released: a crash in between publishes it
again, nothing is lost. It goes by state, never by sequence.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from twoway_router.dispatch import queries
from twoway_router.dispatch.batches import Batch, form_batches
from twoway_router.dispatch.jobs import JOBS
from twoway_router.dispatch.port import Publication, Transport
from twoway_router.domain.clock import Clock, utc_now
from twoway_router.store import Engine, System, transaction
from twoway_router.store.failures import DATABASE_ERRORS, describe
from twoway_router.store.listen import Listener
from twoway_router.store.outbox import CHANNEL
from twoway_router.tasks import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, pause, repeat
from twoway_router.telemetry.metrics import OUTBOX_PUBLISHED

log = structlog.get_logger(__name__)

POLL_SECONDS: Final = 0.2
REFUSED_PAUSE: Final = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What one transaction did, in rows."""

    taken: int
    published: int
    returned: int
    oldest_due_at: datetime | None


class Relay:
    """``published`` and ``returned`` count rows since the start; ``last_turn_at`` is when it last looked for due rows."""

    def __init__(
        self,
        engine: Engine,
        transport: Transport,
        listener: Listener,
        *,
        shards: int,
        batch_size: int = 100,
        rows_per_turn: int = 500,
        clock: Clock = utc_now,
    ) -> None:
        self._engine = engine
        self._transport = transport
        self._listener = listener
        self._shards = shards
        self._batch_size = batch_size
        self._rows_per_turn = rows_per_turn
        self._clock = clock
        self._pause = FIRST_PAUSE_SECONDS
        self._started_at = clock()
        self.published = 0
        self.returned = 0
        self.last_turn_at: datetime | None = None
        self._oldest = timedelta(0)

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop``. A database or broker that is away is waited for; nothing else ends it."""
        await repeat("relay", lambda: self._step(stop), until=stop.is_set)

    def find_trouble(self, limit: timedelta) -> str | None:
        """Why this relay is not ready, as a sentence; None when its last turn is younger than ``limit``."""
        if self.last_turn_at is None:
            return "the relay has not looked at the outbox yet"
        if self._clock() - self.last_turn_at > limit:
            return f"the relay has not finished a turn in the last {limit.total_seconds():.0f} s"
        return None

    @property
    def behind(self) -> timedelta:
        """How long the oldest row of the last turn had been due, and the time since then."""
        return self._oldest + (self._clock() - (self.last_turn_at or self._started_at))

    async def turn(self) -> Turn:
        """One transaction: take what is due, publish it, delete what was confirmed."""
        async with transaction(self._engine, System("relay")) as session:
            rows = await queries.take_due(session, self._rows_per_turn)
            if not rows:
                return Turn(taken=0, published=0, returned=0, oldest_due_at=None)
            batches = form_batches(rows, shards=self._shards, batch_size=self._batch_size)
            known = [batch for batch in batches if batch.job in JOBS]
            jobs = [Publication(job=batch.job, ids=batch.ids, shard=batch.shard) for batch in known]
            confirmed = await self._transport.publish(jobs) if jobs else []
            sent = _rows_of(known, confirmed, True)
            refused = _rows_of(known, confirmed, False)
            await queries.delete_rows(session, sent)
            if sent or self._transport.is_healthy:  # what one queue refuses must not stand before the others
                await queries.postpone_rows(session, refused, REFUSED_PAUSE)
            for batch in batches:
                if batch.job not in JOBS:
                    log.error("relay.unknown_job", job=batch.job, rows=len(batch.rows))
                    await queries.bury_rows(session, batch.rows, "no such kind of job")
        oldest = min((row.available_at for row in rows), default=None)
        return Turn(taken=len(rows), published=len(sent), returned=len(refused), oldest_due_at=oldest)

    async def _step(self, stop: asyncio.Event) -> None:
        try:
            done = await self.turn()
        except DATABASE_ERRORS as error:
            log.warning("relay.database_unreachable", error=describe(error), again_in_seconds=self._pause)
            await self._slow_down(stop)
            return
        self.last_turn_at = now = self._clock()
        self._oldest = (now - done.oldest_due_at) if done.oldest_due_at else timedelta(0)
        self.published += done.published
        self.returned += done.returned
        OUTBOX_PUBLISHED.inc(done.published)
        if done.returned and not done.published:
            log.warning("relay.not_published", rows=done.returned, again_in_seconds=self._pause)
            await self._slow_down(stop)
            return
        self._pause = FIRST_PAUSE_SECONDS
        if done.taken < self._rows_per_turn:
            await self._listener.wait(CHANNEL, POLL_SECONDS)

    async def _slow_down(self, stop: asyncio.Event) -> None:
        if not await pause(stop, timedelta(seconds=self._pause)):
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)


def _rows_of(batches: Sequence[Batch], confirmed: Sequence[bool], wanted: bool) -> list[int]:
    chosen = (batch for batch, is_sent in zip(batches, confirmed, strict=True) if is_sent is wanted)
    return [row_id for batch in chosen for row_id in batch.row_ids]
