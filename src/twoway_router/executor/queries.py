"""What the executor reads besides the messages: keyword revisions, numbers, tenants. One statement per batch each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from twoway_router.actions.context import RunNumber
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.inbound.queries.runs import ACCEPTED
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class KeywordRow:
    """A keyword as it is now. A suspended tenant's is not active."""

    id: UUID
    tenant_id: UUID
    revision: int
    word: str
    is_active: bool


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
    "SELECT id, address, country, time_zone, languages, texts, tenant_id,"
    " coalesce(CAST(options->>'conversation_hours' AS integer), 120) AS conversation_hours"
    " FROM numbers WHERE id = ANY(CAST(:ids AS uuid[]))"
)
_TENANTS: Final = text(
    "SELECT id, name, state = 'active' AS is_active FROM tenants WHERE id = ANY(CAST(:ids AS uuid[]))"
)
_KEYWORDS: Final = text(
    "SELECT k.id, k.tenant_id, k.revision, k.word, k.state = 'active' AND t.state = 'active' AS is_active"
    " FROM keywords AS k JOIN tenants AS t ON t.id = k.tenant_id WHERE k.id = ANY(CAST(:ids AS uuid[]))"
)
_NEW_PLACES: Final = text(
    "INSERT INTO keyword_places (keyword_id, taken) SELECT id, 0 FROM unnest(CAST(:ids AS uuid[])) AS new (id)"
    " WHERE NOT EXISTS (SELECT FROM keyword_places AS known WHERE known.keyword_id = new.id) ON CONFLICT DO NOTHING"
)
_TAKE_PLACES: Final = text(
    """
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:counts AS int[]), CAST(:limits AS int[]))
            AS wanted (id, places, most)
    ), locked AS (
        SELECT keyword_id, taken FROM keyword_places WHERE keyword_id IN (SELECT id FROM wanted)
        ORDER BY keyword_id FOR UPDATE
    ), granted AS (
        SELECT wanted.id, least(wanted.places, greatest(wanted.most - locked.taken, 0)) AS places
        FROM wanted JOIN locked ON locked.keyword_id = wanted.id
    )
    UPDATE keyword_places AS p SET taken = p.taken + granted.places FROM granted WHERE p.keyword_id = granted.id
    RETURNING p.keyword_id, granted.places
    """
)
_KEYS: Final = text(
    "SELECT DISTINCT order_key FROM inbound_messages WHERE id = ANY(CAST(:ids AS uuid[])) AND state = :accepted"
)


async def list_revisions(
    session: Session, wanted: Collection[tuple[UUID, int]]
) -> Mapping[tuple[UUID, int], Mapping[str, Any]]:
    """Definitions of keyword revisions, as stored."""
    columns = {"ids": [keyword_id for keyword_id, _ in wanted], "revisions": [revision for _, revision in wanted]}
    return {(row.keyword_id, row.revision): row.definition for row in await session.execute(_REVISIONS, columns)}


async def list_numbers(session: Session, ids: Collection[UUID]) -> Mapping[UUID, RunNumber]:
    """The numbers that messages came to, by id."""
    return {
        row.id: RunNumber(
            id=NumberId(row.id),
            address=row.address,
            country=row.country,
            zone=ZoneInfo(row.time_zone),
            languages=row.languages,
            texts={name: text for name, text in row.texts.items() if text},
            owner=TenantId(row.tenant_id) if row.tenant_id else None,
            conversation=timedelta(hours=row.conversation_hours),
        )
        for row in await session.execute(_NUMBERS, {"ids": list(ids)})
    }


async def list_tenants(session: Session, ids: Collection[UUID]) -> Mapping[UUID, TenantRow]:
    """The tenants that messages belong to, by id."""
    rows = await session.execute(_TENANTS, {"ids": list(ids)}) if ids else ()
    return {row.id: TenantRow(**row._asdict()) for row in rows}


async def list_keywords(session: Session, ids: Collection[UUID]) -> Mapping[UUID, KeywordRow]:
    """Keywords as they are now, by id."""
    rows = await session.execute(_KEYWORDS, {"ids": list(ids)}) if ids else ()
    return {row.id: KeywordRow(**row._asdict()) for row in rows}


async def take_places(session: Session, wanted: Mapping[UUID, tuple[int, int]]) -> Mapping[UUID, int]:
    """Take as many places of each keyword as there are: (how many are wanted, its limit). Exact: the count is locked."""
    await session.execute(_NEW_PLACES, {"ids": list(wanted)})
    columns = {
        "ids": list(wanted),
        "counts": [count for count, _ in wanted.values()],
        "limits": [limit for _, limit in wanted.values()],
    }
    return {row.keyword_id: row.places for row in await session.execute(_TAKE_PLACES, columns)}


async def list_order_keys(session: Session, ids: Collection[UUID]) -> list[int]:
    """The people whose messages are among these and still wait."""
    return sorted(await session.scalars(_KEYS, {"ids": list(ids), "accepted": ACCEPTED}))
