"""Job ``email.deliver``: claim e-mails, send them, settle what came back; the loop is ``outbound.delivery_loop``.

Called by ``executor``. At least once: a repeat after a crash has the same Message-ID.
"""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.domain.clock import Clock
from twoway_router.domain.outcomes import Done, Failed, Outcome, Retry
from twoway_router.emails import queries
from twoway_router.emails.queries import ClaimedEmail, DueEmail
from twoway_router.emails.service import JOB
from twoway_router.outbound.delivery_loop import DeliveryLoop, Tried
from twoway_router.outbound.email import Email, SmtpServer, send_email
from twoway_router.outbound.gate import Gate, Gates
from twoway_router.store import Engine, Session, System, outbox, transaction
from twoway_router.telemetry.metrics import EMAIL_ATTEMPTS

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


Result = tuple[ClaimedEmail, Verdict]


class EmailDelivery:
    """One per process. There is one server, so the bound on all tries is its gate."""

    def __init__(
        self,
        engine: Engine,
        server: SmtpServer,
        *,
        clock: Clock,
        process_number: int | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._server = server
        self._clock = clock
        self._process_number = process_number
        self._chance = chance
        self._loop = DeliveryLoop(
            engine, self, name="email", room=Gate(AT_ONCE), gates=Gates(AT_ONCE), clock=clock, chance=chance
        )
        self.deliver = self._loop.deliver
        self.drain = self._loop.drain

    async def look(self, session: Session, ids: Collection[UUID], now: datetime) -> Sequence[DueEmail]:
        """All of them: the claim finds out which are due."""
        return [DueEmail(id=each) for each in ids]

    async def claim(self, session: Session, rows: Sequence[DueEmail], now: datetime) -> Sequence[ClaimedEmail]:
        """Claim those that are due."""
        ids = [row.id for row in rows]
        return await queries.claim(session, ids, now + CLOCK_SKEW, now + LEASE, self._process_number)

    async def postpone(self, session: Session, dues: Mapping[UUID, datetime], reason: str) -> None:
        """Make pending e-mails due later."""
        if dues:
            late = await queries.postpone(session, list(dues), max(dues.values()))
            await outbox.add_later(session, JOB, late, [0] * len(late), [dues[each] for each in late])

    async def attempt(self, claimed: ClaimedEmail) -> Tried[Result]:
        """Send one e-mail."""
        email = Email(
            message_id=str(claimed.id),
            recipient=claimed.recipient,
            subject=claimed.subject,
            text=claimed.body,
            timestamp=claimed.created_at.timestamp(),
        )
        outcome = await send_email(self._server, email, timeout=TIMEOUT)
        EMAIL_ATTEMPTS.labels(type(outcome).__name__.lower()).inc()
        verdict = judge(outcome, claimed.attempt, self._clock(), self._chance())
        return Tried(result=(claimed, verdict), has_answered=True)

    async def settle(self, results: Sequence[Result]) -> Sequence[None]:
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
