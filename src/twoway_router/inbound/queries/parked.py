"""Parked messages: those whose actions failed every try. Read and put back by operators (``cli.parked``)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class ParkedMessage:
    """A parked message as an operator sees it: no text, no sender."""

    id: UUID
    tenant_id: UUID | None
    route: str
    attempts: int
    last_error: str | None
    received_at: datetime


_LIST: Final = text(
    "SELECT id, tenant_id, route, attempts, last_error, received_at FROM inbound_messages"
    " WHERE state = 'parked' ORDER BY id LIMIT :limit"
)
_REQUEUE: Final = text(
    """
    UPDATE inbound_messages AS m SET state = 'accepted', attempts = 0
    FROM (SELECT id FROM inbound_messages WHERE state = 'parked' AND (:is_all OR id = ANY(CAST(:ids AS uuid[])))
          ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED) AS parked
    WHERE m.id = parked.id RETURNING m.id, m.order_key
    """
)


async def list_parked(session: Session, limit: int) -> Sequence[ParkedMessage]:
    """The oldest parked messages."""
    return [ParkedMessage(**row._asdict()) for row in await session.execute(_LIST, {"limit": limit})]


async def requeue(session: Session, ids: Collection[UUID] | None, limit: int) -> Sequence[tuple[UUID, int]]:
    """Make parked messages accepted again, with a fresh count of tries: (id, order key). None means all, up to the limit."""
    rows = await session.execute(_REQUEUE, {"is_all": ids is None, "ids": list(ids or ()), "limit": limit})
    return [(row.id, row.order_key) for row in rows]
