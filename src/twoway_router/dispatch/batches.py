"""Puts outbox rows of one kind and shard together, so that a job carries many ids. Used by relay and embedded transport."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from twoway_router.dispatch.jobs import shard_of
from twoway_router.dispatch.queries import OutboxRow


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Rows that travel as one job, oldest first."""

    job: str
    shard: int
    attempt: int
    rows: tuple[OutboxRow, ...]

    @property
    def ids(self) -> tuple[UUID, ...]:
        """The ids of all rows, in order."""
        return tuple(entry for row in self.rows for entry in row.ids)

    @property
    def row_ids(self) -> list[int]:
        """The outbox's own ids."""
        return [row.id for row in self.rows]


def form_batches(rows: Sequence[OutboxRow], *, shards: int, batch_size: int) -> Sequence[Batch]:
    """Keeps the rows' order within each (job, shard). Rows that failed before travel apart from fresh ones.

    A batch has at most ``batch_size`` ids, unless a single row already has more.
    """
    groups: dict[tuple[str, int, int], list[OutboxRow]] = {}
    for row in rows:
        groups.setdefault((row.job, shard_of(row.job, row.lane, shards), row.attempts), []).append(row)
    return [
        Batch(job=job, shard=shard, attempt=attempt, rows=part)
        for (job, shard, attempt), group in groups.items()
        for part in _split(group, batch_size)
    ]


def _split(rows: Sequence[OutboxRow], batch_size: int) -> Iterator[tuple[OutboxRow, ...]]:
    part: list[OutboxRow] = []
    count = 0
    for row in rows:
        if part and count + len(row.ids) > batch_size:
            yield tuple(part)
            part, count = [], 0
        part.append(row)
        count += len(row.ids)
    if part:
        yield tuple(part)
