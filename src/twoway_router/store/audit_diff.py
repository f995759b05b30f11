"""What a change did to a row, for the audit log: its columns before and after, without secrets. Called by ``web.audit``.

The row is locked before it is read, so that what is noted is what this transaction changed.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text

from twoway_router.store.transaction import Session

Subject = Literal["tenants", "api_keys", "connections", "numbers", "webhook_endpoints", "coupon_codes"]

_LEFT_OUT: Final = frozenset({"id", "revision", "created_at", "updated_at", "last_used_at"})
_SECRET: Final[Mapping[Subject, frozenset[str]]] = {
    "tenants": frozenset(),
    "api_keys": frozenset({"secret_hash"}),
    "connections": frozenset({"secrets"}),
    "numbers": frozenset(),
    "webhook_endpoints": frozenset({"secrets"}),
    "coupon_codes": frozenset({"code", "code_key", "sender"}),
}
_OWNED: Final = frozenset({"api_keys", "webhook_endpoints", "coupon_codes"})
"""Whose changes their tenant may read; changes of the others are for operators only."""

_FACTS: Final = {
    subject: text(f"SELECT to_jsonb(subject) AS facts FROM {subject} AS subject WHERE id = :id FOR UPDATE")
    for subject in _SECRET
}

Facts = Mapping[str, Any]


async def read_facts(session: Session, subject: Subject, subject_id: UUID) -> Facts:
    """A row's columns without the secret ones; empty when there is no such row."""
    found = await session.scalar(_FACTS[subject], {"id": subject_id})
    hidden = _LEFT_OUT | _SECRET[subject]
    return {name: value for name, value in (found or {}).items() if name not in hidden}


def owner_of(subject: Subject, facts: Facts) -> UUID | None:
    """The tenant that may read of it."""
    owner = facts.get("tenant_id") if subject in _OWNED else None
    return UUID(str(owner)) if owner else None


def difference(before: Facts, after: Facts) -> dict[str, dict[str, Any]]:
    """The columns that differ, as they were and as they are; of a new row those that have a value."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    sides = {"before": before, "after": after}
    return {side: {name: facts[name] for name in names if name in facts} for side, facts in sides.items() if facts}
