"""Versions of the rules: what was held after each set of changes. Written by ``service``."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, Integer, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class RuleVersions(Base):
    """Which revision and state every keyword of some tenants had on some numbers. Without ``tenant_id`` it is the operators'.

    ``origin``: ``applied`` from a file, ``restored`` from an earlier version, or ``found``: as other changes had left the
    keywords before one of these. The three arrays have one entry for each keyword, by the order of ids.
    """

    __tablename__ = "rule_versions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None]
    version: Mapped[int]
    origin: Mapped[str]
    source_digest: Mapped[str | None]
    restores: Mapped[int | None]
    created: Mapped[int]
    changed: Mapped[int]
    released: Mapped[int]
    number_ids: Mapped[list[UUID]]
    tenant_ids: Mapped[list[UUID]]
    keyword_ids: Mapped[list[UUID]] = mapped_column(deferred=True)
    revisions: Mapped[list[int]] = mapped_column(ARRAY(Integer), deferred=True)
    states: Mapped[list[str]] = mapped_column(deferred=True)
    keywords: Mapped[int]
    actor_key_id: Mapped[UUID | None]
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("origin", "applied", "restored", "found"),
        UniqueConstraint("tenant_id", "version"),
        Index("ix_rule_versions_operators", "version", unique=True, postgresql_where=sql("tenant_id IS NULL")),
    )
