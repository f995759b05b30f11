"""Sinch SMS (XMS): body, nonce and time signed; a 4xx would lose a message for good, so nothing proven gets one."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Field, Part, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, E, R, U
from twoway_router.domain.messages import Capability

_TIME: Final = Time(path="received_at", formats=("iso",))
_EXTRA: Final = {"client_reference": "client_reference"}


def _mo(kind: str, text: str | Field, part: Part | None = None) -> Event:
    return Event(
        kind="mo",
        when=When(path="type", equals=kind),
        id="id",
        sender="from",
        recipient="to",
        text=text,
        time=_TIME,
        operator="operator_id",
        part=part,
        extra=_EXTRA,
    )


SPEC: Final = CarrierSpec(
    name="sinch",
    title="Sinch SMS",
    settings=(
        Setting(name="service_plan_id", is_required=True, description="Service plan."),
        Setting(name="api_token", is_secret=True, is_required=True, description="API token of the service plan."),
        Setting(
            name="webhook_secret", is_secret=True, description="Secret of the HMAC, set up by the account manager."
        ),
        Setting(name="webhook_username", description="User name, when requests carry Basic authentication instead."),
        Setting(
            name="webhook_password", is_secret=True, description="Password, when requests carry Basic authentication."
        ),
        Setting(name="api_url", default="https://eu.sms.api.sinch.com", description="Address of the region's API."),
        KEY,
    ),
    decode=("json",),
    auth=(
        Auth(
            verifier="hmac",
            options={
                "secret": "{webhook_secret}",
                "header": "x-sinch-webhook-signature",
                "encoding": "base64",
                "template": "{body}.{nonce}.{timestamp}",
                "nonce_header": "x-sinch-webhook-signature-nonce",
                "timestamp_header": "x-sinch-webhook-signature-timestamp",
                "window": "90000",
            },
        ),
        Auth(verifier="basic", options={"username": "{webhook_username}", "password": "{webhook_password}"}),
        QUERY_KEY,
    ),
    events=(
        _mo("mo_text", "body"),
        _mo(
            "mo_binary",
            Field(path="body", encoding="base64", charset="8-bit"),
            Part(header=Field(path="udh", encoding="hex", charset="8-bit")),
        ),
        _mo("mo_media", "body.message|body.subject"),
        Event(
            kind="dlr",
            when=When(path="type", starts="recipient_delivery_report"),
            id="batch_id",
            reference="query:reference|client_reference",
            recipient="recipient",
            status="status",
            error="code",
            time=Time(path="at", formats=("iso",)),
        ),
        Event(
            kind="dlr",
            each="statuses",
            when=When(path="root:type", starts="delivery_report"),
            id="root:batch_id",
            reference="query:reference|root:client_reference",
            recipient="recipients.0",
            status="status",
            error="code",
        ),
    ),
    statuses={
        "Queued": A,
        "Dispatched": A,
        "Delivered": D,
        "Failed": U,
        "Aborted": U,
        "Cancelled": U,
        "Deleted": U,
        "Expired": E,
        "Rejected": R,
    },
    send=Send(
        url="{api_url}/xms/v1/{service_plan_id}/batches",
        headers={"Authorization": "Bearer {api_token}"},
        fields={
            "from": "{sender}",
            "to": ["{recipient_digits}"],
            "body": "{text}",
            "delivery_report": "per_recipient",
            "callback_url": "{receipt_url?}",
            "client_reference": "{reference}",
        },
        receipt_query="reference={reference}",
        success=When(path="id", exists=True),
        id="id",
        error="code",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
