"""Job ``email.deliver``: claim e-mails, send each with no transaction open, settle what came back.

Called by ``executor``. At least once: a repeat after a crash has the same Message-ID.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from twoway_router.domain.clock import Clock
from twoway_router.domain.outcomes import Done, Failed, Outcome, Retry
from twoway_router.emails import queries
from twoway_router.emails.queries import ClaimedEmail
from twoway_router.emails.service import JOB
from twoway_router.outbound.email import Email, SmtpServer, send_email
from twoway_router.outbound.gate import Gate
from twoway_router.store import Engine, System, outbox, transaction
from twoway_router.store.group_commit import GroupCommit
from twoway_router.store.until_stored import until_stored
from twoway_router.telemetry.metrics import EMAIL_ATTEMPTS

log = structlog.get_logger(__name__)

TIMEOUT: Final = timedelta(seconds=30)
LEASE: Final = timedelta(minutes=5)
AT_ONCE: Final = 8
CLOCK_SKEW: Final = timedelta(seconds=1)
WAIT_FOR_ROOM: Final = timedelta(seconds=10)
WAITS: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one try makes of an e-mail."""

    state: str
    reason: str | None = None
    due_at: datetime | None = None


def judge(outcome: Outcome, attempt: int, now: datetime, chance: float) -> Verdict:
    """Retries spread by ±20 %; after the sixth try it has failed."""
    match outcome:
        case Done():
            return Verdict(state="done")
        case Failed():
            return Verdict(state="failed", reason=outcome.reason)
        case Retry() if attempt > len(WAITS):
            return Verdict(state="failed", reason=outcome.reason)
        case Retry():
            due_at = now + WAITS[attempt - 1] * (0.8 + 0.4 * chance)
            return Verdict(state="pending", reason=outcome.reason, due_at=due_at)


Result = tuple[ClaimedEmail, Verdict]


class EmailDelivery:
    """One per process. What waits for room is not claimed: its lease would end in the queue and it would be sent twice."""

    def __init__(
        self, engine: Engine, server: SmtpServer, *, clock: Clock, chance: Callable[[], float] = random.random
    ) -> None:
        self._engine = engine
        self._server = server
        self._clock = clock
        self._chance = chance
        self._gate = Gate(AT_ONCE)
        self._settles: GroupCommit[Result, None] = GroupCommit(self._settle)
        self._under_way: set[asyncio.Task[None]] = set()

    async def deliver(self, ids: Sequence[UUID]) -> None:
        """Return when all that is due is under way, or made due later for want of room."""
        waiting = list(ids)
        while waiting:
            if not await self._gate.wait(WAIT_FOR_ROOM):
                await self._put_off(waiting)
                return
            room = self._gate.room()
            now_due, waiting = waiting[:room], waiting[room:]
            await self._begin(now_due)

    async def drain(self) -> None:
        """Wait until every e-mail under way has settled."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._settles.drain()

    async def _begin(self, ids: Sequence[UUID]) -> None:
        self._gate.enter(len(ids))
        claimed: Sequence[ClaimedEmail] = ()
        try:
            now = self._clock()
            async with transaction(self._engine, System("executor")) as session:
                claimed = await queries.claim(session, ids, now + CLOCK_SKEW, now + LEASE)
        finally:
            self._gate.give_back(len(ids) - len(claimed))
        for each in claimed:
            task = asyncio.get_running_loop().create_task(self._attempt(each))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    async def _put_off(self, ids: Sequence[UUID]) -> None:
        due_at = self._clock() + WAIT_FOR_ROOM * (1 + self._chance())
        async with transaction(self._engine, System("executor")) as session:
            late = await queries.postpone(session, ids, due_at)
            await outbox.add_later(session, JOB, late, [0] * len(late), [due_at] * len(late))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A result that could not be stored stays claimed; when its lease ends it is tried again."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("email.settle_failed", error=type(error).__name__)

    async def _attempt(self, claimed: ClaimedEmail) -> None:
        try:
            outcome = await self._send(claimed)
        finally:
            self._gate.leave(has_answered=True, now=self._clock())
        EMAIL_ATTEMPTS.labels(type(outcome).__name__.lower()).inc()
        verdict = judge(outcome, claimed.attempt, self._clock(), self._chance())
        await until_stored(lambda: self._settles.submit((claimed, verdict)))

    async def _settle(self, results: Sequence[Result]) -> Sequence[None]:
        """One transaction for all of them."""
        columns: dict[str, Sequence[object]] = {
            "ids": [each.id for each, _ in results],
            "attempts": [each.attempt for each, _ in results],
            "states": [verdict.state for _, verdict in results],
            "reasons": [verdict.reason for _, verdict in results],
            "due": [verdict.due_at for _, verdict in results],
        }
        again = [(each.id, verdict.due_at) for each, verdict in results if verdict.due_at is not None]
        async with transaction(self._engine, System("executor")) as session:
            await queries.settle(session, columns, self._clock())
            ids, ats = [email_id for email_id, _ in again], [due_at for _, due_at in again]
            await outbox.add_later(session, JOB, ids, [0] * len(ids), ats)
        return [None] * len(results)

    async def _send(self, claimed: ClaimedEmail) -> Outcome:
        email = Email(
            message_id=str(claimed.id),
            recipient=claimed.recipient,
            subject=claimed.subject,
            text=claimed.body,
            timestamp=claimed.created_at.timestamp(),
        )
        return await send_email(self._server, email, timeout=TIMEOUT)
