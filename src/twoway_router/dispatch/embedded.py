"""The port over PostgreSQL alone: jobs are consumed in place from the outbox. Used by ``run``, ``demo`` and small installations.

A claim leases rows to this process; a lease that is not renewed ends and the rows go to whoever claims next.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from twoway_router.dispatch import queries
from twoway_router.dispatch.batches import Batch, form_batches
from twoway_router.dispatch.handling import Patience, run_handler
from twoway_router.dispatch.jobs import JOBS, shard_of
from twoway_router.dispatch.port import (
    Ack,
    DeadHandler,
    DeadJob,
    DeadLetter,
    Handled,
    Handler,
    Job,
    Publication,
    RetryAfter,
)
from twoway_router.domain.clock import Clock, utc_now
from twoway_router.store import Engine, System, transaction
from twoway_router.store.failures import DATABASE_ERRORS, describe
from twoway_router.store.group_commit import GroupCommit
from twoway_router.store.listen import Listener
from twoway_router.store.outbox import CHANNEL
from twoway_router.tasks import Abandoned, OwnedTasks, Supervised, bounded

log = structlog.get_logger(__name__)

CLAIM_LIMIT: Final = 500
POLL_SECONDS: Final = 0.2
DEAD_POLL_SECONDS: Final = 1.0
LAST_SECONDS: Final = 2.0


@dataclass(kw_only=True, slots=True)
class _Subscription:
    """Who handles a kind of job, what runs and what is claimed but has no slot yet."""

    handler: Handler
    prefetch: int
    running: list[Batch] = field(default_factory=list)
    waiting: deque[Batch] = field(default_factory=deque)

    @property
    def free(self) -> int:
        return max(0, self.prefetch - len(self.running) - len(self.waiting))


class EmbeddedTransport:
    """Implements ``Transport``. ``batch_size`` is how many ids one job gets at most."""

    def __init__(
        self,
        engine: Engine,
        listener: Listener,
        *,
        shards: int,
        batch_size: int = 100,
        lease: timedelta = timedelta(seconds=15),
        patience: Patience | None = None,
        heartbeat_max_age: timedelta = timedelta(seconds=30),
        clock: Clock = utc_now,
    ) -> None:
        self._engine = engine
        self._listener = listener
        self._shards = shards
        self._batch_size = batch_size
        self._lease = lease
        self._patience = patience or Patience()
        self._heartbeat_max_age = heartbeat_max_age
        self._clock = clock
        self._subscriptions: dict[str, _Subscription] = {}
        self._dead_handler: DeadHandler | None = None
        self._jobs = OwnedTasks("job.not_settled")
        self._wake = asyncio.Event()
        self._last_claim_was_full = False
        self._acks: GroupCommit[Batch, None] = GroupCommit(self._delete)
        self._claiming = Supervised("embedded.claim", self._claim, expected=DATABASE_ERRORS)
        self._loops = [
            self._claiming,
            Supervised("embedded.renew", self._renew, expected=DATABASE_ERRORS),
            Supervised("embedded.dead", self._hand_over_dead, expected=DATABASE_ERRORS),
            Supervised("embedded.listen", self._hear),
        ]
        self.last_heartbeat_at: datetime | None = None

    @property
    def is_healthy(self) -> bool:
        """Every loop lives and a claim came back from the database lately."""
        seen = self.last_heartbeat_at
        is_recent = seen is not None and self._clock() - seen <= self._heartbeat_max_age
        return is_recent and all(loop.is_alive for loop in self._loops)

    async def start(self) -> None:
        for loop in self._loops:
            loop.start()

    async def publish(self, jobs: Sequence[Publication]) -> Sequence[bool]:
        known = [entry for entry in jobs if entry.job in JOBS]
        rows = [
            (entry.job, shard_of(entry.job, entry.shard, self._shards), entry.ids, entry.attempt - 1) for entry in known
        ]
        try:
            if rows:
                async with transaction(self._engine, System("transport")) as session:
                    await queries.insert_rows(session, rows)
        except DATABASE_ERRORS as error:
            log.warning("embedded.not_published", jobs=len(jobs), error=describe(error))
            return [False] * len(jobs)
        return [entry.job in JOBS for entry in jobs]

    async def consume(self, jobs: Sequence[str], handler: Handler, *, prefetch: int = 20) -> None:
        for job in jobs:
            self._subscriptions[job] = _Subscription(handler=handler, prefetch=prefetch)
        self._wake.set()

    async def consume_dead(self, handler: DeadHandler) -> None:
        self._dead_handler = handler

    async def drain(self, timeout: timedelta) -> None:
        await self._claiming.stop()
        not_begun = [batch for entry in self._subscriptions.values() for batch in entry.waiting]
        for entry in self._subscriptions.values():
            entry.waiting.clear()
        if not_begun:
            await self._at_last(self._release(not_begun), "given_back")
        await self._jobs.drain(timeout)
        await self.close()

    async def close(self) -> None:
        for loop in self._loops:
            await loop.stop()
        unfinished = [batch for entry in self._subscriptions.values() for batch in (*entry.running, *entry.waiting)]
        self._subscriptions.clear()  # before anything ends: a job that ends starts the next that waits
        await self._jobs.cancel()
        await self._at_last(self._acks.drain(), "acknowledged")
        if unfinished:
            await self._at_last(self._release(unfinished), "given_back")

    async def _hear(self) -> None:
        await self._listener.wait(CHANNEL, DEAD_POLL_SECONDS)
        self._wake.set()

    async def _claim(self) -> None:
        """One turn: claim as much as there are slots for, start it, and pause unless there was more."""
        self._wake.clear()
        free = {job: entry.free for job, entry in self._subscriptions.items()}
        kinds = [job for job, slots in free.items() if slots]
        limit = min(CLAIM_LIMIT, self._batch_size * max(1, sum(free.values())))
        async with transaction(self._engine, System("transport")) as session:
            rows = await queries.claim_rows(session, kinds, self._lease, limit)
        self.last_heartbeat_at = self._clock()
        for batch in form_batches(rows, shards=self._shards, batch_size=self._batch_size):
            self._subscriptions[batch.job].waiting.append(batch)
        self._start_waiting()
        if kinds:
            self._last_claim_was_full = len(rows) == limit
            if self._last_claim_was_full:
                return
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    def _start_waiting(self) -> None:
        for entry in self._subscriptions.values():
            while entry.waiting and len(entry.running) < entry.prefetch:
                batch = entry.waiting.popleft()
                entry.running.append(batch)
                then = partial(self._finished, entry, batch)
                self._jobs.start(self._handle(entry.handler, batch), then=then, job=batch.job)

    def _finished(self, entry: _Subscription, batch: Batch) -> None:
        entry.running.remove(batch)
        self._start_waiting()
        if self._last_claim_was_full:
            self._wake.set()

    async def _handle(self, handler: Handler, batch: Batch) -> None:
        job = Job(job=batch.job, ids=batch.ids, shard=batch.shard, attempt=batch.attempt)
        if batch.attempt > self._patience.tries:
            handled: Handled = DeadLetter(reason=f"delivered {batch.attempt - 1} times and never settled")
        else:
            handled = await run_handler(handler, job, self._patience)
        try:
            await self._settle(batch, handled)
        except DATABASE_ERRORS as error:
            log.warning("embedded.not_settled", job=batch.job, rows=len(batch.rows), error=describe(error))

    async def _settle(self, batch: Batch, handled: Handled) -> None:
        """When this fails the lease runs out and the job comes again."""
        match handled:
            case Ack():
                await self._acks.submit(batch)
            case RetryAfter(delay=delay, reason=reason):
                async with transaction(self._engine, System("transport")) as session:
                    await queries.retry_rows(session, batch.rows, delay, reason)
            case DeadLetter(reason=reason):
                log.error("job.dead", job=batch.job, ids=len(batch.ids), attempt=batch.attempt, reason=reason)
                async with transaction(self._engine, System("transport")) as session:
                    await queries.bury_rows(session, batch.rows, reason)

    async def _delete(self, batches: Sequence[Batch]) -> Sequence[None]:
        async with transaction(self._engine, System("transport")) as session:
            await queries.delete_rows(session, [row_id for batch in batches for row_id in batch.row_ids])
        return [None] * len(batches)

    async def _renew(self) -> None:
        await asyncio.sleep(self._lease.total_seconds() / 3)
        entries = self._subscriptions.values()
        held = [row_id for entry in entries for batch in (*entry.running, *entry.waiting) for row_id in batch.row_ids]
        if held:
            async with transaction(self._engine, System("transport")) as session:
                await queries.extend_leases(session, held, self._lease)

    async def _at_last(self, work: Coroutine[object, object, None], what: str) -> None:
        """Closing must not fail: leases run out by themselves."""
        try:
            await bounded(work, LAST_SECONDS)
        except (*DATABASE_ERRORS, Abandoned) as error:
            log.warning(f"embedded.not_{what}", error=describe(error))

    async def _release(self, batches: Sequence[Batch]) -> None:
        async with transaction(self._engine, System("transport")) as session:
            await queries.give_back_rows(session, [row for batch in batches for row in batch.rows])

    async def _hand_over_dead(self) -> None:
        """One dead row, or a pause when there is none, or when its handler would not take it."""
        handler = self._dead_handler
        if handler is not None:
            async with transaction(self._engine, System("transport")) as session:
                for row in await queries.take_dead_rows(session, 1):
                    shard = shard_of(row.job, row.lane, self._shards)
                    job = Job(job=row.job, ids=row.ids, shard=shard, attempt=row.attempts)
                    try:
                        await handler(DeadJob(job=job, reason=row.reason, dead_at=row.dead_at))
                    except Exception:
                        log.error("job.dead_handler_raised", job=row.job, ids=len(row.ids), exc_info=True)
                        await queries.put_dead_row_last(session, row.id)
                    else:
                        await queries.delete_rows(session, [row.id])
                        return
        await asyncio.sleep(DEAD_POLL_SECONDS)
