"""Messages and their states, whatever a carrier calls them. Made by ``carriers``, kept by ``inbound`` and ``mts``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class NumberKind(StrEnum):
    """What a number is: a code of a few digits, an ordinary number, or one that costs its callers nothing."""

    SHORT_CODE = "short_code"
    LONG_CODE = "long_code"
    TOLL_FREE = "toll_free"


class Sharing(StrEnum):
    """Whether a number is shared by many tenants, told apart by keywords, or dedicated to one."""

    SHARED = "shared"
    DEDICATED = "dedicated"


class SenderKind(StrEnum):
    """What the sender's address is; only an MSISDN is ever answered."""

    MSISDN = "msisdn"
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"


class DeliveryState(StrEnum):
    """What receipts say of an MT: SMPP's final states folded, plus the progress state ``accepted``."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        return self not in (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)


class MtState(StrEnum):
    """The effect ledger's states of one MT (docs/architecture.md, "The ledger of an MT")."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    HANDED_OVER = "handed_over"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"


class Origin(StrEnum):
    """What asked for an MT: a tenant's action, or one of the number's own texts."""

    REPLY = "reply"
    COUPON_POOL_EMPTY = "coupon_pool_empty"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    COURTESY = "courtesy"
    CHOOSE = "choose"
    """Which tenant is meant."""
    WINDOW = "window"
    """The keyword is not active."""


class Encoding(StrEnum):
    """How a text is sent: GSM-7 (160 characters a segment) when all of its characters are in it, else UCS-2 (70)."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


class UnknownPolicy(StrEnum):
    """What to do with an MT whose hand-over is unknown, on a carrier that can neither repeat safely nor look it up."""

    AT_MOST_ONCE = "at_most_once"
    AT_LEAST_ONCE = "at_least_once"


class Capability(StrEnum):
    """What a carrier supports for settling an unknown hand-over."""

    IDEMPOTENT = "idempotent"
    LOOK_UP = "look_up"
    RECEIPT = "receipt"
    BLIND = "blind"


@dataclass(frozen=True, kw_only=True, slots=True)
class MessagePart:
    """Which part of a long MO this is. ``body`` is undecoded: a character may be cut between two parts."""

    reference: str
    index: int
    total: int
    body: bytes
    charset: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundMessage:
    """One MO as a carrier reported it. ``sender`` and ``recipient`` are normalised where they are phone numbers.

    ``carrier_message_id`` identifies duplicates; a carrier without ids gets a digest from its spec.
    ``part`` marks a message that is only a part of one; ``missing_parts`` one that was joined from too few.
    """

    carrier_message_id: str
    sender: str
    sender_kind: SenderKind
    recipient: str
    text: str
    carrier_time: datetime | None = None
    operator: str | None = None
    reply_token: str | None = None
    carrier_opted_out: bool = False
    carrier_replied: bool = False
    part: MessagePart | None = None
    missing_parts: tuple[int, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryReceipt:
    """One DLR. Exactly one of ``carrier_message_id`` and ``reference`` (our MT id) names the MT."""

    state: DeliveryState
    raw_state: str
    carrier_message_id: str | None = None
    reference: str | None = None
    recipient: str | None = None
    error: str | None = None
    carrier_time: datetime | None = None
    opted_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundMessage:
    """One MT as a carrier's send template sees it. ``reference`` is stable over all tries."""

    reference: str
    sender: str
    recipient: str
    text: str
    encoding: Encoding
    segments: int
    reply_token: str | None = None
    receipt_url: str | None = None
