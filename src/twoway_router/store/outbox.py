"""Rows that must become jobs after this commit. Written by services in their own transaction, published by the relay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import text

from twoway_router.store.transaction import Session

CHANNEL = "twr_outbox"
"""The notification channel that wakes relay and embedded transport. A hint only: both poll behind it."""

LANES = 1024

_ADD = text(
    "WITH added AS ("
    " INSERT INTO outbox (job, lane, ids, available_at)"
    " SELECT :job, entry.lane, ARRAY[entry.id], coalesce(CAST(:at AS timestamptz), now())"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:lanes AS smallint[])) AS entry (id, lane))"
    " SELECT pg_notify(:channel, '')"
)

"""The notification is sent at commit, once for all of a transaction's, and costs no round trip of its own here."""


def jobs_of(rows: str, *, job: str, lane: str, available_at: str = "now()") -> str:
    """An INSERT of the jobs of rows with an ``id``, for statements that write rows and jobs in one round trip.

    A job holds all ids of a lane, in order. ``job``, ``lane`` and ``available_at`` are SQL over the rows.
    """
    return (
        "INSERT INTO outbox (job, lane, ids, available_at)"
        f" SELECT job, lane, array_agg(id ORDER BY id), available_at"
        f" FROM (SELECT id, {job} AS job, {lane} AS lane, {available_at} AS available_at FROM {rows}) AS written"
        " GROUP BY job, lane, available_at RETURNING 1"
    )


LANE_OF_ORDER_KEY = f"mod(mod(order_key, {LANES}) + {LANES}, {LANES})"
"""``lane_of`` in SQL. ``mod`` twice, because order keys may be negative and lanes may not."""

_ADD_LATER = text(
    "INSERT INTO outbox (job, lane, ids, available_at)"
    " SELECT :job, entry.lane, ARRAY[entry.id], entry.at"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:lanes AS smallint[]), CAST(:ats AS timestamptz[])) AS entry (id, lane, at)"
)

DUE = "count(*), min(available_at) FROM outbox WHERE dead_at IS NULL AND available_at <= :now"
"""How many rows are due, and since when the oldest: a part of the scheduler's statement."""

_COUNT = text(
    "SELECT job, count(*) FILTER (WHERE available_at <= now()) AS due,"
    " count(*) FILTER (WHERE available_at > now()) AS later, min(available_at) AS oldest_at"
    " FROM outbox WHERE dead_at IS NULL GROUP BY job ORDER BY job"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """How much of one kind of job is in the outbox: due now, and due later (retries)."""

    job: str
    due: int
    later: int
    oldest_at: datetime


def order_key(owner: UUID, address: str) -> int:
    """A signed 64-bit hash of who must stay in order: (tenant or number, the person's address)."""
    return int.from_bytes(blake2b(owner.bytes + address.encode(), digest_size=8).digest(), "big", signed=True)


def lane_of(key: int) -> int:
    """The lane (0–1023) of an order key; the shard is ``lane % shards``."""
    return key % LANES


async def add(
    session: Session, job: str, ids: Sequence[UUID], lanes: Sequence[int] | None = None, *, at: datetime | None = None
) -> None:
    """One row per id. ``lanes`` keeps entries of one person together; without it there is no order to keep."""
    if ids:
        await session.execute(
            _ADD, {"job": job, "ids": list(ids), "lanes": list(lanes or [0] * len(ids)), "at": at, "channel": CHANNEL}
        )


async def add_later(
    session: Session, job: str, ids: Sequence[UUID], lanes: Sequence[int], ats: Sequence[datetime]
) -> None:
    """One row per id, available at its own time: retries. No notification is sent."""
    if ids:
        await session.execute(_ADD_LATER, {"job": job, "ids": list(ids), "lanes": list(lanes), "ats": list(ats)})


async def count_waiting(session: Session) -> Sequence[Waiting]:
    """What the outbox holds, by kind of job."""
    return [Waiting(**row._asdict()) for row in await session.execute(_COUNT)]
