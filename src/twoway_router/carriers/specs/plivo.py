"""Plivo: forms with two generations of signatures; the answer is empty XML, because a Message element would be sent."""

from typing import Final

from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.spec import Ack, Auth, CarrierSpec, Event, Send, Setting, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, R, U
from twoway_router.domain.messages import Capability

_INTENT: Final = "MessageIntent"

SPEC: Final = CarrierSpec(
    name="plivo",
    title="Plivo",
    settings=(
        Setting(name="auth_id", is_required=True, description="Auth id of the account."),
        Setting(
            name="auth_token",
            is_secret=True,
            is_required=True,
            description="Auth token: signs requests, authorises sends.",
        ),
        Setting(name="api_url", default="https://api.plivo.com", description="Address of the API."),
        KEY,
    ),
    decode=("query", "form"),
    auth=(Auth(verifier="plivo", options={"secret": "{auth_token}"}), QUERY_KEY),
    events=(
        Event(
            kind="dlr",
            when=When(path="Status", exists=True),
            id="ParentMessageUUID|MessageUUID",
            reference="query:reference",
            recipient="To",
            status="Status",
            error="ErrorCode",
            opted_out=When(path="ErrorCode", equals="200"),
        ),
        Event(
            kind="mo",
            id="MessageUUID",
            sender="From",
            recipient="To",
            text="Text|Body",
            opted_out=When(path=_INTENT, equals="optout"),
            replied=When(path=_INTENT, one_of=("optout", "optin", "help")),
            extra={
                "segments": "Units",
                "type": "Type",
                "intent": _INTENT,
                "media_url": "Media0",
                "powerpack": "PowerpackUUID",
            },
        ),
    ),
    statuses={"queued": A, "sent": A, "delivered": D, "undelivered": U, "failed": U, "rejected": R},
    acks={AckOutcome.STORED: Ack(status=200, body="<Response/>", content_type="text/xml; charset=utf-8")},
    send=Send(
        url="{api_url}/v1/Account/{auth_id}/Message/",
        basic=("auth_id", "auth_token"),
        fields={
            "src": "{sender_digits}",
            "dst": "{recipient_digits}",
            "text": "{text}",
            "url": "{receipt_url?}",
            "method": "POST",
        },
        receipt_query="reference={reference}",
        success=When(path="message_uuid.0", exists=True),
        id="message_uuid.0",
        error="error_code",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
