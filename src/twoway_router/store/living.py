"""Which processes live, known by a lock that PostgreSQL frees when one dies. Held by ``listen``, asked by the scheduler.

A claim names its process by number. Without this, what a killed process had claimed would wait for the end of its lease.
"""

from collections.abc import Mapping, Sequence
from secrets import randbelow
from typing import Final

from sqlalchemy import text

from twoway_router.store.transaction import Session

_LOCKS: Final = 7301
"""The first half of the advisory locks' key: it tells them from other locks in the database."""

QUICK_KEEP_ALIVE: Final[Mapping[str, str]] = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "2",
}
"""So that PostgreSQL notices a lost host in four seconds: nobody closes its connections."""


def new_process_number() -> int:
    """A number for this process, positive and 31 bits long. Two processes that share one would only hide each other's end."""
    return 1 + randbelow(2**31 - 1)


def show(process_number: int) -> str:
    """The statement that takes the lock for as long as its connection lasts. Shared, so that a new connection never waits."""
    return f"SELECT pg_advisory_lock_shared({_LOCKS}, {int(process_number)})"


async def find_dead(session: Session, claims: Sequence[str]) -> Sequence[int]:
    """Processes that hold claims and no lock. ``claims`` are SELECTs of the process numbers of open claims."""
    dead = text(
        f"SELECT DISTINCT claimed_by FROM ({' UNION ALL '.join(claims)}) AS held (claimed_by)"
        " WHERE claimed_by IS NOT NULL AND claimed_by NOT IN ("
        "SELECT CAST(CAST(objid AS bigint) AS integer) FROM pg_locks"
        f" WHERE locktype = 'advisory' AND classid = {_LOCKS} AND objsubid = 2"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return list(await session.scalars(dead))
