"""Tenants and the API keys of tenants and operators."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class Tenants(Base):
    """A customer of the router, or (``sandbox_of``) the twin of one, in which its test keys work."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    sandbox_of: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    state: Mapped[str] = mapped_column(server_default="active")
    contact_email: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("state", "active", "suspended"),
        Index("uq_tenants_name", "name", unique=True, postgresql_where=sql("sandbox_of IS NULL")),
        Index("uq_tenants_sandbox_of", "sandbox_of", unique=True),
    )


class ApiKeys(Base):
    """A key ``twr_<mode>_<kid>_<secret>``; only the SHA-256 of its secret is kept. No tenant means operator."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None] = mapped_column(ForeignKey("tenants.id"))
    kid: Mapped[str] = mapped_column(unique=True)
    mode: Mapped[str]
    name: Mapped[str]
    secret_hash: Mapped[bytes]
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("mode", "live", "test"),
        CheckConstraint("mode = 'live' OR tenant_id IS NOT NULL", name="test_keys_have_a_tenant"),
        Index("ix_api_keys_tenant_id_id", "tenant_id", "id"),
    )
