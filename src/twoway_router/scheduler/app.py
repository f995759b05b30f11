"""The scheduler role: looks for due, lapsed and forgotten work and gives it jobs. Built by ``processes``; any number may run.

It never does the work itself. Everything it does is set-based, skips what another scheduler has locked, and may be done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from twoway_router.config import Settings
from twoway_router.contexts import service as contexts
from twoway_router.dispatch.port import DeadJob, Transport
from twoway_router.domain.clock import Clock
from twoway_router.inbound.service import count_failure, forget_courtesies
from twoway_router.numbers.connection_service import count_resting
from twoway_router.scheduler import queries
from twoway_router.scheduler.sweeps import (
    DeadProcesses,
    ForgottenMessages,
    LapsingKeywords,
    Sweep,
    sweeps_by_name,
)
from twoway_router.store import Engine, System, heartbeats, outbox, transaction
from twoway_router.store.failures import DATABASE_ERRORS, describe
from twoway_router.store.periods import first_id_of
from twoway_router.tasks import pause
from twoway_router.telemetry.metrics import CONNECTIONS_RESTING, WORK_DUE, WORK_OLDEST_AGE
from twoway_router.web import idempotency
from twoway_router.webhooks.listener import tell_endpoints

log = structlog.get_logger(__name__)

CLEAN_EVERY: Final = timedelta(minutes=5)
COURTESIES_KEPT: Final = timedelta(days=2)
PROCESSES_KEPT: Final = timedelta(days=2)
"""After they were last seen."""

WATCH_EVERY: Final = timedelta(seconds=2)
REPORTS_REPEATED: Final = timedelta(days=1)

Turn = Callable[[], Awaitable[int]]


class Scheduler:
    """Sweeps until ``stop`` is set. ``refresh`` exports what the last sweep saw."""

    def __init__(self, *, settings: Settings, engine: Engine, transport: Transport, clock: Clock) -> None:
        self._settings = settings
        self._engine = engine
        self._transport = transport
        self._clock = clock
        self._forgotten = ForgottenMessages(engine, settings.forgotten_after)
        self._dead = DeadProcesses(engine)
        self._lapsing = LapsingKeywords(engine, settings.keyword_notice, tell_endpoints)
        self._sweeps = sweeps_by_name(tell_endpoints)
        self._cleaned_at: datetime | None = None
        self._due: dict[str, tuple[int, datetime | None]] = {}
        self._rests: dict[str, int] = {}

    async def start(self) -> None:
        """Begin to take dead jobs from the transport."""
        await self._transport.consume_dead(self.bury)

    async def run(self, stop: asyncio.Event) -> None:
        """One round after the other until ``stop``."""
        while not stop.is_set():
            await self.turn()
            await pause(stop, self._settings.sweep_every)

    async def watch(self, stop: asyncio.Event) -> None:
        """Look for dead processes until ``stop``, more often than for other work: their MTs are under way."""
        while not stop.is_set():
            await self._guarded("dead_processes", lambda: self._dead.sweep(self._clock()))
            await pause(stop, WATCH_EVERY)

    async def turn(self) -> None:
        """Every sweep once. One that fails is tried again in the next round; the others go on."""
        now = self._clock()
        await self._guarded("forgotten_messages", partial(self._forgotten.sweep, now))
        await self._guarded("lapsing_keywords", partial(self._lapsing.sweep, now))
        for name, sweep in self._sweeps.items():
            await self._guarded(name, partial(self._sweep, sweep, now))
        await self._guarded("housekeeping", partial(self._keep_house, now))

    async def bury(self, dead: DeadJob) -> None:
        """A job that the transport gave up counts as a failed try of its messages; the sweeps see to other work.

        No sweep finds reports of the sandboxes' carrier: those come again, for a day.
        """
        log.error("job.dead", job=dead.job.job if dead.job else None, reason=dead.reason)
        if dead.job is None:
            return
        now, job = self._clock(), dead.job
        async with transaction(self._engine, System("scheduler")) as session:
            if job.job == "sandbox.report":
                fresh = [each for each in job.ids if each >= first_id_of(now - REPORTS_REPEATED)]
                due_at = now + self._settings.forgotten_after
                await outbox.add_later(session, job.job, fresh, [0] * len(fresh), [due_at] * len(fresh))
            if job.job == "message.run":
                for message_id in job.ids:
                    counted = await count_failure(session, message_id, "job_dead", self._settings.run_tries)
                    if counted and counted[0] == "parked":
                        log.error("run.parked", message_id=str(message_id), attempt=counted[1], error="job_dead")

    def refresh(self) -> None:
        """Export how much work is due, and how many connections rest."""
        now = self._clock()
        for queue, (count, oldest) in self._due.items():
            WORK_DUE.labels(queue).set(count)
            WORK_OLDEST_AGE.labels(queue).set((now - oldest).total_seconds() if oldest else 0)
        for reason, count in self._rests.items():
            CONNECTIONS_RESTING.labels(reason).set(count)

    async def _guarded(self, name: str, turn: Turn) -> None:
        try:
            found = await turn()
        except DATABASE_ERRORS as error:
            log.warning("sweep.failed", sweep=name, error=describe(error))
            return
        if found:
            log.info("sweep.found", sweep=name, count=found)

    async def _sweep(self, sweep: Sweep, now: datetime) -> int:
        async with transaction(self._engine, System("scheduler")) as session:
            return await sweep(session, now, self._settings.forgotten_after)

    async def _keep_house(self, now: datetime) -> int:
        async with transaction(self._engine, System("scheduler")) as session:
            self._due = dict(await queries.count_due(session, now))
            self._rests = dict(await count_resting(session, now))
            if self._cleaned_at is None or now - self._cleaned_at > CLEAN_EVERY:
                await idempotency.forget_answers(session, now)
                await contexts.forget_old(session, now)
                await forget_courtesies(session, (now - COURTESIES_KEPT).date())
                await heartbeats.forget_lost(session, now - PROCESSES_KEPT)
                self._cleaned_at = now
        return 0
