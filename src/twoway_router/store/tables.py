"""Tables that belong to no feature: outbox, change feed, idempotency, heartbeats, schema level, audit log."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base


class Outbox(Base):
    """What must follow a commit. The relay publishes rows and deletes them; the embedded transport consumes them in place.

    ``lane`` (0–1023) is a hash of who must stay in order; the shard is ``lane % shards``.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job: Mapped[str]
    lane: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    ids: Mapped[list[UUID]]
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    leased_until: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
    reason: Mapped[str | None]

    __table_args__ = (
        Index(
            "ix_outbox_due", "available_at", "id", postgresql_where=sql("dead_at IS NULL AND job <> 'sms.deliver_bulk'")
        ),
        Index(
            "ix_outbox_bulk", "available_at", "id", postgresql_where=sql("dead_at IS NULL AND job = 'sms.deliver_bulk'")
        ),
        Index("ix_outbox_dead", "dead_at", postgresql_where=sql("dead_at IS NOT NULL")),
        {
            "postgresql_with": {
                "fillfactor": "70",
                "autovacuum_vacuum_scale_factor": "0.01",
                "autovacuum_vacuum_threshold": "500",
            }
        },
    )


class ChangeCounter(Base):
    """One row. Its row lock is held until commit, so sequence order is commit order and has no gaps."""

    __tablename__ = "change_counter"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)


class Changes(Base):
    """What changed in what the ingress caches. ``kind``: keyword, number, connection, tenant."""

    __tablename__ = "changes"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Heartbeats(Base):
    """One row per running process: which versions run, and which code levels before a contracting migration."""

    __tablename__ = "heartbeats"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str]
    host: Mapped[str]
    version: Mapped[str]
    code_level: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class SchemaLevel(Base):
    """One row: the level of the schema and the lowest code level that may still run on it."""

    __tablename__ = "schema_level"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    level: Mapped[int]
    min_code_level: Mapped[int]


class AuditLog(Base):
    """Who did what to what, and when. Without an actor's tenant it was an operator.

    Rows are only ever added: a trigger refuses everything else (migration 0001).
    """

    __tablename__ = "audit_log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    subject_id: Mapped[UUID]
    tenant_id: Mapped[UUID | None]
    actor_key_id: Mapped[UUID | None]
    actor_tenant_id: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
    created_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_audit_log_subject_id_id", "subject_id", "id"),
        Index("ix_audit_log_tenant_id_id", "tenant_id", "id"),
    )
