"""The scheduler's own statements: how much is due, made of parts that the tables' owners export, and what is forgotten."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import text

from twoway_router.emails.sweeps import SWEEPS as EMAILS
from twoway_router.inbound.queries.waiting import ACCEPTED, PARKED
from twoway_router.mts.queries.sweeping import DUE as MTS
from twoway_router.store import Session
from twoway_router.webhooks.sweeps import SWEEPS as WEBHOOKS

_OUTBOX: Final = "count(*), min(available_at) FROM outbox WHERE dead_at IS NULL AND available_at <= :now"
_DUE: Final = text(
    f"""
    SELECT 'inbound' AS queue, due, oldest FROM (SELECT {ACCEPTED}) AS inbound (due, oldest)
    UNION ALL SELECT 'sms', {MTS}
    UNION ALL SELECT 'webhook', {WEBHOOKS.due}
    UNION ALL SELECT 'email', {EMAILS.due}
    UNION ALL SELECT 'outbox', {_OUTBOX}
    UNION ALL SELECT 'parked', {PARKED}
    """
)
_OLD_KEYS: Final = text(
    "DELETE FROM idempotency_keys WHERE (owner, key) IN"
    " (SELECT owner, key FROM idempotency_keys WHERE created_at < :before LIMIT :limit FOR UPDATE SKIP LOCKED)"
)
_OLD_CONTEXTS: Final = text(
    "DELETE FROM contexts WHERE id IN"
    " (SELECT id FROM contexts WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
)


async def count_due(session: Session, now: datetime) -> Mapping[str, tuple[int, datetime | None]]:
    """How much work is due in each queue, and since when the oldest."""
    return {row.queue: (row.due, row.oldest) for row in await session.execute(_DUE, {"now": now})}


async def forget_old(session: Session, *, keys_before: datetime, contexts_before: datetime) -> None:
    """Delete idempotency keys and conversations that have served their time."""
    await session.execute(_OLD_KEYS, {"before": keys_before, "limit": 5000})
    await session.execute(_OLD_CONTEXTS, {"before": contexts_before, "limit": 5000})
