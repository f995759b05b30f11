"""What an effect is due to, and the key that makes it happen once. Carried by every draft of an effect.

An effect is an action run, an MT, a coupon code, a webhook event or an e-mail. Its key is unique in the database
(docs/adr/0011-causes.md). The cause's id comes first and is a UUIDv7, so the key stays unique in time partitions.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class CauseKind(StrEnum):
    """What a cause's id names."""

    INBOUND_MESSAGE = "inbound_message"
    OUTBOUND_MESSAGE = "outbound_message"
    RECEIPT = "receipt"
    TIMER = "timer"
    TURN = "turn"
    CAMPAIGN_RECIPIENT = "campaign_recipient"
    API_REQUEST = "api_request"
    OCCURRENCE = "occurrence"
    WEBHOOK_DELIVERY = "webhook_delivery"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One thing that happened. ``occurrence`` is a scheduled one: a report and its date, a sweep and its subject."""

    kind: CauseKind
    id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectKey:
    """Which effect of a cause. ``generation`` counts replays of the cause, ``ordinal`` its effects from 0.

    ``ordinal`` -1 is the event that reports the cause itself, such as ``message.received``.
    """

    cause: Cause
    generation: int = 0
    ordinal: int = 0

    @property
    def inbound_message_id(self) -> UUID | None:
        """The MO that caused it, if one did."""
        return self.cause.id if self.cause.kind is CauseKind.INBOUND_MESSAGE else None
