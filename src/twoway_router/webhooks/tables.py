"""Tenants' webhook endpoints and what is delivered to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, func
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import CAUSE_KINDS, Base, Caused, one_of


class WebhookEndpoints(Base):
    """Where a tenant's events go. ``secrets`` is a sealed list, newest first; an older one signs too until it expires."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    url: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")
    event_types: Mapped[list[str]]
    secrets: Mapped[bytes]
    previous_secret_expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default="enabled")
    disabled_reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("state", "enabled", "disabled"),
        Index("ix_webhook_endpoints_tenant_id_id", "tenant_id", "id"),
    )


class WebhookDeliveries(Caused, Base):
    """One event for one endpoint. ``id`` is its ``webhook-id`` on every try; ``body`` is what is signed, byte for byte.

    ``inbound_message_id`` is the MO that it is about, also when its cause is an MT that answers it.
    """

    __tablename__ = "webhook_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    endpoint_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_endpoints.id"))
    event_type: Mapped[str]
    body: Mapped[str]
    inbound_message_id: Mapped[UUID | None]
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    claimed_by: Mapped[int | None]
    requeued_at: Mapped[datetime | None]
    last_status: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "pending", "claimed", "done", "failed"),
        one_of("cause_kind", *CAUSE_KINDS),
        Index("uq_webhook_deliveries_effect", "cause_id", "generation", "ordinal", "endpoint_id", unique=True),
        Index("ix_webhook_deliveries_due", "due_at", postgresql_where=sql("state = 'pending'")),
        Index("ix_webhook_deliveries_lease", "lease_until", postgresql_where=sql("state = 'claimed'")),
        Index("ix_webhook_deliveries_tenant_id_id", "tenant_id", "id"),
        Index("ix_webhook_deliveries_endpoint_id_id", "endpoint_id", "id"),
        {"postgresql_with": {"fillfactor": "80"}},
    )


class WebhookAttempts(Base):
    """One try of one delivery. ``response`` is the answer's body, capped."""

    __tablename__ = "webhook_attempts"

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("webhook_deliveries.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    tenant_id: Mapped[UUID]
    outcome: Mapped[str]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    reason: Mapped[str | None]
    response: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
