"""Who must not be written to. Read by ``messages`` when an MT is planned and again when it is claimed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base


class Suppressions(Base):
    """A recipient who has opted out of a number: for every tenant on it, until an opt-in word removes the row."""

    __tablename__ = "suppressions"

    number_id: Mapped[UUID] = mapped_column(primary_key=True)
    msisdn: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    inbound_message_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
