"""SQL of connections and numbers. Called by ``service`` and by the caches that follow the change feed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute

from twoway_router.domain.ids import ConnectionId, NumberId, TenantId
from twoway_router.domain.messages import Sharing
from twoway_router.numbers.rules import RunNumber
from twoway_router.numbers.tables import ConnectionRequests, Connections, Numbers, SendingPaces
from twoway_router.routing.types import AmbiguityPolicy, CampaignWords, NumberRules
from twoway_router.store import Session
from twoway_router.store.unique import is_flushed
from twoway_router.tenants.tables import Tenants

_HAS_OTHERS_KEYWORDS: Final = text(
    "SELECT EXISTS (SELECT FROM keywords WHERE number_id = :number_id AND state <> 'released'"
    " AND (CAST(:tenant_id AS uuid) IS NULL OR tenant_id <> :tenant_id))"
)
_IDLE_TERMS: Final = text(
    "SELECT id, CAST(options->>'idle_release_days' AS integer) AS days FROM numbers"
    " WHERE options->>'idle_release_days' IS NOT NULL"
)
_COUNT_KEYWORDS: Final = text(
    "SELECT number_id, count(*) AS held FROM keywords WHERE number_id = ANY(CAST(:ids AS uuid[]))"
    " AND tenant_id = :tenant_id AND state <> 'released' GROUP BY number_id"
)

REQUESTS_KEPT: Final = 200
"""How many of a connection's last requests are kept."""

_INSERT_REQUESTS: Final = text(
    """
    WITH fresh AS (
        INSERT INTO connection_requests (id, connection_id, kind, outcome, reason, method, query, headers, body, parsed,
                                         status, answer, unlogged, received_at)
        SELECT entry.id, entry.connection_id, entry.kind, entry.outcome, entry.reason, entry.method, entry.query,
               CAST(entry.headers AS jsonb), entry.body, CAST(entry.parsed AS jsonb), entry.status, entry.answer,
               entry.unlogged, entry.received_at
        FROM unnest(CAST(:id AS uuid[]), CAST(:connection_id AS uuid[]), CAST(:kind AS text[]), CAST(:outcome AS text[]),
                    CAST(:reason AS text[]), CAST(:method AS text[]), CAST(:query AS text[]), CAST(:headers AS text[]),
                    CAST(:body AS text[]), CAST(:parsed AS text[]), CAST(:status AS int[]), CAST(:answer AS text[]),
                    CAST(:unlogged AS int[]), CAST(:received_at AS timestamptz[]))
             AS entry (id, connection_id, kind, outcome, reason, method, query, headers, body, parsed, status, answer,
                       unlogged, received_at)
    )
    DELETE FROM connection_requests WHERE id IN (
        SELECT id FROM connection_requests WHERE id IN (
            SELECT id FROM (
                SELECT id, row_number() OVER (PARTITION BY connection_id ORDER BY id DESC) AS place
                FROM connection_requests WHERE connection_id = ANY(CAST(:connection_id AS uuid[]))
            ) AS placed WHERE place > :kept
        ) ORDER BY id FOR UPDATE SKIP LOCKED
    )
    """
)
"""The delete does not see what the same statement inserts: a connection keeps a few more until its next write. In one order and
past locked rows, because two ingress processes may trim one connection at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutedNumber:
    """One number as the ingress and the previews need it."""

    rules: NumberRules
    connection_id: ConnectionId
    is_active: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberFilter:
    """Which numbers a list shows. ``sandbox_id`` is for operators, who see no sandbox's numbers without it."""

    country: str | None = None
    sharing: str | None = None
    kind: str | None = None
    state: str | None = None
    connection_id: UUID | None = None
    sandbox_id: UUID | None = None

    def for_tenants(self) -> "NumberFilter":
        """Tenants know neither connections nor sandboxes by their ids, so they do not filter by them."""
        return replace(self, connection_id=None, sandbox_id=None)


_OF_RUNS: Final = text(
    "SELECT id, address, country, time_zone, languages, texts, tenant_id,"
    " coalesce(CAST(options->>'conversation_hours' AS integer), 120) AS conversation_hours"
    " FROM numbers WHERE id = ANY(CAST(:ids AS uuid[]))"
)


async def is_connection_inserted(session: Session, connection: Connections) -> bool:
    """False when the name is taken."""
    session.add(connection)
    return await is_flushed(session)


async def find_connection(session: Session, connection_id: UUID, *, lock: bool = False) -> Connections | None:
    """The connection, its row locked if asked."""
    wanted = select(Connections).where(Connections.id == connection_id)
    return await session.scalar(wanted.with_for_update() if lock else wanted)


