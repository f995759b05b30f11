"""One turn of each sweep: the statement finds and marks, the outbox gets the jobs, all in one transaction. Called by ``app``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.mts.rules import News
from twoway_router.mts.service import add_successors
from twoway_router.scheduler import queries
from twoway_router.scheduler.queries import Found
from twoway_router.store import Engine, System, outbox, transaction
from twoway_router.store.periods import first_id_of
from twoway_router.webhooks.progress import announce

LIMIT: Final = 500
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_START: Final = Found(id=UUID(int=0), order_key=-(2**63))


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A statement and the kind of job that what it finds needs."""

    statement: queries.Statement
    job: str


SWEEPS: Final[Mapping[str, Sweep]] = {
    "lapsed_mts": Sweep(statement=queries.LAPSED_MTS, job="sms.deliver"),
    "unknown_mts": Sweep(statement=queries.UNKNOWN_MTS, job="sms.deliver"),
    "planned_mts": Sweep(statement=queries.PLANNED_MTS, job="sms.deliver"),
    "lapsed_webhooks": Sweep(statement=queries.LAPSED_WEBHOOKS, job="webhook.deliver"),
    "pending_webhooks": Sweep(statement=queries.PENDING_WEBHOOKS, job="webhook.deliver"),
    "lapsed_emails": Sweep(statement=queries.LAPSED_EMAILS, job="email.deliver"),
    "pending_emails": Sweep(statement=queries.PENDING_EMAILS, job="email.deliver"),
}
"""``pending`` and ``planned`` ones are a net below the jobs: they only find what a lost job has left behind."""


async def sweep(engine: Engine, name: str, now: datetime, forgotten_after: timedelta) -> int:
    """One turn of one sweep; how many rows got a job."""
    chosen = SWEEPS[name]
    times = {"now": now, "before": now - forgotten_after, "mark": now + forgotten_after, "limit": LIMIT}
    async with transaction(engine, System("scheduler")) as session:
        found = await queries.find(session, chosen.statement, times)
        lanes = [outbox.lane_of(each.order_key) for each in found]
        await outbox.add(session, chosen.job, [each.id for each in found], lanes)
    return len(found)


async def expire_mts(engine: Engine, now: datetime, forgotten_after: timedelta) -> int:
    """Fail MTs whose time is over and tell their tenants; who waited behind them gets a job. How many failed."""
    async with transaction(engine, System("scheduler")) as session:
        owners, order_keys = await queries.expire_mts(session, now, now - forgotten_after, LIMIT)
        await add_successors(session, order_keys, now)
        await announce(session, News(moved=owners), now)
    return len(order_keys)


class ForgottenMessages:
    """Accepted messages that nobody runs. They have no column for a mark: this process remembers what it has helped.

    Each turn goes on where the last one ended, so that a long backlog is walked through and not asked again and again.
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
            found = await queries.list_waiting(session, before, self._place, LIMIT)
            fresh = [each for each in found if self._helped.get(each.id, _NEVER) < now - self._forgotten_after]
            lanes = [outbox.lane_of(each.order_key) for each in fresh]
            await outbox.add(session, "message.run", [each.id for each in fresh], lanes)
        self._place = found[-1] if len(found) == LIMIT else _START
        limit = now - self._forgotten_after * 2
        self._helped = {key: at for key, at in self._helped.items() if at > limit} | {each.id: now for each in fresh}
        return len(fresh)
