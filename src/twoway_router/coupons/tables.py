"""Coupon pools and their codes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, Index, SmallInteger, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.domain.causes import CauseKind
from twoway_router.store.base import CAUSE_KINDS, Base, one_of


class CouponPools(Base):
    """Codes for one purpose: uploaded by the tenant, or generated when they are issued (up to ``code_limit``)."""

    __tablename__ = "coupon_pools"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str]
    source: Mapped[str]
    is_one_per_sender: Mapped[bool] = mapped_column(Boolean)
    code_prefix: Mapped[str] = mapped_column(server_default="")
    code_limit: Mapped[int | None]
    issued_count: Mapped[int] = mapped_column(server_default="0")
    valid_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("source", "uploaded", "generated"),
        Index("uq_coupon_pools_tenant_id_name", "tenant_id", "name", unique=True),
    )


class CouponCodes(Base):
    """One code: free → issued → redeemed, or void. ``code_key`` is the code without case and separators.

    The effect's key has no generation: a replay of its cause gets the same code again.
    """

    __tablename__ = "coupon_codes"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    pool_id: Mapped[UUID] = mapped_column(ForeignKey("coupon_pools.id"))
    code: Mapped[str]
    code_key: Mapped[str]
    state: Mapped[str]
    is_once: Mapped[bool] = mapped_column(Boolean, server_default=sql("false"))
    sender: Mapped[str | None]
    cause_id: Mapped[UUID | None]
    cause_kind: Mapped[str | None]
    ordinal: Mapped[int | None] = mapped_column(SmallInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    issued_at: Mapped[datetime | None]
    redeemed_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]

    @property
    def inbound_message_id(self) -> UUID | None:
        """The MO that it was issued for, if one was."""
        return self.cause_id if self.cause_kind == CauseKind.INBOUND_MESSAGE else None

    __table_args__ = (
        one_of("cause_kind", *CAUSE_KINDS),
        one_of("state", "free", "issued", "redeemed", "void"),
        Index("uq_coupon_codes_tenant_id_code_key", "tenant_id", "code_key", unique=True),
        Index(
            "uq_coupon_codes_pool_id_sender",
            "pool_id",
            "sender",
            unique=True,
            postgresql_where=sql("is_once AND sender IS NOT NULL"),
        ),
        Index(
            "uq_coupon_codes_effect",
            "cause_id",
            "ordinal",
            "pool_id",
            unique=True,
            postgresql_where=sql("cause_id IS NOT NULL"),
        ),
        Index("ix_coupon_codes_free", "pool_id", "id", postgresql_where=sql("state = 'free'")),
        Index("ix_coupon_codes_pool_id_id", "pool_id", "id"),
    )