async def find_sandbox_connection(session: Session, sandbox_id: UUID) -> Connections | None:
    """The one connection of a sandbox, once it has a number."""
    return await session.scalar(select(Connections).where(Connections.sandbox_id == sandbox_id))


async def list_connections(
    session: Session, *, after: UUID | None, limit: int, carrier: str | None, state: str | None
) -> Sequence[Connections]:
    """Newest first; those of sandboxes only when their carrier is asked for."""
    wanted = select(Connections).order_by(Connections.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(Connections.id < after)
    is_wanted = Connections.sandbox_id.is_(None) if carrier is None else Connections.carrier == carrier
    wanted = wanted.where(is_wanted)
    if state is not None:
        wanted = wanted.where(Connections.state == state)
    return (await session.scalars(wanted)).all()


async def list_active_connections(
    session: Session, ids: Collection[UUID] | None = None, *, with_sandboxes: bool = True
) -> Sequence[Connections]:
    """All that carry traffic, or those among ``ids``. Bounded by how many accounts an operator has."""
    wanted = select(Connections).where(Connections.state == "active")
    if not with_sandboxes:
        wanted = wanted.where(Connections.sandbox_id.is_(None))
    if ids is not None:
        wanted = wanted.where(Connections.id.in_(ids))
    return (await session.scalars(wanted)).all()


async def insert_requests(session: Session, columns: Mapping[str, Sequence[Any]]) -> None:
    """Keep requests and forget the oldest of their connections."""
    await session.execute(_INSERT_REQUESTS, {**columns, "kept": REQUESTS_KEPT})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rest:
    """Until when a connection rests, and why."""

    until: datetime | None
    reason: str
    detail: str | None


async def list_rests(session: Session, ids: Collection[UUID], now: datetime) -> Mapping[UUID, Rest]:
    """Those of these connections that rest. One that rests because of our account does until its carrier takes an MT."""
    wanted = select(SendingPaces).where(
        SendingPaces.id.in_(ids), or_(SendingPaces.rest_reason.is_not(None), SendingPaces.rests_until > now)
    )
    return {
        row.id: Rest(until=row.rests_until, reason=row.rest_reason or "throttled", detail=row.rest_detail)
        for row in await session.scalars(wanted)
    }


async def count_rests(session: Session, now: datetime) -> Mapping[str, int]:
    """How many connections rest, by reason."""
    reason = func.coalesce(SendingPaces.rest_reason, "throttled")
    wanted = (
        select(reason, func.count())
        .where(or_(SendingPaces.rest_reason.is_not(None), SendingPaces.rests_until > now))
        .group_by(reason)
    )
    return {"account": 0, "throttled": 0} | {row[0]: row[1] for row in await session.execute(wanted)}


async def list_requests(
    session: Session, connection_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[ConnectionRequests]:
    """Newest first."""
    wanted = select(ConnectionRequests).where(ConnectionRequests.connection_id == connection_id)
    if after is not None:
        wanted = wanted.where(ConnectionRequests.id < after)
    return (await session.scalars(wanted.order_by(ConnectionRequests.id.desc()).limit(limit))).all()


async def is_number_inserted(session: Session, number: Numbers) -> bool:
    """False when the country already has this address."""
    session.add(number)
    return await is_flushed(session)


async def has_namesake(session: Session, number: Numbers) -> bool:
    """Whether another country's number on the same connection has the same address."""
    same = and_(Numbers.connection_id == number.connection_id, Numbers.address == number.address)
    return bool(await session.scalar(select(exists().where(same, Numbers.country != number.country))))


async def find_number(
    session: Session, number_id: UUID, *, usable_by: TenantId | None, lock: bool = False
) -> Numbers | None:
    """A number that the tenant may use; any number when None."""
    wanted = select(Numbers).where(Numbers.id == number_id)
    if usable_by is not None:
        wanted = wanted.where(_is_usable_by(usable_by))
    return await session.scalar(wanted.with_for_update() if lock else wanted)


async def find_number_by_address(
    session: Session, country: str, address: str, *, usable_by: TenantId | None
) -> Numbers | None:
    """The same, by country and stored address; without a tenant the live number."""
    wanted = select(Numbers).where(Numbers.country == country, Numbers.address == address)
    is_right = Numbers.sandbox_id.is_(None) if usable_by is None else _is_usable_by(usable_by)
    return await session.scalar(wanted.where(is_right))


async def list_numbers(
    session: Session, *, usable_by: TenantId | None, where: NumberFilter, after: UUID | None, limit: int
) -> Sequence[Numbers]:
    """Newest first."""
    wanted = select(Numbers).order_by(Numbers.id.desc()).limit(limit)
    if usable_by is not None:
        wanted = wanted.where(_is_usable_by(usable_by))
    elif where.sandbox_id is None:
        wanted = wanted.where(Numbers.sandbox_id.is_(None))
    if after is not None:
        wanted = wanted.where(Numbers.id < after)
    for name in ("country", "sharing", "kind", "state", "connection_id", "sandbox_id"):
        if (value := getattr(where, name)) is not None:
            wanted = wanted.where(getattr(Numbers, name) == value)
    return (await session.scalars(wanted)).all()


async def list_routed_numbers(session: Session, ids: Collection[UUID] | None = None) -> Sequence[RoutedNumber]:
    """Every number, or those among ``ids``, as routing sees them. Disabled ones too: they keep their keywords."""
    wanted = select(Numbers)
    if ids is not None:
        wanted = wanted.where(Numbers.id.in_(ids))
    return [_routed(number) for number in await session.scalars(wanted)]


async def list_usable(session: Session, tenant_id: UUID) -> frozenset[UUID]:
    """The numbers that a tenant may send from."""
    return frozenset(await session.scalars(select(Numbers.id).where(_is_usable_by(tenant_id))))


async def has_others_keywords(session: Session, number_id: UUID, tenant_id: UUID | None) -> bool:
    """Whether anybody but the tenant still holds keywords on the number.

    Looks into the keywords' table from below: a number that changes hands must not go on routing to its last holder.
    """
    found = await session.scalar(_HAS_OTHERS_KEYWORDS, {"number_id": number_id, "tenant_id": tenant_id})
    return bool(found)


async def list_idle_terms(session: Session) -> Mapping[UUID, int]:
    """The numbers whose keywords are given back after so many days without a message."""
    return {row.id: row.days for row in await session.execute(_IDLE_TERMS)}


async def count_keywords(session: Session, ids: Collection[UUID], tenant_id: UUID) -> Mapping[UUID, int]:
    """How many keywords a tenant holds on numbers; a number without one is left out."""
    rows = await session.execute(_COUNT_KEYWORDS, {"ids": list(ids), "tenant_id": tenant_id})
    return {row.number_id: row.held for row in rows}


def _is_usable_by(tenant_id: UUID) -> ColumnElement[bool]:
    """A sandbox uses its own numbers and no others; a tenant its own and the shared ones, but nothing of a sandbox."""
    is_sandbox = exists().where(Tenants.id == tenant_id, Tenants.sandbox_of.is_not(None))
    is_shared = and_(Numbers.sharing == "shared", ~is_sandbox)
    is_live = and_(Numbers.sandbox_id.is_(None), or_(Numbers.tenant_id == tenant_id, is_shared))
    return or_(Numbers.sandbox_id == tenant_id, is_live)


def _routed(number: Numbers) -> RoutedNumber:
    rules = NumberRules(
        number_id=NumberId(number.id),
        country=number.country,
        address=number.address,
        sharing=Sharing(number.sharing),
        languages=tuple(number.languages),
        owner=TenantId(number.tenant_id) if number.tenant_id else None,
        is_fuzzy=bool(number.options.get("is_fuzzy", False)),
        ambiguity=AmbiguityPolicy(number.options.get("ambiguity", AmbiguityPolicy.LATEST)),
        campaign_words=CampaignWords(number.options.get("campaign_words", CampaignWords.OPERATOR)),
        time_zone=number.time_zone,
    )
    return RoutedNumber(
        rules=rules, connection_id=ConnectionId(number.connection_id), is_active=number.state == "active"
    )


def is_visible_to(
    tenant_column: InstrumentedAttribute[UUID | None],
    number_column: InstrumentedAttribute[Any],
    tenant_id: UUID,
    *,
    is_sandbox: bool,
) -> ColumnElement[bool]:
    """The condition under which a tenant may see a row that belongs to a tenant and a number.

    A sandbox has its numbers for itself, so it sees whatever belongs to them.
    """
    if is_sandbox:
        return number_column.in_(select(Numbers.id).where(Numbers.sandbox_id == tenant_id))
    return tenant_column == tenant_id


async def list_of_runs(session: Session, ids: Collection[UUID]) -> Mapping[UUID, RunNumber]:
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
        for row in await session.execute(_OF_RUNS, {"ids": list(ids)})
    }
