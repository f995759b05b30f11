"""What the executor reads besides the messages: keyword revisions, numbers, tenants. One statement per batch each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRow:
    """A number as its row has it."""

    id: UUID
    address: str
    country: str
    time_zone: str
    languages: Sequence[str]
    texts: Mapping[str, Any]
    tenant_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantRow:
    """A tenant as its row has it."""

    id: UUID
    name: str
    is_active: bool


_REVISIONS: Final = text(
    "SELECT keyword_id, revision, definition FROM keyword_revisions WHERE (keyword_id, revision) IN"
    " (SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:revisions AS int[])))"
)
_NUMBERS: Final = text(
    "SELECT id, address, country, time_zone, languages, texts, tenant_id FROM numbers WHERE id = ANY(CAST(:ids AS uuid[]))"
)
_TENANTS: Final = text(
    "SELECT id, name, state = 'active' AS is_active FROM tenants WHERE id = ANY(CAST(:ids AS uuid[]))"
)
_KEYS: Final = text(
    "SELECT DISTINCT order_key FROM inbound_messages WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'accepted'"
)


async def list_revisions(
    session: Session, wanted: Collection[tuple[UUID, int]]
) -> Mapping[tuple[UUID, int], Mapping[str, Any]]:
    """Definitions of keyword revisions, as stored."""
    columns = {"ids": [keyword_id for keyword_id, _ in wanted], "revisions": [revision for _, revision in wanted]}
    return {(row.keyword_id, row.revision): row.definition for row in await session.execute(_REVISIONS, columns)}


async def list_numbers(session: Session, ids: Collection[UUID]) -> Sequence[NumberRow]:
    """The numbers that messages came to."""
    return [NumberRow(**row._asdict()) for row in await session.execute(_NUMBERS, {"ids": list(ids)})]


async def list_tenants(session: Session, ids: Collection[UUID]) -> Sequence[TenantRow]:
    """The tenants that messages belong to."""
    return [TenantRow(**row._asdict()) for row in await session.execute(_TENANTS, {"ids": list(ids)})]


async def list_order_keys(session: Session, ids: Collection[UUID]) -> list[int]:
    """The people whose messages are among these and still wait."""
    return sorted(await session.scalars(_KEYS, {"ids": list(ids)}))
