"""Statements on the outbox: what the relay takes, what the embedded transport claims and settles, what is dead.

Everything goes by state and ``SKIP LOCKED``, never by a cursor over the sequence: sequence order is not commit order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from twoway_router.dispatch.jobs import BULK
from twoway_router.store.outbox import CHANNEL
from twoway_router.store.transaction import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxRow:
    """One row of the outbox. ``attempts`` counts the claims, this one included."""

    id: int
    job: str
    lane: int
    ids: tuple[UUID, ...]
    attempts: int
    available_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadRow:
    """A row that was given up."""

    id: int
    job: str
    lane: int
    ids: tuple[UUID, ...]
    attempts: int
    dead_at: datetime
    reason: str


_DUE: Final = "dead_at IS NULL AND available_at <= now() AND (leased_until IS NULL OR leased_until <= now())"
_NEXT: Final = "ORDER BY available_at, id LIMIT"
"""In the order of its index: sorting by id would read the whole backlog every turn."""
_TAKE_DUE: Final = text(
    f"""
    WITH first AS MATERIALIZED (
        SELECT id, job, lane, ids, attempts, available_at FROM outbox
        WHERE {_DUE} AND job <> '{BULK}' {_NEXT} :limit FOR UPDATE SKIP LOCKED
    ), bulk AS MATERIALIZED (
        SELECT id, job, lane, ids, attempts, available_at FROM outbox
        WHERE {_DUE} AND job = '{BULK}' {_NEXT} CAST(:limit AS bigint) - (SELECT count(*) FROM first)
        FOR UPDATE SKIP LOCKED
    )
    SELECT * FROM first UNION ALL SELECT * FROM bulk
    """
)
"""Two parts with an index each, so that a backlog of bulk is never read when answers are due."""
_DELETE: Final = text("DELETE FROM outbox WHERE id = ANY(CAST(:row_ids AS bigint[]))")
_POSTPONE: Final = text(
    "UPDATE outbox SET available_at = now() + CAST(:delay AS interval), attempts = least(attempts + 1, 32000)"
    " WHERE id = ANY(CAST(:row_ids AS bigint[]))"
)
_CLAIM: Final = text(
    f"""
    WITH first AS MATERIALIZED (
        SELECT id FROM outbox WHERE {_DUE} AND job <> '{BULK}' AND job = ANY(CAST(:jobs AS text[]))
        {_NEXT} :limit FOR UPDATE SKIP LOCKED
    ), bulk AS MATERIALIZED (
        SELECT id FROM outbox WHERE {_DUE} AND job = '{BULK}' AND job = ANY(CAST(:jobs AS text[]))
        {_NEXT} CAST(:limit AS bigint) - (SELECT count(*) FROM first) FOR UPDATE SKIP LOCKED
    )
    UPDATE outbox SET leased_until = now() + CAST(:lease AS interval), attempts = least(attempts + 1, 32000)
    FROM (SELECT id FROM first UNION ALL SELECT id FROM bulk) AS due WHERE outbox.id = due.id
    RETURNING outbox.id, outbox.job, outbox.lane, outbox.ids, outbox.attempts, outbox.available_at
    """
)
"""MATERIALIZED: joined into the update, the subquery could run once per row and lease more than the limit. Attempts are
counted here, at the claim, so that a job that kills its process is given up after so many claims too."""
_EXTEND: Final = text(
    "UPDATE outbox SET leased_until = now() + CAST(:lease AS interval) WHERE id IN"
    " (SELECT id FROM outbox WHERE id = ANY(CAST(:row_ids AS bigint[])) FOR UPDATE SKIP LOCKED)"
)
_MINE: Final = (
    " FROM unnest(CAST(:row_ids AS bigint[]), CAST(:attempts AS integer[])) AS mine (id, attempts)"
    " WHERE outbox.id = mine.id AND outbox.attempts = mine.attempts"
)
"""A row's number of attempts changes with every claim: whoever lost a row to another claim no longer matches it."""
_RETRY: Final = text(
    "UPDATE outbox SET available_at = now() + CAST(:delay AS interval), leased_until = NULL, reason = :reason" + _MINE
)
_BURY: Final = text("UPDATE outbox SET dead_at = now(), leased_until = NULL, reason = :reason" + _MINE)
_GIVE_BACK: Final = text("UPDATE outbox SET leased_until = NULL, attempts = greatest(outbox.attempts - 1, 0)" + _MINE)
_INSERT: Final = text(
    "INSERT INTO outbox (job, lane, ids, attempts) VALUES (:job, :lane, CAST(:ids AS uuid[]), :attempts)"
)
_NOTIFY: Final = text(f"SELECT pg_notify('{CHANNEL}', '')")
_OLDEST_DEAD: Final = (
    "SELECT id, job, lane, ids, attempts, dead_at, coalesce(reason, '') AS reason FROM outbox"
    " WHERE dead_at IS NOT NULL ORDER BY dead_at, id LIMIT :limit"
)
_LIST_DEAD: Final = text(_OLDEST_DEAD)
_TAKE_DEAD: Final = text(f"{_OLDEST_DEAD} FOR UPDATE SKIP LOCKED")
_TOUCH_DEAD: Final = text("UPDATE outbox SET dead_at = now() WHERE id = :row_id")
_REQUEUE_DEAD: Final = text(
    "UPDATE outbox SET dead_at = NULL, reason = NULL, attempts = 0, leased_until = NULL, available_at = now()"
    " WHERE id IN (SELECT id FROM outbox WHERE dead_at IS NOT NULL ORDER BY dead_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)"
    " RETURNING id"
)


