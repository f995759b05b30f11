"""CM.com: no message ids and no signature; anything but 200 is repeated every five minutes for a month."""

from typing import Final

from twoway_router.carriers.spec import CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, R, U
from twoway_router.domain.messages import Capability

SPEC: Final = CarrierSpec(
    name="cm",
    title="CM.com",
    settings=(
        KEY,
        Setting(name="product_token", is_secret=True, is_required=True, description="Product token of the gateway."),
        Setting(name="api_url", default="https://gw.messaging.cm.com", description="Address of the gateway."),
    ),
    decode=("json",),
    auth=(QUERY_KEY,),
    events=(
        Event(
            kind="dlr",
            each="messages.msg",
            when=When(path="status.code", exists=True),
            reference="reference",
            recipient="to",
            status="status.code",
            error="status.errorCode",
            time=Time(path="received", formats=("iso",)),
        ),
        Event(
            kind="mo",
            when=When(any_of=(When(path="message", exists=True), When(path="body", exists=True))),
            sender="from.number|from",
            recipient="to.number|to",
            text="message.text|body",
            time=Time(path="timeUtc", formats=("iso",)),
            reference="reference",
            extra={
                "answers": "reference",
                "channel": "channel",
                "grouping": "groupings.0",
                "media_url": "message.media.mediaUri",
            },
        ),
    ),
    statuses={"0": A, "1": R, "2": D, "3": U},
    send=Send(
        url="{api_url}/v1.0/message",
        headers={"X-CM-PRODUCTTOKEN": "{product_token}"},
        fields={
            "messages": {
                "msg": [
                    {
                        "from": "{sender}",
                        "to": [{"number": "{recipient_00}"}],
                        "body": {"type": "auto", "content": "{text}"},
                        "reference": "{reference}",
                        "allowedChannels": ["SMS"],
                    }
                ]
            }
        },
        success=When(path="errorCode", equals="0"),
        error="messages.0.messageErrorCode|errorCode",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
