"""E-mails that actions asked for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import CAUSE_KINDS, Base, Caused, one_of


class EmailDeliveries(Caused, Base):
    """One e-mail. ``id`` makes its Message-ID, the same on every try."""

    __tablename__ = "email_deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    state: Mapped[str]
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    claimed_by: Mapped[int | None]
    requeued_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "pending", "claimed", "done", "failed"),
        one_of("cause_kind", *CAUSE_KINDS),
        Index("uq_email_deliveries_effect", "cause_id", "generation", "ordinal", "recipient", unique=True),
        Index("ix_email_deliveries_due", "due_at", postgresql_where=sql("state = 'pending'")),
        Index("ix_email_deliveries_lease", "lease_until", postgresql_where=sql("state = 'claimed'")),
        Index("ix_email_deliveries_tenant_id_id", "tenant_id", "id"),
    )
