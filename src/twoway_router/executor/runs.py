"""Job ``message.run``: run the actions of accepted messages, many in one transaction, each person's in order.

Called by ``runner``. A message whose actions fail stands alone in the end: it is tried five times, then parked with its
reason; its neighbours have long been done.
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from twoway_router.actions.context import RunContext
from twoway_router.domain.clock import Clock
from twoway_router.events.news import Listener
from twoway_router.executor.apply import apply
from twoway_router.executor.decide import decide
from twoway_router.executor.load import load
from twoway_router.executor.revisions import RevisionBook
from twoway_router.executor.uses import UseBook
from twoway_router.inbound.service import (
    WaitingMessage,
    count_failure,
    list_order_keys,
    list_waiting,
    lock_keys,
    lock_people,
)
from twoway_router.store import Engine, Session, System, outbox, transaction
from twoway_router.store.failures import is_transient
from twoway_router.store.group_commit import GroupCommit
from twoway_router.telemetry.metrics import MESSAGES_RUN, PATH_SECONDS

log = structlog.get_logger(__name__)

BATCH_ROWS: Final = 500
BACK_OFF_SECONDS: Final = (1, 5, 20, 60)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLimits:
    """From the settings."""

    tries: int
    mt_lifetime: timedelta


class MessageRunner:
    """One per process; jobs that wait at the same time share a transaction."""

    def __init__(
        self, engine: Engine, *, limits: RunLimits, clock: Clock, tell: Listener, rows: int = BATCH_ROWS
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._tell = tell
        self._rows = rows
        self._revisions = RevisionBook()
        self._uses = UseBook()
        self._batches: GroupCommit[Sequence[UUID], Exception | None] = GroupCommit(self._run_jobs, max_rows=50)

    async def run(self, ids: Sequence[UUID]) -> None:
        """Return when all these messages are done, parked, or due again; raises when the database is away."""
        if failure := await self._batches.submit(ids):
            raise failure

    async def _run_jobs(self, jobs: Sequence[Sequence[UUID]]) -> Sequence[Exception | None]:
        """All jobs as one batch. A database that is away is every job's answer: splitting would not help."""
        ids = list({message_id for job in jobs for message_id in job})
        try:
            await self._run_together(ids)
        except Exception as error:
            if not is_transient(error):
                log.error("run.failed", error=describe(error))
            return [error] * len(jobs)
        return [None] * len(jobs)

    async def _run_together(self, ids: Sequence[UUID]) -> None:
        try:
            while await self._run_once(ids):
                pass
        except Exception as error:
            if is_transient(error):
                raise
            log.warning("run.batch_split", messages=len(ids), error=describe(error))
            async with transaction(self._engine, System("executor")) as session:
                keys = await list_order_keys(session, ids)
            for start in range(0, len(keys), self._rows):
                await self._run_apart(keys[start : start + self._rows])

    async def _run_once(self, ids: Sequence[UUID]) -> bool:
        """One transaction for what waits of these messages' people, as much as goes into one; whether there may be more."""
        async with transaction(self._engine, System("executor")) as session:
            keys = await lock_people(session, ids, self._rows)
            waiting = await list_waiting(session, keys, self._rows) if keys else []
            if waiting:
                await self._execute(session, waiting)
        self._count(waiting)
        return self._rows in (len(keys), len(waiting))

    async def _run_apart(self, keys: Sequence[int]) -> None:
        """Halve the people until whoever has the failing message stands alone."""
        if len(keys) <= 1:
            for key in keys:
                while await self._run_next(key):
                    pass
            return
        for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            try:
                while await self._run_half(half):
                    pass
            except Exception as error:
                if is_transient(error):
                    raise
                await self._run_apart(half)

    async def _run_half(self, keys: Sequence[int]) -> bool:
        """One transaction for what waits of these people; whether there may be more."""
        async with transaction(self._engine, System("executor")) as session:
            await lock_keys(session, keys)
            waiting = await list_waiting(session, keys, self._rows)
            if waiting:
                await self._execute(session, waiting)
        self._count(waiting)
        return len(waiting) == self._rows

    async def _run_next(self, key: int) -> bool:
        """One person's oldest message alone; whether the next one may follow."""
        waiting: Sequence[WaitingMessage] = ()
        try:
            async with transaction(self._engine, System("executor")) as session:
                await lock_keys(session, [key])
                waiting = await list_waiting(session, [key], 1)
                if waiting:
                    await self._execute(session, waiting)
        except Exception as error:
            if is_transient(error) or not waiting:
                raise
            return await self._blame(waiting[0], error)
        self._count(waiting)
        return bool(waiting)

    async def _execute(self, session: Session, waiting: Sequence[WaitingMessage]) -> None:
        now = self._clock()
        facts = await load(session, waiting, self._revisions, now)
        plans = decide(waiting, facts)
        await apply(session, plans, RunContext(now=now, mt_lifetime=self._limits.mt_lifetime), self._tell)
        await self._uses.note(session, waiting)

    async def _blame(self, message: WaitingMessage, error: Exception) -> bool:
        """Note the failure; whether the person's next message may follow (only when this one is parked)."""
        reason = describe(error)
        async with transaction(self._engine, System("executor")) as session:
            counted = await count_failure(session, message.id, reason, self._limits.tries)
            await self._uses.note(session, [message])
            if counted and counted[0] == "accepted":
                delay = BACK_OFF_SECONDS[min(counted[1], len(BACK_OFF_SECONDS)) - 1]
                due_at = self._clock() + timedelta(seconds=delay)
                await outbox.add(session, "message.run", [message.id], [outbox.lane_of(message.order_key)], at=due_at)
        is_parked = counted is not None and counted[0] == "parked"
        MESSAGES_RUN.labels("parked" if is_parked else "failed").inc()
        log.error(
            "run.parked" if is_parked else "run.message_failed",
            message_id=str(message.id),
            attempt=counted[1] if counted else None,
            error=reason,
        )
        return is_parked or counted is None

    def _count(self, waiting: Sequence[WaitingMessage]) -> None:
        now: datetime = self._clock()
        MESSAGES_RUN.labels("done").inc(len(waiting))
        self._uses.remember(waiting)
        for each in waiting:
            PATH_SECONDS.labels("run").observe(max(0.0, (now - each.received_at).total_seconds()))


def describe(error: BaseException) -> str:
    """What went wrong and where, without the error's text: it may quote a message or a phone number."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "twoway_router" in frame.filename]
    where = f" in {ours[-1].filename.rpartition('twoway_router')[2].lstrip('/')}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{where}"
