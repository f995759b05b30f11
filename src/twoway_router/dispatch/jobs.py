"""The kinds of jobs and how one is written on the wire: ``{"v":1,"job":…,"ids":[…]}``. Used by relay and transports.

PostgreSQL is the truth, so a job carries ids and nothing else; losing or doubling one changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import orjson

from twoway_router.domain.errors import RouterError

JOBS: Final[Mapping[str, bool]] = {
    "message.run": True,
    "sms.deliver": True,
    "sms.deliver_bulk": False,
    "webhook.deliver": False,
    "email.deliver": False,
    "sandbox.report": False,
}
"""Every kind of job, and whether its entries for one person must stay in order (then it has shards)."""

BULK: Final = "sms.deliver_bulk"
"""What is published, or taken from the outbox, only when nothing else is due."""

VERSION: Final = 1


class UnreadableJob(RouterError):
    """The body is not a job that this version understands."""

    code = "unreadable_job"


def shard_of(job: str, lane: int, shards: int) -> int:
    """The shard of an outbox lane. Jobs without order have only shard 0."""
    return lane % shards if JOBS.get(job, False) else 0


def write_job(job: str, ids: Sequence[UUID]) -> bytes:
    """The body of a broker message."""
    return orjson.dumps({"v": VERSION, "job": job, "ids": [str(entry) for entry in ids]})


def read_job(body: bytes) -> tuple[str, tuple[UUID, ...]]:
    """Kind and ids; raises UnreadableJob for a broken body, an unknown version or an unknown kind."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableJob("the body is not JSON") from error
    match content:
        case {"v": version} if version != VERSION:
            raise UnreadableJob(f"version {str(version)[:20]} is unknown")
        case {"v": int(), "job": str(job), "ids": list(ids)} if job in JOBS:
            try:
                return job, tuple(UUID(str(entry)) for entry in ids)
            except ValueError as error:
                raise UnreadableJob("an id is not a UUID") from error
        case {"v": int(), "job": str(job)} if job not in JOBS:
            raise UnreadableJob(f"the kind {job[:40]!r} is unknown")
        case _:
            raise UnreadableJob("the body lacks v, job or ids")
