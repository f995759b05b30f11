"""Vonage Messages API: JSON, and a JWT whose claim covers the body."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, R, U
from twoway_router.domain.messages import Capability

_TIME: Final = Time(path="timestamp", formats=("iso", "%Y-%m-%d %H:%M:%S %z"))

SPEC: Final = CarrierSpec(
    name="vonage_messages",
    title="Vonage Messages API",
    settings=(
        Setting(name="api_key", is_required=True, description="API key of the account."),
        Setting(name="api_secret", is_secret=True, is_required=True, description="API secret of the account."),
        Setting(
            name="signature_secret", is_secret=True, description="Signature secret of the account; it signs the JWT."
        ),
        Setting(name="api_url", default="https://api.nexmo.com", description="Address of the Messages API."),
        KEY,
    ),
    decode=("query", "json"),
    auth=(
        Auth(
            verifier="jwt",
            options={
                "header": "authorization",
                "prefix": "Bearer ",
                "secret": "{signature_secret}",
                "payload_claim": "payload_hash",
                "window": "90000",
            },
        ),
        QUERY_KEY,
    ),
    probes=("bare_get",),
    events=(
        Event(
            kind="dlr",
            when=When(path="status", exists=True),
            id="message_uuid",
            reference="client_ref",
            recipient="to",
            status="status",
            error="error.title|error.type",
            opted_out=When(path="error.title", equals="1240"),
            time=_TIME,
        ),
        Event(
            kind="mo",
            id="message_uuid",
            sender="from",
            recipient="to",
            text="text",
            time=_TIME,
            extra={
                "channel": "channel",
                "type": "message_type",
                "keyword": "sms.keyword",
                "segments": "sms.num_messages",
            },
        ),
    ),
    statuses={"submitted": A, "delivered": D, "read": D, "rejected": R, "undeliverable": U},
    send=Send(
        url="{api_url}/v1/messages",
        basic=("api_key", "api_secret"),
        fields={
            "message_type": "text",
            "channel": "sms",
            "from": "{sender_digits}",
            "to": "{recipient_digits}",
            "text": "{text}",
            "client_ref": "{reference}",
            "webhook_url": "{receipt_url?}",
            "sms": {"encoding_type": "{encoding_type}"},
        },
        per_encoding={"gsm7": {"encoding_type": "text"}, "ucs2": {"encoding_type": "unicode"}},
        success=When(path="message_uuid", exists=True),
        id="message_uuid",
        error="title",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
