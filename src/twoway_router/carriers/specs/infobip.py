"""Infobip: batches in ``results``, receipts by our own message id, no signature of the body."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, E, R, U
from twoway_router.domain.messages import Capability

_BLOCKED: Final = "REJECTED_DESTINATION_BLOCKLISTED"


def _receipt(when: When, status: str) -> Event:
    return Event(
        kind="dlr",
        each="results",
        when=when,
        reference="messageId",
        recipient="to",
        status=status,
        error="error.name",
        time="doneAt",
        opted_out=When(path="status.name", equals=_BLOCKED),
    )


SPEC: Final = CarrierSpec(
    name="infobip",
    title="Infobip",
    settings=(
        Setting(name="base_url", is_required=True, description="Your own API address, https://….api.infobip.com."),
        Setting(name="api_key", is_secret=True, is_required=True, description="API key that may send SMS."),
        Setting(name="webhook_username", description="User name that the subscription's requests carry."),
        Setting(
            name="webhook_password", is_secret=True, description="Password that the subscription's requests carry."
        ),
        KEY,
    ),
    decode=("json",),
    auth=(
        Auth(verifier="basic", options={"username": "{webhook_username}", "password": "{webhook_password}"}),
        QUERY_KEY,
    ),
    body_limit=1_048_576,
    events=(
        _receipt(When(path="status.name", equals="DELIVERED_TO_OPERATOR"), "status.name"),
        _receipt(When(path="status", exists=True), "status.groupId|status.groupName"),
        Event(
            kind="mo",
            each="results",
            when=When(path="to", exists=True),
            id="messageId",
            sender="from",
            recipient="to",
            text="text|message.0.value|message.1.value",
            time=Time(path="receivedAt", formats=("iso",)),
            extra={
                "keyword": "keyword",
                "segments": "smsCount",
                "application_id": "applicationId",
                "entity_id": "entityId",
                "callback_data": "callbackData",
                "media_url": "message.0.url|message.1.url",
            },
        ),
    ),
    statuses={
        "DELIVERED_TO_OPERATOR": A,
        "1": A,
        "3": D,
        "2": U,
        "4": E,
        "5": R,
        "PENDING": A,
        "DELIVERED": D,
        "UNDELIVERABLE": U,
        "EXPIRED": E,
        "REJECTED": R,
    },
    send=Send(
        url="{base_url}/sms/3/messages",
        headers={"Authorization": "App {api_key}", "Accept": "application/json"},
        fields={
            "messages": [
                {
                    "sender": "{sender}",
                    "destinations": [{"to": "{recipient_digits}", "messageId": "{reference}"}],
                    "content": {"text": "{text}"},
                    "webhooks": {"delivery": {"url": "{receipt_url?}"}},
                }
            ]
        },
        success=When(path="messages.0.status.groupId", one_of=("1", "3")),
        id="messages.0.messageId",
        error="messages.0.status.name|requestError.serviceException.messageId|errorCode",
        errors={_BLOCKED: "opted_out", "TOO_MANY_REQUESTS": "throttled", "REJECTED_SYSTEM_ERROR": "retry"},
    ),
    capability=Capability.RECEIPT,
)
