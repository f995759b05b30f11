"""Jobs for MTs. Called by ``service``, ``sweeps`` and ``delivery`` in the transaction that makes an MT due."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from twoway_router.domain.messages import MtState
from twoway_router.mts.queries import delivering, pacing
from twoway_router.mts.queries.order import list_first
from twoway_router.mts.rules import CLOCK_SKEW, MtClass, job_of
from twoway_router.store import Session
from twoway_router.store.outbox import add, add_later, lane_of

MOST_AT_ONCE: Final = 20_000
WAITS_FOR_ACCOUNT: Final = "carrier_account"
WAITS_FOR_REST: Final = "carrier_rests"


class Deliverable(Protocol):
    """An MT as far as its job needs it."""

    @property
    def id(self) -> UUID: ...
    @property
    def order_key(self) -> int: ...
    @property
    def mt_class(self) -> MtClass: ...


async def add_jobs(session: Session, mts: Sequence[Deliverable], ats: Sequence[datetime] | None = None) -> None:
    """One job per MT: now, or at the MT's own time."""
    for job in {job_of(mt.mt_class) for mt in mts}:
        places = [place for place, mt in enumerate(mts) if job_of(mt.mt_class) == job]
        ids, lanes = [mts[place].id for place in places], [lane_of(mts[place].order_key) for place in places]
        if ats is None:
            await add(session, job, ids, lanes)
        else:
            await add_later(session, job, ids, lanes, [ats[place] for place in places])


async def add_successors(session: Session, order_keys: Collection[int], now: datetime) -> None:
    """Jobs for the MTs that are next behind those that have left. Bulk comes back by a job of its own."""
    following = (await list_first(session, order_keys)).values()
    due = [each for each in following if each.state == MtState.PLANNED and each.due_at <= now + CLOCK_SKEW]
    await add_jobs(session, due)


async def postpone(session: Session, dues: Mapping[UUID, datetime], reason: str) -> None:
    """Make planned MTs due later, with a job at their time."""
    late = await delivering.postpone(session, dues, reason)
    await add_jobs(session, late, [each.due_at for each in late])


async def resume(session: Session, connection_id: UUID, now: datetime) -> int:
    """End a connection's rest; what waits for that is due now (of very many, the others at their own time). How many are."""
    await pacing.resume(session, connection_id)
    due = await delivering.pull_in(session, connection_id, [WAITS_FOR_ACCOUNT, WAITS_FOR_REST], now, MOST_AT_ONCE)
    await add_jobs(session, due)
    return len(due)
