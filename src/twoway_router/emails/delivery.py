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

from twoway_router.domain.outcomes import Done, Failed, Outcome, Retry
from twoway_router.emails import queries
from twoway_router.emails.queries import ClaimedEmail
from twoway_router.emails.service import JOB
from twoway_router.kit.clock import Clock
from twoway_router.kit.metrics import EMAIL_ATTEMPTS
from twoway_router.outbound.email import Email, SmtpServer, send_email
from twoway_router.store import Engine, outbox, transaction

log = structlog.get_logger(__name__)

TIMEOUT: Final = timedelta(seconds=30)
LEASE: Final = timedelta(minutes=5)
AT_ONCE: Final = 8
CLOCK_SKEW: Final = timedelta(seconds=1)
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


class EmailDelivery:
    """One per process."""

    def __init__(
        self, engine: Engine, server: SmtpServer, *, clock: Clock, chance: Callable[[], float] = random.random
    ) -> None:
        self._engine = engine
        self._server = server
        self._clock = clock
        self._chance = chance
        self._room = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()

    async def deliver(self, ids: Sequence[UUID]) -> None:
        """Return when all that is due is claimed."""
        now = self._clock()
        async with transaction(self._engine) as session:
            claimed = await queries.claim(session, ids, now + CLOCK_SKEW, now + LEASE)
        if claimed:
            task = asyncio.get_running_loop().create_task(self._send_all(claimed))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    async def drain(self) -> None:
        """Wait until every e-mail under way has settled."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A result that could not be stored stays claimed; when its lease ends it is tried again."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("email.settle_failed", error=type(error).__name__)

    async def _send_all(self, claimed: Sequence[ClaimedEmail]) -> None:
        outcomes = await asyncio.gather(*(self._send(each) for each in claimed))
        now = self._clock()
        verdicts = [
            judge(outcome, each.attempt, now, self._chance()) for each, outcome in zip(claimed, outcomes, strict=True)
        ]
        columns: dict[str, Sequence[object]] = {
            "ids": [each.id for each in claimed],
            "attempts": [each.attempt for each in claimed],
            "states": [verdict.state for verdict in verdicts],
            "reasons": [verdict.reason for verdict in verdicts],
            "due": [verdict.due_at for verdict in verdicts],
        }
        late = [(each.id, verdict.due_at) for each, verdict in zip(claimed, verdicts, strict=True)]
        again = [(email_id, due_at) for email_id, due_at in late if due_at is not None]
        async with transaction(self._engine) as session:
            await queries.settle(session, columns, now)
            ids, ats = [email_id for email_id, _ in again], [due_at for _, due_at in again]
            await outbox.add_later(session, JOB, ids, [0] * len(ids), ats)

    async def _send(self, claimed: ClaimedEmail) -> Outcome:
        async with self._room:
            email = Email(
                message_id=str(claimed.id),
                recipient=claimed.recipient,
                subject=claimed.subject,
                text=claimed.body,
                timestamp=claimed.created_at.timestamp(),
            )
            outcome = await send_email(self._server, email, timeout=TIMEOUT)
        EMAIL_ATTEMPTS.labels(type(outcome).__name__.lower()).inc()
        return outcome
