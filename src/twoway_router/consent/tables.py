"""Who must not be written to. Read when an MT is planned and again when it is claimed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.consent.rules import SuppressionState
from twoway_router.store.base import Base, one_of


class Suppressions(Base):
    """What a recipient on a number has stopped: everything on it (no tenant), or one tenant.

    A tenant's own row counts, else that of the whole number (``rules.may_send``). ``restored`` is a tenant's exception to
    what is stopped for the whole number: START with its keyword after a bare STOP. ``inbound_message_id`` is the newest
    MO that said so; none where a carrier did.
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
        one_of("state", *SuppressionState),
        Index(
            "uq_suppressions_scope",
            "number_id",
            "msisdn",
            "tenant_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
