"""SQL of throughput: the pace of a connection or number, who waits to answer, who comes back later. For ``delivery``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.mts.queries.delivering import Seen
from twoway_router.mts.queries.order import FIRST_OF_PERSON
from twoway_router.mts.tables import ANSWERS
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """When the next MT may go, and where the queue of those that come back ends."""

    free_at: datetime
    tail_at: datetime


_ANSWERS_WITHIN: Final = timedelta(seconds=1)
_ANSWERS_SINCE: Final = timedelta(seconds=60)

_MAKE: Final = text(
    "INSERT INTO sending_paces (id, free_at, tail_at)"
    " SELECT id, CAST(:now AS timestamptz), CAST(:now AS timestamptz) FROM unnest(CAST(:ids AS uuid[])) AS wanted (id)"
    " ORDER BY id ON CONFLICT (id) DO NOTHING"
)
_LOCK: Final = text(
    "SELECT id, free_at, tail_at FROM sending_paces WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE"
)
_STORE: Final = text(
    """
    UPDATE sending_paces AS pace SET free_at = entry.free_at, tail_at = entry.tail_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:frees AS timestamptz[]), CAST(:tails AS timestamptz[]))
         AS entry (id, free_at, tail_at)
    WHERE pace.id = entry.id
    """
)
_REST: Final = text(
    """
    INSERT INTO sending_paces AS pace (id, free_at, tail_at, rests_until)
    SELECT id, CAST(:now AS timestamptz), CAST(:now AS timestamptz), rests_until
    FROM unnest(CAST(:ids AS uuid[]), CAST(:untils AS timestamptz[])) AS entry (id, rests_until)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET rests_until = greatest(pace.rests_until, excluded.rests_until)
    """
)
_REST_ACCOUNT: Final = text(
    """
    INSERT INTO sending_paces AS pace (id, free_at, tail_at, rests_until, rest_reason, rest_detail, rests)
    SELECT id, CAST(:now AS timestamptz), CAST(:now AS timestamptz), CAST(:now AS timestamptz) + CAST(:first AS interval),
           'account', detail, 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:details AS text[])) AS entry (id, detail)
    ORDER BY id
    ON CONFLICT (id) DO UPDATE
    SET rests_until = greatest(pace.rests_until, CAST(:now AS timestamptz)
                               + least(CAST(:first AS interval) * 2 ^ pace.rests, CAST(:longest AS interval))),
        rest_reason = excluded.rest_reason, rest_detail = excluded.rest_detail, rests = least(pace.rests + 1, 10)
    WHERE pace.rest_reason IS NULL OR pace.rests_until IS NULL OR pace.rests_until <= :now
    RETURNING id, rests_until, rest_detail
    """
)
"""A rest lengthens only when a try after it is refused too: the refusals of all that was under way are one."""
_WORKS: Final = text(
    """
    UPDATE sending_paces SET rest_reason = NULL, rest_detail = NULL, rests = 0
    WHERE id = ANY(CAST(:ids AS uuid[])) AND rest_reason IS NOT NULL AND rests_until <= :now
    RETURNING id
    """
)
_RESUME: Final = text(
    "UPDATE sending_paces SET rests_until = NULL, rest_reason = NULL, rest_detail = NULL, rests = 0 WHERE id = :id"
)
_PRESSING: Final = text(
    f"""
    SELECT DISTINCT m.connection_id, m.number_id FROM outbound_messages AS m
    WHERE m.connection_id = ANY(CAST(:connection_ids AS uuid[])) AND {ANSWERS}
      AND m.due_at BETWEEN :since AND :until AND NOT (m.id = ANY(CAST(:ids AS uuid[])))
      AND m.id = {FIRST_OF_PERSON}
    """
)


async def lock(session: Session, ids: Sequence[UUID], now: datetime) -> Mapping[UUID, Pace]:
    """The paces of connections and numbers, locked in one order; new ones begin now."""
    rows = (await session.execute(_LOCK, {"ids": list(ids)})).all()
    if len(rows) < len(ids):
        await session.execute(_MAKE, {"ids": list(ids), "now": now})
        rows = (await session.execute(_LOCK, {"ids": list(ids)})).all()
    return {row.id: Pace(free_at=row.free_at, tail_at=row.tail_at) for row in rows}


async def store(session: Session, paces: Mapping[UUID, Pace]) -> None:
    """Write paces back; the caller holds their locks."""
    columns = {
        "ids": list(paces),
        "frees": [pace.free_at for pace in paces.values()],
        "tails": [pace.tail_at for pace in paces.values()],
    }
    await session.execute(_STORE, columns)


async def rest(session: Session, untils: Mapping[UUID, datetime], now: datetime) -> None:
    """Let connections rest, in every process, because their carriers asked for it."""
    if untils:
        await session.execute(_REST, {"ids": list(untils), "untils": list(untils.values()), "now": now})


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountRest:
    """A connection that begins to rest because its carrier refuses our account."""

    connection_id: UUID
    until: datetime
    detail: str


async def rest_account(
    session: Session, details: Mapping[UUID, str], now: datetime, *, first: timedelta, longest: timedelta
) -> Sequence[AccountRest]:
    """Let connections rest whose carriers refuse our account, twice as long each time; returns those that did not rest yet."""
    if not details:
        return []
    ids = sorted(details)
    values = {"ids": ids, "details": [details[each] for each in ids], "now": now, "first": first, "longest": longest}
    rows = await session.execute(_REST_ACCOUNT, values)
    return [AccountRest(connection_id=row.id, until=row.rests_until, detail=row.rest_detail) for row in rows]


async def note_working(session: Session, ids: Collection[UUID], now: datetime) -> Sequence[UUID]:
    """Our account works again at these connections; returns those where it did not."""
    if not ids:
        return []
    return [row.id for row in await session.execute(_WORKS, {"ids": sorted(ids), "now": now})]


async def resume(session: Session, connection_id: UUID) -> None:
    """End the rest of a connection, whatever it is for."""
    await session.execute(_RESUME, {"id": connection_id})


async def list_pressing(session: Session, bulk: Collection[Seen], ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """The connections and numbers of ``bulk`` where answers other than ``ids`` wait for their turn."""
    wanted = {
        "connection_ids": list({each.connection_id for each in bulk}),
        "ids": list(ids),
        "since": now - _ANSWERS_SINCE,
        "until": now + _ANSWERS_WITHIN,
    }
    rows = await session.execute(_PRESSING, wanted)
    return {key for row in rows for key in (row.connection_id, row.number_id)}
