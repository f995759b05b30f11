"""The sweeps by name. A sweep marks work and gives it jobs, in one transaction. Called by ``app``."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.emails.sweeps import SWEEPS as EMAILS
from twoway_router.events.news import Listener
from twoway_router.inbound.service import Waiting, list_overdue
from twoway_router.keywords.lapsing import look_over, release_expired
from twoway_router.mts import sweeps as mts
from twoway_router.store import Engine, Session, System, living, outbox, transaction
from twoway_router.store.periods import first_id_of
from twoway_router.telemetry.metrics import KEYWORDS_LAPSED
from twoway_router.webhooks.sweeps import SWEEPS as WEBHOOKS

LIMIT: Final = 500
DEAD_AFTER: Final = timedelta(seconds=3)
LOOK_EVERY: Final = timedelta(hours=1)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_START: Final = Waiting(id=UUID(int=0), order_key=-(2**63))

Sweep = Callable[[Session, datetime, timedelta], Awaitable[int]]
"""Gets the time and how long work may be without a job; returns how many rows it moved."""


def sweeps_by_name(tell: Listener) -> Mapping[str, Sweep]:
    """All sweeps. Those of ``pending`` and ``planned`` rows only see to rows whose job was lost."""

    async def expire_mts(session: Session, now: datetime, forgotten_after: timedelta) -> int:
        """Fail MTs whose lifetime is over, and notify their tenants."""
        count, news = await mts.expire(session, now, forgotten_after)
        await tell(session, news, now)
        return count

    return {
        "expired_mts": expire_mts,
        "lapsed_mts": mts.sweep_lapsed,
        "unknown_mts": mts.sweep_undecided,
        "planned_mts": mts.sweep_forgotten,
        "lapsed_webhooks": WEBHOOKS.sweep_lapsed,
        "pending_webhooks": WEBHOOKS.sweep_forgotten,
        "lapsed_emails": EMAILS.sweep_lapsed,
        "pending_emails": EMAILS.sweep_forgotten,
    }


class DeadProcesses:
    """What processes that died had claimed is seen to in seconds, not at the end of its lease.

    A process counts as dead once it has shown no sign of life (``store.living``) for a while: one whose connection broke
    makes a new one in less, and when PostgreSQL itself was away nobody has one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._missed: dict[int, datetime] = {}

    async def sweep(self, now: datetime) -> int:
        """One turn; how many rows were given to others."""
        async with transaction(self._engine, System("scheduler")) as session:
            missing = await living.find_dead(session, [mts.HELD, WEBHOOKS.held, EMAILS.held])
            self._missed = {number: self._missed.get(number, now) for number in missing}
            dead = [number for number, since in self._missed.items() if now - since >= DEAD_AFTER]
            if not dead:
                return 0
            count = 0
            for end_leases, sweep_lapsed in (
                (mts.end_leases, mts.sweep_lapsed),
                (WEBHOOKS.end_leases, WEBHOOKS.sweep_lapsed),
                (EMAILS.end_leases, EMAILS.sweep_lapsed),
            ):
                await end_leases(session, dead, now - timedelta(milliseconds=1))
                count += await sweep_lapsed(session, now, timedelta(0))
            return count


class LapsingKeywords:
    """Keywords that are given back by themselves: at their date every turn, and once an hour what is idle, with notices.

    Days are what counts for idle ones, so an hour is exact enough; a look that moved as much as it may goes on next turn.
    """

    def __init__(self, engine: Engine, notice: timedelta, tell: Listener) -> None:
        self._engine = engine
        self._notice = notice
        self._tell = tell
        self._looked_at = _NEVER

    async def sweep(self, now: datetime) -> int:
        """One turn; how many keywords changed."""
        async with transaction(self._engine, System("scheduler")) as session:
            expired = await release_expired(session, now, LIMIT)
        KEYWORDS_LAPSED.labels("expired").inc(expired)
        if now - self._looked_at < LOOK_EVERY:
            return expired
        async with transaction(self._engine, System("scheduler")) as session:
            lapsed = await look_over(session, now, self._notice, LIMIT)
            await self._tell(session, lapsed.news, now)
        KEYWORDS_LAPSED.labels("idle").inc(lapsed.idle)
        KEYWORDS_LAPSED.labels("notified").inc(lapsed.notified)
        self._looked_at = now if lapsed.moved < LIMIT else _NEVER
        return expired + lapsed.moved


class ForgottenMessages:
    """Accepted messages that nobody runs. They have no column for a mark: this process remembers which ones got a job.

    A turn goes on where the last one ended, so that a long backlog is read once.
    """

    def __init__(self, engine: Engine, forgotten_after: timedelta) -> None:
        self._engine = engine
        self._forgotten_after = forgotten_after
        self._place = _START
        self._helped: dict[UUID, datetime] = {}

    async def sweep(self, now: datetime) -> int:
        """One turn; how many messages got a new job."""
        before = first_id_of(now - self._forgotten_after)
        async with transaction(self._engine, System("scheduler")) as session:
            found = await list_overdue(session, before, self._place, LIMIT)
            fresh = [each for each in found if self._helped.get(each.id, _NEVER) < now - self._forgotten_after]
            lanes = [outbox.lane_of(each.order_key) for each in fresh]
            await outbox.add(session, "message.run", [each.id for each in fresh], lanes)
        self._place = found[-1] if len(found) == LIMIT else _START
        limit = now - self._forgotten_after * 2
        self._helped = {key: at for key, at in self._helped.items() if at > limit} | {each.id: now for each in fresh}
        return len(fresh)
