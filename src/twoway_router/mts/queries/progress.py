"""How MTs fare, as reported to their tenants. Called by ``mts.service``; ``webhooks.listener`` makes events of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How an MT of a tenant fares, as the tenant may know it. ``number`` is the address it is sent from."""

    id: UUID
    tenant_id: UUID
    cause_id: UUID
    cause_kind: str
    attempt: int
    number: str
    recipient: str
    segments: int
    state: str
    delivery_state: str | None
    reason: str | None


_PROGRESS: Final = text(
    """
    SELECT id, tenant_id, cause_id, cause_kind, attempt, sender AS number, recipient, segments, state, delivery_state,
           reason
    FROM outbound_messages WHERE id = ANY(CAST(:ids AS uuid[])) AND tenant_id IS NOT NULL ORDER BY id
    """
)


async def list_progress(session: Session, ids: Collection[UUID]) -> Sequence[Progress]:
    """How these MTs fare; those without a tenant are left out."""
    return [Progress(**row._asdict()) for row in await session.execute(_PROGRESS, {"ids": list(ids)})]
