"""Whose turn it is among MTs of one person. Called by ``mts.delivery`` for those that it could not claim."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class First:
    """The oldest open MT of a person."""

    id: UUID
    order_key: int
    state: str
    due_at: datetime


_FIRST: Final = text(
    """
    SELECT first.id, first.order_key, first.state, first.due_at FROM unnest(CAST(:order_keys AS bigint[])) AS person (order_key)
    CROSS JOIN LATERAL (
        SELECT id, order_key, state, due_at FROM outbound_messages AS m
        WHERE m.order_key = person.order_key AND m.state IN ('planned', 'claimed')
        ORDER BY m.id LIMIT 1) AS first
    """
)


async def list_first(session: Session, order_keys: Collection[int]) -> Sequence[First]:
    """The oldest open MT of each of these people."""
    return [First(**row._asdict()) for row in await session.execute(_FIRST, {"order_keys": list(order_keys)})]
