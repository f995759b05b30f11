"""Which processes run: one row per process, renewed while it runs. Written by ``processes``, read by ``management``."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select, text

from twoway_router.store.tables import Heartbeats
from twoway_router.store.transaction import Session

BEAT_EVERY: Final = timedelta(seconds=10)
LOST_AFTER: Final = timedelta(seconds=45)
"""After so long without a beat a process counts as dead, or as cut off from the database."""

_BEAT: Final = text(
    "INSERT INTO heartbeats (id, role, host, version, code_level, started_at, seen_at)"
    " VALUES (:id, :role, :host, :version, :code_level, :started_at, :now)"
    " ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
)

_LITTLE_MEMORY: Final = text("SET LOCAL work_mem = '64kB'")
# 3,000 numbers in a random order take about 100 kB and two milliseconds. No table grows by it, as one with a row to try would.
_SPILL: Final = text(
    "SELECT max(number) FROM (SELECT number FROM generate_series(1, 3000) AS number ORDER BY hashint4(number)) AS sorted"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """What a process says of itself."""

    id: UUID
    role: str
    host: str
    version: str
    code_level: int
    started_at: datetime


async def beat(session: Session, presence: Presence, now: datetime) -> None:
    """Say that a process lives."""
    await session.execute(_BEAT, {**asdict(presence), "now": now})


async def try_disk(session: Session) -> None:
    """Prove that there is room on the server's disk: a sort that does not fit into its memory writes a file, and removes it."""
    await session.execute(_LITTLE_MEMORY)
    await session.execute(_SPILL)


async def leave(session: Session, process_id: UUID) -> None:
    """Say that a process has ended as it should."""
    await session.execute(delete(Heartbeats).where(Heartbeats.id == process_id))


async def list_processes(session: Session, *, after: UUID | None, limit: int) -> Sequence[Heartbeats]:
    """The living and the lately lost, newest first."""
    wanted = select(Heartbeats).order_by(Heartbeats.id.desc()).limit(limit)
    return (await session.scalars(wanted if after is None else wanted.where(Heartbeats.id < after))).all()


async def forget_lost(session: Session, before: datetime) -> None:
    """Delete processes that were last seen before a time."""
    await session.execute(delete(Heartbeats).where(Heartbeats.seen_at < before))
