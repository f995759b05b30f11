"""The change feed: what the ingress caches and must reload. Written by services, read by ``store.follower``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from twoway_router.store.transaction import Session

CHANNEL = "twr_changes"

ChangeKind = Literal["keyword", "number", "connection", "tenant"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One entry of the feed. Sequences have no gaps and follow commit order."""

    sequence: int
    kind: ChangeKind
    subject_id: UUID


_RECORD = text(
    "WITH step AS (UPDATE change_counter SET sequence = sequence + 1 WHERE id = 1 RETURNING sequence),"
    " added AS (INSERT INTO changes (sequence, kind, subject_id) SELECT sequence, :kind, :subject_id FROM step)"
    " SELECT sequence, pg_notify(:channel, '') FROM step"
)
"""One statement, so that the counter's row lock is taken, the entry written and the followers notified in one round trip.
The lock is held until commit: sequences follow the order of commits, which a PostgreSQL sequence does not promise."""
_RECORD_ALL = text(
    "WITH step AS (UPDATE change_counter SET sequence = sequence + cardinality(CAST(:ids AS uuid[])) WHERE id = 1"
    " RETURNING sequence - cardinality(CAST(:ids AS uuid[])) AS before),"
    " added AS (INSERT INTO changes (sequence, kind, subject_id) SELECT step.before + entry.place, :kind, entry.id"
    " FROM step, unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS entry (id, place))"
    " SELECT pg_notify(:channel, '') FROM step"
)
_SINCE = text("SELECT sequence, kind, subject_id FROM changes WHERE sequence > :after ORDER BY sequence LIMIT :limit")
_NEWEST = text("SELECT sequence FROM change_counter WHERE id = 1")


async def record(session: Session, kind: ChangeKind, subject_id: UUID) -> int:
    """Add an entry and return its sequence. Holds the counter's row lock until commit: call it late."""
    result = await session.execute(_RECORD, {"kind": kind, "subject_id": subject_id, "channel": CHANNEL})
    return int(result.scalar_one())


async def record_all(session: Session, kind: ChangeKind, subject_ids: Sequence[UUID]) -> None:
    """Add an entry for each subject in one statement, under the same lock."""
    if subject_ids:
        await session.execute(_RECORD_ALL, {"ids": list(subject_ids), "kind": kind, "channel": CHANNEL})


async def newest(session: Session) -> int:
    """The sequence of the newest committed change."""
    return int((await session.execute(_NEWEST)).scalar_one())


async def list_since(session: Session, after: int, *, limit: int = 1000) -> Sequence[Change]:
    """Changes after a sequence, oldest first."""
    rows = await session.execute(_SINCE, {"after": after, "limit": limit})
    return [Change(sequence=row.sequence, kind=row.kind, subject_id=row.subject_id) for row in rows]
