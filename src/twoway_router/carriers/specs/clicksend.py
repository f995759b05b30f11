"""ClickSend: every value under two spellings, nothing signed, and sends that answer 200 to failures."""

from typing import Final

from twoway_router.carriers.spec import CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, U
from twoway_router.domain.messages import Capability

_TIME: Final = Time(path="timestamp", formats=("epoch",))
_STATUS: Final = "data.messages.0.status"

SPEC: Final = CarrierSpec(
    name="clicksend",
    title="ClickSend",
    settings=(
        KEY,
        Setting(name="username", is_required=True, description="User name of the account."),
        Setting(name="api_key", is_secret=True, is_required=True, description="API key of the account."),
        Setting(name="api_url", default="https://rest.clicksend.com", description="Address of the API."),
    ),
    decode=("query", "form", "json"),
    auth=(QUERY_KEY,),
    events=(
        Event(
            kind="dlr",
            when=When(path="status_code", exists=True),
            id="message_id|messageid",
            reference="custom_string|customstring",
            status="status_code",
            error="error_code",
            time=_TIME,
        ),
        Event(
            kind="mo",
            id="message_id",
            sender="from|sms",
            recipient="to",
            text="body|message",
            time=_TIME,
            extra={
                "answers": "original_message_id",
                "custom_string": "custom_string",
                "subaccount_id": "subaccount_id",
            },
        ),
    ),
    statuses={"200": A, "201": D, "301": U},
    send=Send(
        url="{api_url}/v3/sms/send",
        basic=("username", "api_key"),
        fields={
            "messages": [
                {
                    "to": "{recipient}",
                    "from": "{sender}",
                    "body": "{text}",
                    "source": "twoway-router",
                    "custom_string": "{reference}",
                }
            ]
        },
        success=When(path=_STATUS, equals="SUCCESS"),
        id="data.messages.0.message_id",
        error=f"{_STATUS}|response_code",
        errors={"TOO_MANY_RECIPIENTS": "failed", "THROTTLED": "throttled", "429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
