"""What our broker messages say in their headers, and what the broker adds when it gives a message up."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from twoway_router.dispatch.jobs import UnreadableJob, read_job
from twoway_router.dispatch.port import DeadJob, Job

ATTEMPT: Final = "x-twr-attempt"
DUE: Final = "x-twr-due"
REASON: Final = "x-twr-reason"
DEAD_AT: Final = "x-twr-dead-at"
DEATHS: Final = "x-death"
REASON_LIMIT: Final = 200


def first_headers(attempt: int) -> dict[str, str | int]:
    """Of a job that is to be done as soon as possible."""
    return {ATTEMPT: attempt}


def retry_headers(attempt: int, due_at: datetime, reason: str) -> dict[str, str | int]:
    """Of a job that waits for its next try."""
    return {ATTEMPT: attempt, DUE: _write_time(due_at), REASON: reason[:REASON_LIMIT]}


def dead_headers(attempt: int, dead_at: datetime, reason: str) -> dict[str, str | int]:
    """Of a job that was given up."""
    return {ATTEMPT: attempt, DEAD_AT: _write_time(dead_at), REASON: reason[:REASON_LIMIT]}


def read_attempt(headers: Mapping[str, object]) -> int:
    """1 when the header is missing or foreign."""
    found = headers.get(ATTEMPT)
    return found if isinstance(found, int) and found > 0 else 1


def read_wait(headers: Mapping[str, object], now: datetime) -> timedelta:
    """How long the job must still wait; never negative."""
    due_at = _read_time(headers.get(DUE))
    return max(due_at - now, timedelta(0)) if due_at else timedelta(0)


def read_dead(body: bytes, routing_key: str, headers: Mapping[str, object]) -> DeadJob:
    """A message from the queue of the dead, whether we or the broker put it there."""
    deaths = headers.get(DEATHS)
    death: Mapping[str, object] = (
        deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}
    )
    dead_at = _read_time(headers.get(DEAD_AT))
    if dead_at is not None:
        reason = str(headers.get(REASON) or "")
    else:
        found = death.get("time")
        dead_at = found if isinstance(found, datetime) else None
        reason = f"given up by the broker: {death.get('reason') or 'unknown'}"
    try:
        name, ids = read_job(body)
    except UnreadableJob:
        return DeadJob(job=None, reason=reason, dead_at=dead_at)
    shard = routing_key.rpartition(".")[2]
    job = Job(job=name, ids=ids, shard=int(shard) if shard.isdecimal() else 0, attempt=read_attempt(headers))
    return DeadJob(job=job, reason=reason, dead_at=dead_at)


def _write_time(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _read_time(value: object) -> datetime | None:
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) else None
