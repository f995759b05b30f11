"""Answers about MTs: what went out and what became of it."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import Field

from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import DeliveryState, Encoding, MtState, Origin
from twoway_router.mts.tables import DeliveryReceipts, OutboundAttempts, OutboundMessages
from twoway_router.web.schemas import Shown


class OutboundMessageOut(Shown):
    """A message that goes out, or was kept back."""

    id: UUID
    tenant_id: UUID | None = Field(description="On whose behalf; null when the number itself speaks.")
    connection_id: UUID | None = Field(None, description="For operators.")
    number_id: UUID
    inbound_message_id: UUID | None = Field(description="The message that it answers.")
    sender: str
    recipient: str
    text: str
    encoding: Encoding
    segments: int = Field(description="SMS that it costs.")
    origin: Origin
    state: MtState = Field(description="How far the hand-over to the carrier is.")
    delivery_state: DeliveryState | None = Field(description="What receipts say; never goes backwards.")
    reason: str | None = Field(description="Why it failed, was kept back or is unknown, for programs.")
    carrier_message_id: str | None = Field(description="The carrier's own id of it, to ask the carrier about.")
    attempt: int = Field(description="Tries so far.")
    due_at: datetime = Field(description="Not handed over before.")
    expires_at: datetime = Field(description="Given up when it was not handed over by then.")
    created_at: datetime
    handed_over_at: datetime | None = Field(description="When the carrier took it.")
    settled_at: datetime | None = Field(description="When its hand-over was decided, one way or the other.")

    @classmethod
    def of(cls, row: OutboundMessages, viewer: TenantId | None) -> Self:
        """As an operator (None) or the message's tenant may see it."""
        return cls.model_validate(cls.shown(row, viewer))

    @classmethod
    def shown(cls, row: OutboundMessages, viewer: TenantId | None) -> dict[str, Any]:
        """The same as fields."""
        fields = cls.columns(row)
        return fields if viewer is None else fields | {"connection_id": None}


class HandOverOut(Shown):
    """One try to hand the message over."""

    attempt: int
    outcome: str = Field(
        description="done, retry, throttled, account (the carrier refused ours), failed, or unknown: the answer was lost."
    )
    reason: str | None
    detail: str | None = Field(description="What the carrier said: its code, and its words without numbers and texts.")
    started_at: datetime
    finished_at: datetime


class ReceiptOut(Shown):
    """One delivery receipt."""

    id: UUID
    state: DeliveryState
    raw_state: str = Field(description="In the carrier's word.")
    error: str | None = Field(description="The carrier's code, where it gives one.")
    carrier_time: datetime | None = Field(description="As the carrier says.")
    received_at: datetime


class OutboundStoryOut(OutboundMessageOut):
    """A message that goes out, with every try and every receipt."""

    attempts: list[HandOverOut]
    receipts: list[ReceiptOut]

    @classmethod
    def from_rows(
        cls,
        row: OutboundMessages,
        attempts: list[OutboundAttempts],
        receipts: list[DeliveryReceipts],
        viewer: TenantId | None,
    ) -> Self:
        """From its rows."""
        return cls.model_validate(
            cls.shown(row, viewer)
            | {
                "attempts": [HandOverOut.model_validate(one) for one in attempts],
                "receipts": [ReceiptOut.model_validate(one) for one in receipts],
            }
        )


class ResumedOut(Shown):
    """A connection that rests no more."""

    connection_id: UUID
    messages: int = Field(
        description="How many that waited for it go out now; of very many, the others within 15 minutes."
    )
