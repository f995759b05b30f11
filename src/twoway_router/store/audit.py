"""The audit log: who did what to what, and when. Written by services in the transaction of the change; rows never change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import insert, select, text

from twoway_router.domain.ids import new_id
from twoway_router.store.tables import AuditLog
from twoway_router.store.transaction import Session

_RECORD_MANY = text(
    "INSERT INTO audit_log (id, action, subject_id, tenant_id, actor_key_id, actor_tenant_id, details, created_at)"
    " SELECT entry.id, :action, entry.subject_id, entry.tenant_id, :actor_key_id, :actor_tenant_id,"
    " CAST(entry.details AS jsonb), :created_at"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:subject_ids AS uuid[]), CAST(:tenant_ids AS uuid[]),"
    " CAST(:details AS text[])) AS entry (id, subject_id, tenant_id, details)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who acts: the API key and its tenant. No tenant is an operator; no key is the router itself or its command line."""

    key_id: UUID | None = None
    tenant_id: UUID | None = None


SYSTEM = Actor()


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One action on one subject. ``tenant_id`` is the tenant that may read of it."""

    subject_id: UUID
    tenant_id: UUID | None
    details: Mapping[str, Any]


async def record(
    session: Session,
    action: str,
    subject_id: UUID,
    *,
    by: Actor,
    now: datetime,
    tenant_id: UUID | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note one action, such as ``keyword.suspended``. ``details`` hold no texts of messages and no phone numbers."""
    await session.execute(
        insert(AuditLog).values(
            id=new_id(),
            action=action,
            subject_id=subject_id,
            tenant_id=tenant_id,
            actor_key_id=by.key_id,
            actor_tenant_id=by.tenant_id,
            details=dict(details or {}),
            created_at=now,
        )
    )


async def record_all(session: Session, action: str, entries: Sequence[Entry], *, by: Actor, now: datetime) -> None:
    """Note the same action on many subjects in one statement."""
    if entries:
        columns = {
            "ids": [new_id() for _ in entries],
            "subject_ids": [entry.subject_id for entry in entries],
            "tenant_ids": [entry.tenant_id for entry in entries],
            "details": [orjson.dumps(dict(entry.details)).decode() for entry in entries],
        }
        actor = {"actor_key_id": by.key_id, "actor_tenant_id": by.tenant_id}
        await session.execute(_RECORD_MANY, {"action": action, "created_at": now, **actor, **columns})


async def list_entries(session: Session, subject_id: UUID, *, after: UUID | None, limit: int) -> Sequence[AuditLog]:
    """What was done to a subject, newest first."""
    wanted = select(AuditLog).where(AuditLog.subject_id == subject_id).order_by(AuditLog.id.desc()).limit(limit)
    return (await session.scalars(wanted if after is None else wanted.where(AuditLog.id < after))).all()


@dataclass(frozen=True, kw_only=True, slots=True)
class LogFilter:
    """Which entries to list. ``created_after`` is inclusive, ``created_before`` exclusive."""

    tenant_id: UUID | None = None
    subject_id: UUID | None = None
    action: str | None = None
    actor_key_id: UUID | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


async def list_log(session: Session, where: LogFilter, *, after: UUID | None, limit: int) -> Sequence[AuditLog]:
    """All entries, or those that a tenant may read, newest first."""
    wanted = select(AuditLog).order_by(AuditLog.id.desc()).limit(limit)
    for name in ("tenant_id", "subject_id", "action", "actor_key_id"):
        if (value := getattr(where, name)) is not None:
            wanted = wanted.where(getattr(AuditLog, name) == value)
    if where.created_after is not None:
        wanted = wanted.where(AuditLog.created_at >= where.created_after)
    if where.created_before is not None:
        wanted = wanted.where(AuditLog.created_at < where.created_before)
    return (await session.scalars(wanted if after is None else wanted.where(AuditLog.id < after))).all()