async def take_due(session: Session, limit: int) -> Sequence[OutboxRow]:
    """The rows due longest, by id, locked until the transaction ends; rows that another relay holds are passed over.

    Bulk comes last, and only as far as the others leave room.
    """
    found = await session.execute(_TAKE_DUE, {"limit": limit})
    return sorted((_outbox_row(row) for row in found), key=lambda row: (row.job == BULK, row.id))


async def delete_rows(session: Session, row_ids: Sequence[int]) -> None:
    """Published or done."""
    if row_ids:
        await session.execute(_DELETE, {"row_ids": list(row_ids)})


async def postpone_rows(session: Session, row_ids: Sequence[int], delay: timedelta) -> None:
    """Out of the way of those behind them, for a while."""
    if row_ids:
        await session.execute(_POSTPONE, {"row_ids": list(row_ids), "delay": delay})


async def claim_rows(session: Session, jobs: Sequence[str], lease: timedelta, limit: int) -> Sequence[OutboxRow]:
    """The rows of these kinds due longest, by id, leased: they go to another claim when the lease ends unrenewed."""
    found = await session.execute(_CLAIM, {"jobs": list(jobs), "lease": lease, "limit": limit})
    return sorted((_outbox_row(row) for row in found), key=lambda row: row.id)


async def extend_leases(session: Session, row_ids: Sequence[int], lease: timedelta) -> None:
    """Renew the leases of rows at work. Rows that are being settled now are skipped: the two would deadlock."""
    await session.execute(_EXTEND, {"row_ids": list(row_ids), "lease": lease})


async def retry_rows(session: Session, rows: Sequence[OutboxRow], delay: timedelta, reason: str) -> None:
    """Due again after ``delay``, unless someone else has claimed them since."""
    await session.execute(_RETRY, {**_mine(rows), "delay": delay, "reason": reason})


async def bury_rows(session: Session, rows: Sequence[OutboxRow], reason: str) -> None:
    """Dead, with the reason, unless someone else has claimed them since."""
    await session.execute(_BURY, {**_mine(rows), "reason": reason})


async def give_back_rows(session: Session, rows: Sequence[OutboxRow]) -> None:
    """Claimed but not begun: due at once, and the claim does not count as a try."""
    await session.execute(_GIVE_BACK, _mine(rows))
    await session.execute(_NOTIFY)


async def insert_rows(session: Session, rows: Sequence[tuple[str, int, Sequence[UUID], int]]) -> None:
    """New rows of (job, lane, ids, tries already made)."""
    values = [{"job": job, "lane": lane, "ids": list(ids), "attempts": tries} for job, lane, ids, tries in rows]
    await session.execute(_INSERT, values)
    await session.execute(_NOTIFY)


async def list_dead_rows(session: Session, limit: int) -> Sequence[DeadRow]:
    """Dead rows, oldest first."""
    return [_dead_row(row) for row in await session.execute(_LIST_DEAD, {"limit": limit})]


async def take_dead_rows(session: Session, limit: int) -> Sequence[DeadRow]:
    """Dead rows, oldest first, locked until the transaction ends."""
    return [_dead_row(row) for row in await session.execute(_TAKE_DEAD, {"limit": limit})]


async def put_dead_row_last(session: Session, row_id: int) -> None:
    """Put a dead row whose handler failed behind the others."""
    await session.execute(_TOUCH_DEAD, {"row_id": row_id})


async def requeue_dead_rows(session: Session, limit: int) -> int:
    """Dead rows back to work, as if they had never been tried; how many."""
    requeued = (await session.execute(_REQUEUE_DEAD, {"limit": limit})).all()
    await session.execute(_NOTIFY)
    return len(requeued)


def _outbox_row(row: Row[Any]) -> OutboxRow:
    return OutboxRow(
        id=row.id, job=row.job, lane=row.lane, ids=tuple(row.ids), attempts=row.attempts, available_at=row.available_at
    )


def _dead_row(row: Row[Any]) -> DeadRow:
    return DeadRow(**{**row._asdict(), "ids": tuple(row.ids)})


def _mine(rows: Sequence[OutboxRow]) -> dict[str, list[int]]:
    return {"row_ids": [row.id for row in rows], "attempts": [row.attempts for row in rows]}
