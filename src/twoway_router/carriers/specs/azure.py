"""Azure Communication Services through Event Grid: batches, a JSON handshake, per-recipient failures inside a 202."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, U
from twoway_router.domain.messages import Capability

_EACH: Final = "."
_TYPE: Final = "eventType|type"
_DETAILS: Final = "data.deliveryStatusDetails"

SPEC: Final = CarrierSpec(
    name="azure",
    title="Azure Communication Services",
    settings=(
        KEY,
        Setting(name="webhook_token", is_secret=True, description="Fixed bearer token that a delivery property adds."),
        Setting(
            name="endpoint", is_required=True, description="Address of the resource, https://….communication.azure.com."
        ),
        Setting(name="access_key", is_secret=True, is_required=True, description="Access key of the resource, base64."),
    ),
    decode=("json",),
    auth=(
        QUERY_KEY,
        Auth(
            verifier="header_key",
            options={"header": "authorization", "prefix": "Bearer ", "secret": "{webhook_token}"},
        ),
    ),
    probes=("options",),
    body_limit=1_048_576,
    events=(
        Event(
            kind="handshake",
            each=_EACH,
            when=When(path=_TYPE, equals="Microsoft.EventGrid.SubscriptionValidationEvent"),
            answer={"validationResponse": "data.validationCode"},
        ),
        Event(
            kind="mo",
            each=_EACH,
            when=When(path=_TYPE, equals="Microsoft.Communication.SMSReceived"),
            id="data.messageId",
            sender="data.from",
            recipient="data.to",
            text="data.message",
            time=Time(path="data.receivedTimestamp", formats=("iso",)),
            extra={"segments": "data.segmentCount"},
        ),
        Event(
            kind="dlr",
            each=_EACH,
            when=When(path=_TYPE, equals="Microsoft.Communication.SMSDeliveryReportReceived"),
            id="data.messageId",
            reference="data.tag",
            recipient="data.to",
            status="data.deliveryStatus",
            error=_DETAILS,
            time=Time(path="data.receivedTimestamp", formats=("iso",)),
            opted_out=When(path=_DETAILS, starts="Sender blocked"),
        ),
        Event(kind="ignore", each=_EACH, when=When(path=_TYPE, exists=True)),
    ),
    statuses={"Sent": A, "Delivered": D, "Failed": U},
    send=Send(
        url="{endpoint}/sms?api-version=2021-03-07",
        fields={
            "from": "{sender}",
            "smsRecipients": [{"to": "{recipient}"}],
            "message": "{text}",
            "smsSendOptions": {"enableDeliveryReport": True, "tag": "{reference}"},
        },
        success=When(path="value.0.successful", equals="true"),
        id="value.0.messageId",
        error="value.0.httpStatusCode|error.code",
        errors={"429": "throttled", "500": "unknown", "503": "retry"},
        signer="azure",
    ),
    capability=Capability.RECEIPT,
)
