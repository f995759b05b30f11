"""Accepted messages that wait for their run. Called by ``scheduler``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """An accepted message, and whose it is."""

    id: UUID
    order_key: int


_WAITING: Final = text(
    """
    SELECT id, order_key FROM inbound_messages
    WHERE state = 'accepted' AND id < :before AND (order_key, id) > (:order_key, :id)
    ORDER BY order_key, id LIMIT :limit
    """
)
_OLD_COURTESIES: Final = text("DELETE FROM courtesy_replies WHERE day < :day")
ACCEPTED: Final = "count(*), NULL::timestamptz FROM inbound_messages WHERE state = 'accepted'"
PARKED: Final = "count(*), NULL::timestamptz FROM inbound_messages WHERE state = 'parked'"
"""How many there are: parts of the scheduler's statement."""


async def list_overdue(session: Session, before: UUID, after: Waiting, limit: int) -> Sequence[Waiting]:
    """Accepted messages older than an id, behind a position in the order (order key, id)."""
    place = {"before": before, "order_key": after.order_key, "id": after.id, "limit": limit}
    return [Waiting(id=row.id, order_key=row.order_key) for row in await session.execute(_WAITING, place)]


async def forget_courtesies(session: Session, before: date) -> None:
    """Delete the marks of courtesy replies of earlier days."""
    await session.execute(_OLD_COURTESIES, {"day": before})
