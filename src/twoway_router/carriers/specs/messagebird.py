"""MessageBird: form or GET with two sets of names (short codes, numbers), a JWT over URL and body, parameters seen twice."""

from typing import Final

from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.spec import Ack, Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, E, U
from twoway_router.domain.messages import Capability

SPEC: Final = CarrierSpec(
    name="messagebird",
    title="MessageBird",
    settings=(
        Setting(name="access_key", is_secret=True, is_required=True, description="Live access key."),
        Setting(name="signing_key", is_secret=True, description="Signing key of the account; it signs the JWT."),
        Setting(name="api_url", default="https://rest.messagebird.com", description="Address of the API."),
        KEY,
    ),
    decode=("query", "form"),
    auth=(
        Auth(
            verifier="jwt",
            options={
                "header": "messagebird-signature-jwt",
                "secret": "{signing_key}",
                "issuer": "MessageBird",
                "require": "iss nbf exp",
                "url_claim": "url_hash",
                "payload_claim": "payload_hash",
                "leeway": "1",
            },
        ),
        QUERY_KEY,
    ),
    events=(
        Event(
            kind="dlr",
            when=When(path="status", exists=True),
            id="id",
            reference="reference",
            recipient="recipient",
            status="status",
            error="statusErrorCode",
            time=Time(path="statusDatetime", formats=("iso",)),
            opted_out=When(path="statusErrorCode", equals="103"),
        ),
        Event(
            kind="mo",
            id="mid|id",
            sender="originator",
            recipient="shortcode|recipient",
            text="message|body",
            time=Time(path="receive_datetime|createdDatetime", formats=("%Y%m%d%H%M%S", "iso")),
            extra={"media_url": "mediaUrls", "reference": "reference"},
        ),
    ),
    statuses={
        "scheduled": A,
        "buffered": A,
        "sent": A,
        "delivered": D,
        "expired": E,
        "delivery_failed": U,
    },
    acks={AckOutcome.STORED: Ack(status=200, body="OK")},
    send=Send(
        url="{api_url}/messages",
        headers={"Authorization": "AccessKey {access_key}"},
        fields={
            "originator": "{sender}",
            "recipients": ["{recipient_digits}"],
            "body": "{text}",
            "datacoding": "{datacoding}",
            "reference": "{reference}",
            "reportUrl": "{receipt_url?}",
        },
        per_encoding={"gsm7": {"datacoding": "plain"}, "ucs2": {"datacoding": "unicode"}},
        success=When(path="id", exists=True),
        id="id",
        error="errors.0.code",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
