"""The sweeps' statements: each finds work whose time has come, marks it, and returns what needs a job. Called by ``sweeps``.

Rows that another scheduler works on are skipped. A row that gets a job is marked, so that it gets the next one only
after a while: ``lease_until`` of planned and pending rows and ``due_at`` of unknown ones are free for that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from twoway_router.store import Session

Statement = TextClause


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A row that needs a job. ``order_key`` is 0 where there is no order to keep."""

    id: UUID
    order_key: int


def _lapsed(deliveries: str) -> Statement:
    """Claims of a table of deliveries whose lease ended without a result: they may be tried again."""
    return text(
        f"""
        UPDATE {deliveries} AS d
        SET state = 'pending', reason = 'lease_expired', due_at = :now, lease_until = :mark
        FROM (SELECT id FROM {deliveries} WHERE state = 'claimed' AND lease_until < :now
              ORDER BY lease_until LIMIT :limit FOR UPDATE SKIP LOCKED) AS lapsed
        WHERE d.id = lapsed.id RETURNING d.id, 0 AS order_key
        """
    )


def _pending(deliveries: str) -> Statement:
    """Deliveries of a table that have been due for so long that their job must be lost."""
    return text(
        f"""
        UPDATE {deliveries} AS d SET lease_until = :mark
        FROM (SELECT id FROM {deliveries}
              WHERE state = 'pending' AND due_at < :before AND (lease_until IS NULL OR lease_until < :now)
              ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED) AS found
        WHERE d.id = found.id RETURNING d.id, 0 AS order_key
        """
    )


LAPSED_MTS: Final = text(
    """
    WITH lapsed AS (
        SELECT id FROM outbound_messages WHERE state = 'claimed' AND lease_until < :now
        ORDER BY lease_until LIMIT :limit FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE outbound_messages AS m
        SET state = 'unknown', reason = 'lease_expired', lease_until = :now, settled_at = NULL, due_at = :mark
        FROM lapsed WHERE m.id = lapsed.id RETURNING m.id, m.order_key, m.attempt, m.tenant_id
    ), tries AS (
        INSERT INTO outbound_attempts (outbound_message_id, attempt, tenant_id, outcome, reason, started_at, finished_at)
        SELECT id, attempt, tenant_id, 'unknown', 'lease_expired', :now, :now FROM moved ON CONFLICT DO NOTHING
    )
    SELECT id, order_key FROM moved
    """
)
UNKNOWN_MTS: Final = text(
    """
    UPDATE outbound_messages AS m SET due_at = :mark
    FROM (SELECT id FROM outbound_messages
          WHERE state = 'unknown' AND settled_at IS NULL AND lease_until < :before AND due_at < :now
          LIMIT :limit FOR UPDATE SKIP LOCKED) AS found
    WHERE m.id = found.id RETURNING m.id, m.order_key
    """
)
PLANNED_MTS: Final = text(
    """
    UPDATE outbound_messages AS m SET lease_until = :mark
    FROM (SELECT id FROM outbound_messages
          WHERE state = 'planned' AND due_at < :before AND (lease_until IS NULL OR lease_until < :now)
          ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED) AS found
    WHERE m.id = found.id RETURNING m.id, m.order_key
    """
)
_EXPIRED_MTS: Final = text(
    """
    WITH old AS (
        SELECT id FROM outbound_messages WHERE state = 'planned' AND expires_at < :now AND due_at < :before
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE outbound_messages AS m SET state = 'failed', reason = 'expired', settled_at = :now, lease_until = NULL
    FROM old WHERE m.id = old.id RETURNING m.id, m.tenant_id, m.order_key
    """
)
LAPSED_WEBHOOKS: Final = _lapsed("webhook_deliveries")
PENDING_WEBHOOKS: Final = _pending("webhook_deliveries")
LAPSED_EMAILS: Final = _lapsed("email_deliveries")
PENDING_EMAILS: Final = _pending("email_deliveries")
_WAITING: Final = text(
    """
    SELECT id, order_key FROM inbound_messages
    WHERE state = 'accepted' AND id < :before AND (order_key, id) > (:order_key, :id)
    ORDER BY order_key, id LIMIT :limit
    """
)
_OLD_KEYS: Final = text(
    "DELETE FROM idempotency_keys WHERE (owner, key) IN"
    " (SELECT owner, key FROM idempotency_keys WHERE created_at < :before LIMIT :limit FOR UPDATE SKIP LOCKED)"
)
_OLD_COURTESIES: Final = text("DELETE FROM courtesy_replies WHERE day < CAST(:day AS date)")
_OLD_CONTEXTS: Final = text(
    "DELETE FROM contexts WHERE id IN"
    " (SELECT id FROM contexts WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
)
_DEPTHS: Final = text(
    """
    SELECT 'inbound' AS queue, count(*) AS due, NULL::timestamptz AS oldest FROM inbound_messages WHERE state = 'accepted'
    UNION ALL SELECT 'sms', count(*), min(due_at) FROM outbound_messages WHERE state = 'planned' AND due_at <= :now
    UNION ALL SELECT 'webhook', count(*), min(due_at) FROM webhook_deliveries WHERE state = 'pending' AND due_at <= :now
    UNION ALL SELECT 'email', count(*), min(due_at) FROM email_deliveries WHERE state = 'pending' AND due_at <= :now
    UNION ALL SELECT 'outbox', count(*), min(available_at) FROM outbox WHERE dead_at IS NULL AND available_at <= :now
    UNION ALL SELECT 'parked', count(*), NULL FROM inbound_messages WHERE state = 'parked'
    """
)


async def find(session: Session, statement: Statement, parameters: Mapping[str, Any]) -> Sequence[Found]:
    """Run one of the sweeps above."""
    return [Found(id=row.id, order_key=row.order_key) for row in await session.execute(statement, parameters)]


async def expire_mts(
    session: Session, now: datetime, before: datetime, limit: int
) -> tuple[Mapping[UUID, UUID], frozenset[int]]:
    """Fail MTs that nobody claimed in time: those of tenants, with the tenant, and whose turns have passed on."""
    rows = (await session.execute(_EXPIRED_MTS, {"now": now, "before": before, "limit": limit})).all()
    return {row.id: row.tenant_id for row in rows if row.tenant_id}, frozenset(row.order_key for row in rows)


async def list_waiting(session: Session, before: UUID, after: Found, limit: int) -> Sequence[Found]:
    """Accepted messages older than an id, from a place on: order key, then id."""
    place = {"before": before, "order_key": after.order_key, "id": after.id, "limit": limit}
    return [Found(id=row.id, order_key=row.order_key) for row in await session.execute(_WAITING, place)]


async def forget_old(
    session: Session, *, keys_before: datetime, contexts_before: datetime, courtesies_before: datetime
) -> None:
    """Delete what has served its time: idempotency keys, conversations, courtesy marks."""
    await session.execute(_OLD_KEYS, {"before": keys_before, "limit": 5000})
    await session.execute(_OLD_CONTEXTS, {"before": contexts_before, "limit": 5000})
    await session.execute(_OLD_COURTESIES, {"day": courtesies_before.date()})


async def count_due(session: Session, now: datetime) -> Mapping[str, tuple[int, datetime | None]]:
    """How much work is due in each queue, and since when the oldest."""
    return {row.queue: (row.due, row.oldest) for row in await session.execute(_DEPTHS, {"now": now})}
