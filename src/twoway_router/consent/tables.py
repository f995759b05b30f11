"""Who must not be written to. Read by ``messages`` when an MT is planned and again when it is claimed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class Suppressions(Base):
    """What a recipient on a number has stopped: everything on it (no tenant), or one tenant.

    The most particular row counts. ``restored`` is a tenant's exception to what is stopped for the whole number: START
    with its keyword after a bare STOP. A new bare STOP removes the exceptions, a START the rows that it lifts.
    """

    __tablename__ = "suppressions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number_id: Mapped[UUID]
    msisdn: Mapped[str]
    tenant_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(server_default="stopped")
    reason: Mapped[str]
    inbound_message_id: Mapped[UUID | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        one_of("state", "stopped", "restored"),
        Index(
            "uq_suppressions_scope",
            "number_id",
            "msisdn",
            "tenant_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
