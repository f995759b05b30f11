"""Marks a START that has lifted something. Called by ``ingress`` and ``management`` where the START is obeyed."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.inbound.rules import RESTORED
from twoway_router.store import Session

_MARK: Final = text(
    "UPDATE inbound_messages SET extra = extra || jsonb_build_object(CAST(:restored AS text), generation)"
    " WHERE id = ANY(CAST(:ids AS uuid[]))"
)
"""With the generation: the run of a replay, which is obeyed anew, does not confirm what an earlier one has lifted."""


async def mark_restored(session: Session, ids: Collection[UUID]) -> None:
    """Note it in the transaction that lifts, so that a run finds the same however often it is tried."""
    if ids:
        await session.execute(_MARK, {"ids": list(ids), "restored": RESTORED})
