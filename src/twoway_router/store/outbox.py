"""Rows that must become jobs after this commit. Written by services in their own transaction, published by the relay."""

from collections.abc import Sequence
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

_ADD_LATER = text(
    "INSERT INTO outbox (job, lane, ids, available_at)"
    " SELECT :job, entry.lane, ARRAY[entry.id], entry.at"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:lanes AS smallint[]), CAST(:ats AS timestamptz[])) AS entry (id, lane, at)"
)


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
    """One row per id, each available at a time of its own: retries. Nobody is woken."""
    if ids:
        await session.execute(_ADD_LATER, {"job": job, "ids": list(ids), "lanes": list(lanes), "ats": list(ats)})
