"""Tenants and the API keys of tenants and operators."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class Tenants(Base):
    """A customer of the router."""

    __tablename__ = "tenants"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(server_default="active")
    contact_email: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (one_of("state", "active", "suspended"),)


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

    __table_args__ = (one_of("mode", "live", "test"), Index("ix_api_keys_tenant_id_id", "tenant_id", "id"))
