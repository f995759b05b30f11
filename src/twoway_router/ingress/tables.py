"""What the ingress keeps besides messages: parts of long ones, and what it could not understand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.store.base import Base, one_of


class MessageParts(Base):
    """A part of a long MO. ``waiting`` for the others; ``joined`` into a message; ``incomplete``: its message went without
    some; ``late``: it came after that. Rows stay for a while, so that a repeated part is known again.
    """

    __tablename__ = "message_parts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    carrier_message_id: Mapped[str]
    place: Mapped[int] = mapped_column(SmallInteger)
    total: Mapped[int] = mapped_column(SmallInteger)
    reference: Mapped[str]
    sender: Mapped[str]
    recipient: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    inbound_message_id: Mapped[UUID | None]
    body: Mapped[bytes]
    charset: Mapped[str]
    facts: Mapped[dict[str, Any]]
    received_at: Mapped[datetime] = mapped_column(index=True)
    due_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", "waiting", "joined", "incomplete", "late"),
        Index(
            "uq_message_parts_connection_id_carrier_message_id_place",
            "connection_id",
            "carrier_message_id",
            "place",
            unique=True,
        ),
        Index(
            "ix_message_parts_open",
            "connection_id",
            "sender",
            "recipient",
            "reference",
            "total",
            postgresql_where=sql("state <> 'joined'"),
        ),
        Index("ix_message_parts_due", "due_at", postgresql_where=sql("state = 'waiting'")),
    )


class QuarantinedRequests(Base):
    """A verified request that could not be understood, kept as it came. Headers are redacted."""

    __tablename__ = "quarantined_requests"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    kind: Mapped[str]
    reason: Mapped[str]
    method: Mapped[str]
    query: Mapped[str]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    received_at: Mapped[datetime]

    __table_args__ = (one_of("kind", "mo", "dlr"),)
