"""Bandwidth: one array for messages and receipts on one URL; the application id goes back with the reply."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, U
from twoway_router.domain.messages import Capability

_EACH: Final = "."

SPEC: Final = CarrierSpec(
    name="bandwidth",
    title="Bandwidth",
    settings=(
        Setting(name="account_id", is_required=True, description="Account number."),
        Setting(name="application_id", is_required=True, description="Messaging application, for what is no reply."),
        Setting(name="api_username", is_required=True, description="User name of the API credentials."),
        Setting(name="api_password", is_secret=True, is_required=True, description="Password of the API credentials."),
        Setting(name="webhook_username", description="User name of the application's callback credentials."),
        Setting(
            name="webhook_password", is_secret=True, description="Password of the application's callback credentials."
        ),
        Setting(name="api_url", default="https://messaging.bandwidth.com", description="Address of the API."),
        KEY,
    ),
    decode=("json",),
    auth=(
        Auth(verifier="basic", options={"username": "{webhook_username}", "password": "{webhook_password}"}),
        QUERY_KEY,
    ),
    events=(
        Event(
            kind="mo",
            each=_EACH,
            when=When(path="type", equals="message-received"),
            id="message.id",
            sender="message.from",
            recipient="message.owner|message.to.0|to",
            text="message.text",
            time=Time(path="message.time|time", formats=("iso",)),
            reply_token="message.applicationId",
            extra={"segments": "message.segmentCount", "media_url": "message.media.0"},
        ),
        Event(
            kind="dlr",
            each=_EACH,
            when=When(path="type", starts="message-"),
            id="message.id",
            reference="message.tag",
            recipient="to|message.to.0",
            status="type",
            error="errorCode",
            time=Time(path="time", formats=("iso",)),
        ),
        Event(kind="ignore", each=_EACH, when=When(path="type", exists=True)),
    ),
    statuses={
        "message-sending": A,
        "message-sent": A,
        "message-delivered": D,
        "message-read": D,
        "message-failed": U,
    },
    send=Send(
        url="{api_url}/api/v2/users/{account_id}/messages",
        basic=("api_username", "api_password"),
        fields={
            "applicationId": "{reply_token|application_id}",
            "to": ["{recipient}"],
            "from": "{sender}",
            "text": "{text}",
            "tag": "{reference}",
        },
        success=When(path="id", exists=True),
        id="id",
        error="type",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
