"""The catalogue of events: their types, what their ``data`` holds, and examples. Shown in OpenAPI as ``webhooks``.

A capability builds an event's data with the model here and passes it to a listener (``events.news``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

EventType = Literal[
    "message.received",
    "keyword.matched",
    "coupon.issued",
    "coupon.pool_empty",
    "message.handed_over",
    "message.delivered",
    "message.failed",
    "sender.opted_out",
    "keyword.expiring",
    "choice.taken",
    "endpoint.disabled",
    "webhook.test",
]

Window = Literal["open", "too_early", "too_late", "sold_out", "suspended", "released"]
"""Where a message stands in the keyword's activity window: the values of ``routing.types.WindowState``."""

_MESSAGE: Final = "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"
_MT: Final = "0198c0de-9a01-7d10-8a4e-5f60718293a4"
_KEYWORD: Final = "0198c0dd-1111-7aaa-9bbb-0c0d0e0f1011"
_POOL: Final = "0198c0dd-2222-7bbb-8ccc-1c1d1e1f2021"
_ENDPOINT: Final = "0198c0dd-3333-7ccc-9ddd-2c2d2e2f3031"
_AT: Final = "2026-03-02T12:00:00Z"


class Data(BaseModel):
    """Base of all event data. New fields may be added: receivers ignore what they do not know."""

    model_config = ConfigDict(frozen=True)


class MessageReceived(Data):
    """An inbound message that belongs to the tenant."""

    inbound_message_id: UUID
    number: str
    country: str
    sender: str
    text: str
    route: str = Field(description="Where it went: `keyword`, `context`, `default` and so on.")
    keyword_id: UUID | None = None
    keyword: str | None = None
    sub_keyword: str | None = None
    rest: str = Field("", description="The text after the keyword.")
    window: Window = Field(
        "open", description="Where it stands in the keyword's activity window; no action runs outside."
    )
    answer: str | None = Field(None, description="What it answers to your open question, such as `yes` or `7`.")
    received_at: datetime


class KeywordMatched(Data):
    """An inbound message whose keyword has a `call_webhook` action."""

    inbound_message_id: UUID
    number: str
    country: str
    sender: str
    text: str
    keyword_id: UUID
    keyword: str
    sub_keyword: str | None = None
    rest: str = Field("", description="The text after the keyword.")
    window: Window = Field("open", description="Always open: the actions of a keyword run only then.")
    received_at: datetime
    values: dict[str, Any] = Field(default_factory=dict, description="What earlier actions gave, by their names.")


class CouponIssued(Data):
    """A sender was given a coupon code."""

    inbound_message_id: UUID
    pool_id: UUID
    code: str
    sender: str
    is_new: bool = Field(True, description="False when the sender got the code again that it had.")


class CouponPoolEmpty(Data):
    """A sender asked for a code and the pool had none left."""

    inbound_message_id: UUID
    pool_id: UUID
    sender: str


class MessageProgress(Data):
    """How an outbound message fares."""

    outbound_message_id: UUID
    inbound_message_id: UUID | None = None
    number: str
    recipient: str
    segments: int
    state: str = Field(description="How far the hand-over to the carrier is.")
    delivery_state: str | None = Field(None, description="What receipts say.")
    reason: str | None = Field(None, description="Why it failed or was kept back, for programs.")


class SenderOptedOut(Data):
    """A sender must not be sent anything from this number any more."""

    inbound_message_id: UUID | None = None
    number: str
    sender: str


class KeywordExpiring(Data):
    """A keyword will be given back by itself, unless you move its date of expiry or a message comes."""

    keyword_id: UUID
    keyword: str
    number: str
    country: str
    releases_at: datetime
    reason: Literal["expired", "idle"] = Field(description="Its date of expiry comes, or no message came for long.")
    last_message_on: date | None = Field(None, description="The day of its last message.")


class ChoiceTaken(Data):
    """A choice of your question became somebody's keyword: its word no longer answers, its index or letter still does."""

    keyword_id: UUID = Field(description="Your keyword that asks.")
    keyword: str
    number: str
    country: str
    choice: str


