"""CM.com: no message ids and no signature; anything but 200 is repeated every five minutes for a month.

JSON in two layouts; XML and GET, which CM.com calls deprecated, by the names of its other XML and GET interfaces.
"""

from typing import Final

from twoway_router.carriers.spec import CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, R, U
from twoway_router.domain.messages import Capability

_EACH: Final = "messages.msg|MESSAGES.MSG"

SPEC: Final = CarrierSpec(
    name="cm",
    title="CM.com",
    settings=(
        KEY,
        Setting(name="product_token", is_secret=True, is_required=True, description="Product token of the gateway."),
        Setting(name="api_url", default="https://gw.messaging.cm.com", description="Address of the gateway."),
    ),
    decode=("query", "json", "xml"),
    auth=(QUERY_KEY,),
    events=(
        Event(
            kind="dlr",
            each=_EACH,
            when=When(path="status.code|STATUS.CODE", exists=True),
            reference="reference|REFERENCE",
            recipient="to|TO",
            status="status.code|STATUS.CODE",
            error="status.errorCode|STATUS.ERRORCODE",
            time=Time(path="received|@RECEIVED", formats=("iso",)),
        ),
        Event(
            kind="mo",
            each=_EACH,
            when=When(path="TO", exists=True),
            sender="FROM",
            recipient="TO",
            text="BODY",
            time=Time(path="@RECEIVED", formats=("iso",)),
            reference="REFERENCE",
            extra={"answers": "REFERENCE"},
        ),
        Event(
            kind="mo",
            when=When(path="to|TO", exists=True),
            sender="from.number|from|FROM",
            recipient="to.number|to|TO",
            text="message.text|body|BODY",
            time=Time(path="timeUtc", formats=("iso",)),
            reference="reference|REFERENCE",
            extra={
                "answers": "reference|REFERENCE",
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
                        "reference": "{reference_short}",
                        "allowedChannels": ["SMS"],
                        "minimumNumberOfMessageParts": 1,
                        "maximumNumberOfMessageParts": 8,
                    }
                ]
            }
        },
        success=When(
            all_of=(
                When(path="errorCode", equals="0"),
                When(path="messages.0.status", one_of=("Accepted", "")),
                When(path="messages.0.messageErrorCode", one_of=("0", "")),
            )
        ),
        error="messages.0.messageErrorCode|errorCode",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
