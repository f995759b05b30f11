"""The order of one person's MTs: all but bulk go by (first due, id). Called by ``mts.service`` and ``mts.delivery``.

A retry keeps its first due, so it holds what follows; what is not due stands behind what is, so it holds nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.mts.rules import MtClass
from twoway_router.mts.tables import IN_ORDER
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class First:
    """The open MT of a person that goes before the others."""

    id: UUID
    order_key: int
    mt_class: MtClass
    state: str
    due_at: datetime
    first_due_at: datetime


FIRST_OF_PERSON: Final = f"""(
    SELECT first.id FROM outbound_messages AS first
    WHERE first.order_key = m.order_key AND {IN_ORDER}
    ORDER BY first.first_due_at, first.id LIMIT 1)"""
"""For statements about ``m``. The index for it holds only what is open and in order: no person's history is read."""

_FIRST: Final = text(
    f"""
    SELECT first.id, first.order_key, first.mt_class, first.state, first.due_at, first.first_due_at
    FROM unnest(CAST(:order_keys AS bigint[])) AS person (order_key)
    CROSS JOIN LATERAL (
        SELECT id, order_key, mt_class, state, due_at, first_due_at FROM outbound_messages AS m
        WHERE m.order_key = person.order_key AND {IN_ORDER}
        ORDER BY m.first_due_at, m.id LIMIT 1) AS first
    """
)


async def list_first(session: Session, order_keys: Collection[int]) -> Mapping[int, First]:
    """The first open MT per person, bulk left out, by order key."""
    if not order_keys:
        return {}
    rows = await session.execute(_FIRST, {"order_keys": list(order_keys)})
    return {row.order_key: First(**(row._asdict() | {"mt_class": MtClass(row.mt_class)})) for row in rows}
