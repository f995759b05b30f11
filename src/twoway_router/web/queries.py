"""SQL of the stored answers to POSTs. Called by ``web.idempotency``; the scheduler deletes old ones."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from twoway_router.store import Session
from twoway_router.web.tables import IdempotencyKeys

_OLD_KEYS = text(
    "DELETE FROM idempotency_keys WHERE (owner, key) IN"
    " (SELECT owner, key FROM idempotency_keys WHERE created_at < :before LIMIT :limit FOR UPDATE SKIP LOCKED)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAnswer:
    """What a POST was answered. ``sealed_body`` is encrypted: it may hold a secret that is shown only once."""

    request_hash: bytes
    status: int
    headers: dict[str, str]
    sealed_body: bytes


async def has_lock(session: Session, owner: str, key: str) -> bool:
    """Take the key for this transaction; False while another request holds it."""
    # An advisory lock, because the row that could be locked is written only with the answer.
    number = int.from_bytes(blake2b(f"{owner}\n{key}".encode(), digest_size=8).digest(), "big", signed=True)
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(number))))


async def find_answer(session: Session, owner: str, key: str, *, since: datetime) -> StoredAnswer | None:
    """The answer already given under this key, unless it is too old."""
    found = (
        await session.execute(
            select(
                IdempotencyKeys.request_hash, IdempotencyKeys.status, IdempotencyKeys.headers, IdempotencyKeys.body
            ).where(IdempotencyKeys.owner == owner, IdempotencyKeys.key == key, IdempotencyKeys.created_at > since)
        )
    ).one_or_none()
    if found is None:
        return None
    return StoredAnswer(
        request_hash=found.request_hash, status=found.status, headers=found.headers, sealed_body=found.body
    )


async def keep_answer(session: Session, owner: str, key: str, answer: StoredAnswer, now: datetime) -> None:
    """Store an answer; one that is too old is written over."""
    values = {
        "request_hash": answer.request_hash,
        "status": answer.status,
        "headers": answer.headers,
        "body": answer.sealed_body,
        "created_at": now,
    }
    added = insert(IdempotencyKeys).values(owner=owner, key=key, **values)
    await session.execute(added.on_conflict_do_update(index_elements=["owner", "key"], set_=values))


async def forget_keys(session: Session, before: datetime, limit: int) -> None:
    """Delete keys that are older than their answers are kept."""
    await session.execute(_OLD_KEYS, {"before": before, "limit": limit})
