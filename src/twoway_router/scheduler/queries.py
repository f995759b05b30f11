"""The scheduler's own statement: how much is due, made of parts that the tables' owners export."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import text

from twoway_router.emails.sweeps import SWEEPS as EMAILS
from twoway_router.inbound.service import ACCEPTED, PARKED
from twoway_router.mts.service import DUE as MTS
from twoway_router.store import Session, outbox
from twoway_router.webhooks.sweeps import SWEEPS as WEBHOOKS

_DUE: Final = text(
    f"""
    SELECT 'inbound' AS queue, due, oldest FROM (SELECT {ACCEPTED}) AS inbound (due, oldest)
    UNION ALL SELECT 'sms', {MTS}
    UNION ALL SELECT 'webhook', {WEBHOOKS.due}
    UNION ALL SELECT 'email', {EMAILS.due}
    UNION ALL SELECT 'outbox', {outbox.DUE}
    UNION ALL SELECT 'parked', {PARKED}
    """
)


async def count_due(session: Session, now: datetime) -> Mapping[str, tuple[int, datetime | None]]:
    """How much work is due in each queue, and since when the oldest."""
    return {row.queue: (row.due, row.oldest) for row in await session.execute(_DUE, {"now": now})}
