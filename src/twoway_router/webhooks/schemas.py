"""Webhook endpoints and deliveries as the management API shows them."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from twoway_router.events.catalogue import EventType
from twoway_router.web.schemas import Moment
from twoway_router.webhooks.tables import WebhookAttempts, WebhookDeliveries, WebhookEndpoints

Url = Annotated[str, Field(min_length=8, max_length=2000, examples=["https://crm.example.com/sms"])]
EventTypes = Annotated[list[EventType | Literal["*"]], Field(max_length=20)]
DeliveryState = Literal["pending", "claimed", "done", "failed"]
Secret = Annotated[str, Field(max_length=200, description="`whsec_` and base64 of 24 to 64 bytes.")]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EndpointIn(_In):
    """A new webhook endpoint. Keywords' `call_webhook` actions reach it whatever `event_types` says."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://crm.example.com/sms", "event_types": ["message.received", "message.failed"]}]
        },
    )

    url: Url
    description: str = Field("", max_length=500)
    event_types: EventTypes = Field(default_factory=list, description='Events it wants; `"*"` is every one.')
    secret: Secret | None = Field(None, description="Your own secret; without it we make one.")


class EndpointPatch(_In):
    """What of an endpoint may change; a field that is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"state": "enabled"}]})

    url: Url | None = None
    description: str | None = Field(None, max_length=500)
    event_types: EventTypes | None = None
    state: Literal["enabled", "disabled"] | None = None

    @model_validator(mode="after")
    def _has_no_null(self) -> Self:
        if any(getattr(self, field) is None for field in self.model_fields_set):
            raise ValueError("no field can be null")
        return self


class EndpointOut(BaseModel):
    """A webhook endpoint."""

    id: UUID
    url: str
    description: str
    event_types: list[str]
    state: Literal["enabled", "disabled"]
    disabled_reason: str | None = Field(
        description="`by_tenant`, `gone` (it answered 410) or `failing_for_five_days`; null while it is enabled."
    )
    failing_since: datetime | None = Field(description="Since when no delivery has succeeded.")
    previous_secret_expires_at: datetime | None = Field(description="Until then the secret before signs too.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, endpoint: WebhookEndpoints) -> Self:
        return cls.model_validate(endpoint, from_attributes=True)


class EndpointWithSecret(EndpointOut):
    """A webhook endpoint with its signing secret, which is shown only now."""

    secret: str = Field("", examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class RotationIn(_In):
    """A rotation of the signing secret."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    secret: Secret | None = Field(None, description="Your own new secret; without it we make one.")


class RedeliveryIn(_In):
    """Which failed deliveries to send again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"since": "2026-03-01T00:00:00Z"}]})

    since: Moment = Field(description="Those that were made from then on.")
    until: Moment | None = Field(None, description="And before then; left out: until now.")


class RedeliveryOut(BaseModel):
    """How many deliveries were queued again. When it is 1000 there may be more: ask again."""

    count: int


class DeliveryOut(BaseModel):
    """One event for one endpoint. Its id is the `webhook-id` header of every try."""

    id: UUID
    endpoint_id: UUID
    event_type: str
    state: DeliveryState
    attempt: int = Field(description="Tries so far.")
    due_at: datetime = Field(description="When the next try is due, while pending.")
    last_status: int | None = Field(description="HTTP status of the last answer.")
    reason: str | None = Field(description="Why the last try failed.")
    inbound_message_id: UUID | None
    created_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, delivery: WebhookDeliveries) -> Self:
        return cls.model_validate(delivery, from_attributes=True)


class AttemptOut(BaseModel):
    """One try. `response` is the beginning of the answer's body."""

    attempt: int
    outcome: str
    status: int | None
    reason: str | None
    response: str | None
    started_at: datetime
    finished_at: datetime

    @classmethod
    def of(cls, attempt: WebhookAttempts) -> Self:
        return cls.model_validate(attempt, from_attributes=True)


class DeliveryDetails(DeliveryOut):
    """A delivery with its body and its latest tries."""

    payload: dict[str, Any] = Field(default_factory=dict, description="The body, as it is signed and sent.")
    attempts: list[AttemptOut] = Field(default_factory=list)

    @classmethod
    def with_attempts(cls, delivery: WebhookDeliveries, attempts: list[AttemptOut]) -> Self:
        shown = cls.model_validate(delivery, from_attributes=True)
        return shown.model_copy(update={"payload": orjson.loads(delivery.body), "attempts": attempts})
