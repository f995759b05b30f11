"""MTs, the tries to hand them over, and their receipts."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, SmallInteger
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from twoway_router.domain.causes import CauseKind
from twoway_router.domain.messages import MtState
from twoway_router.mts.rules import MtClass
from twoway_router.store.base import CAUSE_KINDS, Base, Caused, one_of

PLANNED: Final = f"state = '{MtState.PLANNED}'"
CLAIMED: Final = f"state = '{MtState.CLAIMED}'"
IN_ORDER: Final = f"state IN ('{MtState.PLANNED}', '{MtState.CLAIMED}') AND mt_class <> '{MtClass.BULK}'"
ANSWERS: Final = f"{PLANNED} AND mt_class <> '{MtClass.BULK}'"
"""What indexes hold, and statements ask for in the same words: only then a plan made on an empty table uses the index."""

_BUSY: dict[str, str] = {"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.02"}


class OutboundMessages(Caused, Base):
    """One MT in the ledger: planned → claimed → handed_over → confirmed | failed | unknown, or suppressed.

    ``id`` is also the reference that carriers get on every try. ``order_key`` is a hash of (tenant or number, recipient),
    ``first_due_at`` its place among the MTs of that person, which never changes. ``due_at`` is when the next try may begin,
    ``lease_until`` when a claim without a result lapses, ``claimed_by`` the number of the process that has it,
    ``spared`` how many tries do not count since our account was refused,
    ``decide_at`` when an unknown MT must be decided (NULL: nothing more will be known), ``requeued_at`` when a sweep last
    gave it a job.
    """

    __tablename__ = "outbound_messages"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID | None]
    number_id: Mapped[UUID]
    connection_id: Mapped[UUID]
    sender: Mapped[str]
    recipient: Mapped[str]
    text: Mapped[str]
    encoding: Mapped[str]
    segments: Mapped[int] = mapped_column(SmallInteger)
    origin: Mapped[str]
    state: Mapped[str]
    delivery_state: Mapped[str | None]
    policy: Mapped[str] = mapped_column(server_default="at_most_once")
    order_key: Mapped[int] = mapped_column(BigInteger)
    reply_token: Mapped[str | None]
    mt_class: Mapped[str] = mapped_column(server_default=MtClass.ANSWER.value)
    attempt: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    spared: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    first_due_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    claimed_by: Mapped[int | None]
    decide_at: Mapped[datetime | None]
    requeued_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    carrier_message_id: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    handed_over_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    @property
    def inbound_message_id(self) -> UUID | None:
        """The MO that caused it, if one did."""
        return self.cause_id if self.cause_kind == CauseKind.INBOUND_MESSAGE else None

    __table_args__ = (
        one_of("state", "planned", "claimed", "handed_over", "confirmed", "failed", "unknown", "suppressed"),
        one_of("delivery_state", "accepted", "delivered", "undelivered", "expired", "rejected", "unknown"),
        one_of("policy", "at_most_once", "at_least_once"),
        one_of("encoding", "gsm7", "ucs2"),
        one_of("cause_kind", *CAUSE_KINDS),
        Index("uq_outbound_messages_effect", "cause_id", "generation", "ordinal", unique=True),
        one_of("mt_class", "compliance", "answer", "service", "bulk"),
        Index("ix_outbound_messages_order", "order_key", "first_due_at", "id", postgresql_where=sql(IN_ORDER)),
        Index("ix_outbound_messages_due", "due_at", postgresql_where=sql(PLANNED)),
        Index("ix_outbound_messages_planned", "recipient", "number_id", postgresql_where=sql(PLANNED)),
        Index("ix_outbound_messages_answers", "connection_id", "due_at", postgresql_where=sql(ANSWERS)),
        Index("ix_outbound_messages_lease", "lease_until", postgresql_where=sql(CLAIMED)),
        Index("ix_outbound_messages_undecided", "decide_at", postgresql_where=sql("decide_at IS NOT NULL")),
        Index(
            "ix_outbound_messages_carrier",
            "connection_id",
            "carrier_message_id",
            postgresql_where=sql("carrier_message_id IS NOT NULL"),
        ),
        Index("ix_outbound_messages_tenant_id_id", "tenant_id", "id"),
        {"postgresql_with": _BUSY},
    )


class OutboundAttempts(Base):
    """One try to hand over an MT."""

    __tablename__ = "outbound_attempts"

    outbound_message_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    tenant_id: Mapped[UUID | None]
    outcome: Mapped[str]
    reason: Mapped[str | None]
    detail: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]


class DeliveryReceipts(Base):
    """One DLR as reported. Without ``outbound_message_id`` it overtook the send's answer and waits for it."""

    __tablename__ = "delivery_receipts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    connection_id: Mapped[UUID]
    carrier_message_id: Mapped[str | None]
    reference: Mapped[UUID | None]
    recipient: Mapped[str | None]
    outbound_message_id: Mapped[UUID | None]
    state: Mapped[str]
    raw_state: Mapped[str]
    error: Mapped[str | None]
    opted_out: Mapped[bool] = mapped_column(Boolean, server_default=sql("false"))
    carrier_time: Mapped[datetime | None]
    received_at: Mapped[datetime]

    __table_args__ = (
        Index(
            "ix_delivery_receipts_waiting",
            "connection_id",
            "carrier_message_id",
            postgresql_where=sql("outbound_message_id IS NULL"),
        ),
        Index("ix_delivery_receipts_outbound_message_id", "outbound_message_id"),
    )
