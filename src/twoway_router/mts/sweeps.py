"""What the scheduler does for the ledger: MTs that lapsed, were forgotten or expired. A sweep returns how many rows it moved."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from twoway_router.events.news import News
from twoway_router.mts.jobs import add_jobs, add_successors
from twoway_router.mts.queries import sweeping
from twoway_router.mts.queries.sweeping import Swept
from twoway_router.mts.rules import MtClass
from twoway_router.store import Session

AT_ONCE: Final = 500
HELD = sweeping.HELD
end_leases = sweeping.end_leases


async def sweep_lapsed(session: Session, now: datetime, _: timedelta) -> int:
    """Claims whose lease ended are unknown, and their carriers' capability decides."""
    return await _requeue(session, await sweeping.move_lapsed(session, now, AT_ONCE))


async def sweep_undecided(session: Session, now: datetime, forgotten_after: timedelta) -> int:
    """Unknown MTs whose job was lost before they were decided."""
    return await _requeue(session, await sweeping.mark_undecided(session, now, now - forgotten_after, AT_ONCE))


async def sweep_forgotten(session: Session, now: datetime, forgotten_after: timedelta) -> int:
    """Planned MTs whose job was lost."""
    return await _requeue(session, await sweeping.mark_forgotten(session, now, now - forgotten_after, AT_ONCE))


async def expire(session: Session, now: datetime, forgotten_after: timedelta) -> tuple[int, News]:
    """Fail MTs whose lifetime is over; what waited behind them gets a job. How many, and the news."""
    ended = await sweeping.fail_expired(session, now, now - forgotten_after, AT_ONCE)
    await add_successors(session, {each.order_key for each in ended if each.mt_class is not MtClass.BULK}, now)
    return len(ended), News(moved={each.id: each.tenant_id for each in ended if each.tenant_id})


async def _requeue(session: Session, found: Sequence[Swept]) -> int:
    await add_jobs(session, found)
    return len(found)
