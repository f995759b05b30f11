"""Telnyx: messages and receipts on one URL, signed with ed25519; the message's id is in the payload, not the event's."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, E, U
from twoway_router.domain.messages import Capability

_TYPE: Final = "data.event_type"
_ERROR: Final = "data.payload.errors.0.code"

SPEC: Final = CarrierSpec(
    name="telnyx",
    title="Telnyx",
    settings=(
        Setting(name="public_key", is_required=True, description="Public key of the account, 32 bytes in base64."),
        Setting(name="api_key", is_secret=True, is_required=True, description="API v2 key."),
        Setting(name="messaging_profile_id", description="Messaging profile to send with."),
        Setting(name="api_url", default="https://api.telnyx.com", description="Address of the API."),
        KEY,
    ),
    decode=("json",),
    auth=(
        Auth(
            verifier="ed25519",
            options={
                "public_key": "{public_key}",
                "header": "telnyx-signature-ed25519",
                "timestamp_header": "telnyx-timestamp",
                "window": "300",
            },
        ),
        QUERY_KEY,
    ),
    events=(
        Event(
            kind="mo",
            when=When(path=_TYPE, equals="message.received"),
            id="data.payload.id",
            sender="data.payload.from.phone_number",
            recipient="data.payload.to.0.phone_number",
            text="data.payload.text",
            time=Time(path="data.payload.received_at", formats=("iso",)),
            operator="data.payload.from.carrier",
            opted_out=When(path="data.payload.autoresponse_type", one_of=("opt_out", "opt-out", "optout", "stop")),
            replied=When(path="data.payload.autoresponse_type", exists=True),
            extra={
                "segments": "data.payload.parts",
                "messaging_profile_id": "data.payload.messaging_profile_id",
                "autoresponse_type": "data.payload.autoresponse_type",
                "media_url": "data.payload.media.0.url",
            },
        ),
        Event(
            kind="dlr",
            when=When(path=_TYPE, one_of=("message.sent", "message.finalized")),
            id="data.payload.id",
            reference="query:reference",
            recipient="data.payload.to.0.phone_number",
            status="data.payload.to.0.status",
            error=_ERROR,
            opted_out=When(path=_ERROR, equals="40300"),
        ),
        Event(kind="ignore", when=When(path=_TYPE, exists=True)),
    ),
    statuses={
        "queued": A,
        "sending": A,
        "sent": A,
        "delivered": D,
        "read": D,
        "sending_failed": U,
        "delivery_failed": U,
        "expired": E,
    },
    send=Send(
        url="{api_url}/v2/messages",
        headers={"Authorization": "Bearer {api_key}", "Idempotency-Key": "{reference}"},
        fields={
            "from": "{sender}",
            "to": "{recipient}",
            "text": "{text}",
            "messaging_profile_id": "{messaging_profile_id?}",
            "webhook_url": "{receipt_url?}",
        },
        receipt_query="reference={reference}",
        success=When(path="data.id", exists=True),
        id="data.id",
        error="errors.0.code",
        errors={"40300": "opted_out", "10011": "throttled", "429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