class EndpointDisabled(Data):
    """An endpoint failed for days and gets no more events until it is enabled again."""

    endpoint_id: UUID
    url: str
    failing_since: datetime
    reason: str


class WebhookTest(Data):
    """Sent when you ask for it."""

    endpoint_id: UUID
    note: str = "This is a test."


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSpec:
    """One type of event: when it is sent, its data and an example of it."""

    summary: str
    data: type[Data]
    example: Mapping[str, Any]


_INBOUND: Final[dict[str, Any]] = {
    "inbound_message_id": _MESSAGE,
    "number": "12345",
    "country": "IT",
    "sender": "+390000000001",
    "text": "PIZZA large",
    "keyword_id": _KEYWORD,
    "keyword": "PIZZA",
    "sub_keyword": None,
    "rest": "large",
    "window": "open",
    "received_at": _AT,
}
_OUTBOUND: Final[dict[str, Any]] = {
    "outbound_message_id": _MT,
    "inbound_message_id": _MESSAGE,
    "number": "12345",
    "recipient": "+390000000001",
    "segments": 1,
    "state": "confirmed",
    "delivery_state": "delivered",
    "reason": None,
}
_COUPON: Final[dict[str, Any]] = {"inbound_message_id": _MESSAGE, "pool_id": _POOL, "sender": "+390000000001"}

EVENTS: Final[Mapping[EventType, EventSpec]] = {
    "message.received": EventSpec(
        summary="A message came in for you.", data=MessageReceived, example=_INBOUND | {"route": "keyword"}
    ),
    "keyword.matched": EventSpec(
        summary="A keyword's call_webhook action ran.",
        data=KeywordMatched,
        example=_INBOUND | {"values": {"coupon": {"code": "BURGER-7K3M-2QXN-5TGA-9WHP"}}},
    ),
    "coupon.issued": EventSpec(
        summary="A sender was given a coupon code.",
        data=CouponIssued,
        example=_COUPON | {"code": "BURGER-7K3M-2QXN-5TGA-9WHP", "is_new": True},
    ),
    "coupon.pool_empty": EventSpec(summary="A coupon pool had no code left.", data=CouponPoolEmpty, example=_COUPON),
    "message.handed_over": EventSpec(
        summary="A carrier took an outbound message.",
        data=MessageProgress,
        example=_OUTBOUND | {"state": "handed_over", "delivery_state": None},
    ),
    "message.delivered": EventSpec(
        summary="An outbound message reached the handset.", data=MessageProgress, example=_OUTBOUND
    ),
    "message.failed": EventSpec(
        summary="An outbound message was not delivered and will not be.",
        data=MessageProgress,
        example=_OUTBOUND | {"state": "failed", "delivery_state": "undelivered", "reason": "absent_subscriber"},
    ),
    "sender.opted_out": EventSpec(
        summary="A sender opted out.",
        data=SenderOptedOut,
        example={"inbound_message_id": _MESSAGE, "number": "12345", "sender": "+390000000001"},
    ),
    "keyword.expiring": EventSpec(
        summary="A keyword will be given back by itself.",
        data=KeywordExpiring,
        example={
            "keyword_id": _KEYWORD,
            "keyword": "PIZZA",
            "number": "12345",
            "country": "IT",
            "releases_at": "2026-03-16T12:00:00Z",
            "reason": "idle",
            "last_message_on": "2025-12-15",
        },
    ),
    "choice.taken": EventSpec(
        summary="A choice of your question became another tenant's keyword.",
        data=ChoiceTaken,
        example={"keyword_id": _KEYWORD, "keyword": "PIZZA", "number": "12345", "country": "IT", "choice": "LARGE"},
    ),
    "endpoint.disabled": EventSpec(
        summary="A webhook endpoint was disabled after days of failure.",
        data=EndpointDisabled,
        example={
            "endpoint_id": _ENDPOINT,
            "url": "https://crm.example.com/sms",
            "failing_since": "2026-02-25T12:00:00Z",
            "reason": "failing_for_five_days",
        },
    ),
    "webhook.test": EventSpec(
        summary="You asked for a test.",
        data=WebhookTest,
        example={"endpoint_id": _ENDPOINT, "note": "This is a test."},
    ),
}
