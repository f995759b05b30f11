"""Clickatell's three generations: One API, Platform and the legacy HTTP API. Each is a carrier of its own."""

from typing import Final

from twoway_router.carriers.spec import CarrierSpec, Event, Field, Part, Send, Setting, Time, When
from twoway_router.carriers.specs.common import ALLOW_UNSIGNED, KEY, QUERY_KEY, A, D, E, U
from twoway_router.domain.messages import Capability, DeliveryState

_API_KEY: Final = Setting(name="api_key", is_secret=True, is_required=True, description="API key of the integration.")
_API_URL: Final = Setting(name="api_url", default="https://platform.clickatell.com", description="Address of the API.")
_MS: Final = ("epoch_ms",)

_OLD_STATUSES: Final[dict[str, DeliveryState]] = {
    "3": A,
    "4": D,
    "8": A,
    "11": A,
    "10": E,
    **dict.fromkeys(("5", "6", "7", "9", "12", "13", "14"), U),
}

ONE: Final = CarrierSpec(
    name="clickatell_one",
    title="Clickatell One API",
    settings=(KEY, _API_KEY, _API_URL),
    decode=("json",),
    auth=(QUERY_KEY,),
    events=(
        Event(
            kind="mo",
            each="event.moText",
            id="messageId",
            when=When(path="to", exists=True),
            sender="from",
            recipient="to",
            text="content",
            time=Time(path="timestamp", formats=_MS),
            extra={"answers": "relatedMessageId", "channel": "channel"},
        ),
        Event(
            kind="dlr",
            each="event.messageStatusUpdate",
            when=When(path="messageId", exists=True),
            id="messageId",
            reference="clientMessageId",
            recipient="to",
            status="statusCode",
            error="status",
            time=Time(path="timestamp", formats=_MS),
        ),
    ),
    statuses={"2": A, "3": A, "4": A, "5": D, "6": D, **dict.fromkeys(("20", "21", "22", "23", "25"), U)},
    send=Send(
        url="{api_url}/v1/message",
        headers={"Authorization": "{api_key}"},
        fields={
            "messages": [
                {
                    "channel": "sms",
                    "from": "{sender_digits}",
                    "to": "{recipient_digits}",
                    "content": "{text}",
                    "clientMessageId": "{reference}",
                }
            ]
        },
        success=When(path="messages.0.accepted", equals="true"),
        id="messages.0.apiMessageId",
        error="messages.0.error.code|error.code",
        errors={"402": "failed", "429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)


def _platform_mo(when: When | None, text: str | Field) -> Event:
    return Event(
        kind="mo",
        when=when,
        id="replyMessageId",
        sender="fromNumber",
        recipient="toNumber",
        text=text,
        time=Time(path="timestamp", formats=_MS),
        operator="network",
        part=Part(header=Field(path="udh", encoding="hex", charset="8-bit")),
        extra={"answers": "messageId", "keyword": "keyword"},
    )


PLATFORM: Final = CarrierSpec(
    name="clickatell_platform",
    title="Clickatell Platform",
    settings=(KEY, _API_KEY, _API_URL),
    decode=("json",),
    auth=(QUERY_KEY,),
    events=(
        Event(
            kind="dlr",
            when=When(path="statusCode", exists=True),
            id="messageId",
            reference="clientMessageId",
            status="statusCode",
            error="status",
            time=Time(path="timestamp", formats=_MS),
        ),
        _platform_mo(
            When(path="charset", one_of=("UTF-16BE", "ISO-8859-1", "windows-1252")),
            Field(path="text", encoding="form", charset_from="charset"),
        ),
        _platform_mo(None, "text"),
    ),
    statuses=_OLD_STATUSES,
    send=Send(
        url="{api_url}/messages",
        headers={"Authorization": "{api_key}"},
        fields={
            "from": "{sender_digits}",
            "to": ["{recipient_digits}"],
            "content": "{text}",
            "clientMessageId": "{reference}",
        },
        success=When(path="messages.0.accepted", equals="true"),
        id="messages.0.apiMessageId",
        error="messages.0.errorCode|errorCode",
        errors={"402": "failed", "429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)

LEGACY: Final = CarrierSpec(
    name="clickatell_legacy",
    title="Clickatell HTTP API (legacy)",
    settings=(
        KEY,
        Setting(name="api_id", is_required=True, description="Id of the HTTP API."),
        Setting(name="username", is_required=True, description="User name of the account."),
        Setting(name="password", is_secret=True, is_required=True, description="Password of the account."),
        Setting(name="send_url", default="https://api.clickatell.com/http/sendmsg", description="Address of the API."),
        Setting(name="zone", default="UTC", description="Time zone of the times it writes."),
        ALLOW_UNSIGNED,
    ),
    decode=("query", "form"),
    auth=(QUERY_KEY,),
    events=(
        Event(
            kind="dlr",
            when=When(path="status", exists=True),
            id="apiMsgId",
            reference="cliMsgId",
            status="status",
            time=Time(path="timestamp", formats=("epoch",)),
        ),
        Event(
            kind="mo",
            id="moMsgId",
            sender="from",
            recipient="to",
            text=Field(path="text", charset_from="charset"),
            time=Time(path="timestamp", formats=("%Y-%m-%d %H:%M:%S",), zone="{zone}"),
            part=Part(header=Field(path="udh", encoding="hex", charset="8-bit")),
            extra={"api_id": "api_id"},
        ),
    ),
    statuses={**_OLD_STATUSES, **{f"{int(word):03}": state for word, state in _OLD_STATUSES.items()}},
    send=Send(
        url="{send_url}",
        body="form",
        fields={
            "api_id": "{api_id}",
            "user": "{username}",
            "password": "{password}",
            "from": "{sender_digits}",
            "to": "{recipient_digits}",
            "text": "{content}",
            "unicode": "{unicode}",
            "concat": "{segments}",
            "mo": "1",
            "callback": "7",
            "cliMsgId": "{reference_short}",
        },
        per_encoding={
            "gsm7": {"content": "{text}", "unicode": "0"},
            "ucs2": {"content": "{text_hex}", "unicode": "1"},
        },
        reply="text",
        success=When(path="body", starts="ID:"),
        id="value",
        error="body",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
