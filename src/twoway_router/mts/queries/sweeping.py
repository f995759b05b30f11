"""MTs whose lease, wait or lifetime is over, or whose job is lost. Called by ``mts.sweeps``; skips what others have locked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text

from twoway_router.domain.messages import MtState
from twoway_router.mts.rules import MOVES, REASONS, MtClass, MtEvent
from twoway_router.mts.tables import CLAIMED, PLANNED
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Swept:
    """An MT that a sweep has changed or marked."""

    id: UUID
    tenant_id: UUID | None
    order_key: int
    mt_class: MtClass


_LAPSED: Final = text(
    f"""
    WITH lapsed AS (
        SELECT id FROM outbound_messages WHERE {CLAIMED} AND lease_until < :now
        ORDER BY lease_until LIMIT :limit FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE outbound_messages AS m
        SET state = :state, reason = :reason, lease_until = NULL, decide_at = :now, requeued_at = :now
        FROM lapsed WHERE m.id = lapsed.id RETURNING m.id, m.tenant_id, m.order_key, m.mt_class, m.attempt
    ), tries AS (
        INSERT INTO outbound_attempts (outbound_message_id, attempt, tenant_id, outcome, reason, started_at, finished_at)
        SELECT id, attempt, tenant_id, 'unknown', :reason, :now, :now FROM moved ON CONFLICT DO NOTHING
    )
    SELECT id, tenant_id, order_key, mt_class FROM moved
    """
)
_GIVE_UP: Final = text(
    f"UPDATE outbound_messages SET lease_until = :before"
    f" WHERE {CLAIMED} AND lease_until >= :before AND claimed_by = ANY(CAST(:dead AS integer[]))"
)
_UNDECIDED: Final = text(
    """
    UPDATE outbound_messages AS m SET requeued_at = :now
    FROM (SELECT id FROM outbound_messages
          WHERE decide_at < :before AND (requeued_at IS NULL OR requeued_at < :before)
          ORDER BY decide_at LIMIT :limit FOR UPDATE SKIP LOCKED) AS found
    WHERE m.id = found.id RETURNING m.id, m.tenant_id, m.order_key, m.mt_class
    """
)
_FORGOTTEN: Final = text(
    f"""
    UPDATE outbound_messages AS m SET requeued_at = :now
    FROM (SELECT id FROM outbound_messages
          WHERE {PLANNED} AND due_at < :before AND (requeued_at IS NULL OR requeued_at < :before)
          ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED) AS found
    WHERE m.id = found.id RETURNING m.id, m.tenant_id, m.order_key, m.mt_class
    """
)
_EXPIRED: Final = text(
    f"""
    WITH old AS (
        SELECT id FROM outbound_messages WHERE {PLANNED} AND expires_at < :now AND due_at < :before
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE outbound_messages AS m SET state = :state, reason = :reason, settled_at = :now
    FROM old WHERE m.id = old.id RETURNING m.id, m.tenant_id, m.order_key, m.mt_class
    """
)
DUE: Final = f"count(*), min(due_at) FROM outbound_messages WHERE {PLANNED} AND due_at <= :now"
"""How much is due: a part of the scheduler's statement."""


HELD: Final = f"SELECT claimed_by FROM outbound_messages WHERE {CLAIMED}"
"""Whose claims are open: a part of the scheduler's statement."""


async def end_leases(session: Session, dead: Sequence[int], before: datetime) -> None:
    """Let the leases of processes that died be over."""
    await session.execute(_GIVE_UP, {"dead": list(dead), "before": before})


async def move_lapsed(session: Session, now: datetime, limit: int) -> Sequence[Swept]:
    """Make claims unknown whose lease ended without a result, with the try that nobody reported."""
    event = MtEvent.LEASE_ENDED
    moved = {"state": MOVES[event][MtState.CLAIMED].value, "reason": REASONS[event]}
    return await _run(session, _LAPSED, now=now, limit=limit, **moved)


async def mark_undecided(session: Session, now: datetime, before: datetime, limit: int) -> Sequence[Swept]:
    """Unknown MTs that should have been decided long ago."""
    return await _run(session, _UNDECIDED, now=now, before=before, limit=limit)


async def mark_forgotten(session: Session, now: datetime, before: datetime, limit: int) -> Sequence[Swept]:
    """Planned MTs that have been due for so long that their job must be lost."""
    return await _run(session, _FORGOTTEN, now=now, before=before, limit=limit)


async def fail_expired(session: Session, now: datetime, before: datetime, limit: int) -> Sequence[Swept]:
    """Fail MTs that nobody claimed in their lifetime."""
    event = MtEvent.EXPIRED
    moved = {"state": MOVES[event][MtState.PLANNED].value, "reason": REASONS[event]}
    return await _run(session, _EXPIRED, now=now, before=before, limit=limit, **moved)


async def _run(session: Session, statement: TextClause, **values: object) -> Sequence[Swept]:
    rows = await session.execute(statement, values)
    return [Swept(**(row._asdict() | {"mt_class": MtClass(row.mt_class)})) for row in rows]
