"""Kannel's smsbox: every SMPP bind and GSM modem behind it. Text comes as raw bytes with its charset, ids go into dlr-url."""

from typing import Final

from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.reading.decoders import Document
from twoway_router.carriers.spec import Ack, CarrierSpec, Event, Field, Part, Send, Setting, Time, When
from twoway_router.carriers.specs.common import ALLOW_UNSIGNED, KEY, QUERY_KEY, A, D, R, U
from twoway_router.domain.messages import Capability

_CODINGS: Final = {"0": "utf-8", "1": "iso-8859-1", "2": "utf-16-be", "8-bit": "iso-8859-1"}
_EMPTY: Final = Ack(status=200)
_XML: Final = "message.submit"
_PIECES: Final = ("year", "month", "day", "hour", "minute", "second")

SPEC: Final = CarrierSpec(
    name="kannel",
    title="Kannel",
    settings=(
        KEY,
        Setting(name="username", is_required=True, description="Name of the sendsms-user."),
        Setting(name="password", is_secret=True, is_required=True, description="Password of the sendsms-user."),
        Setting(
            name="send_url",
            default="http://127.0.0.1:13013/cgi-bin/sendsms",
            description="Address of smsbox's sendsms service.",
        ),
        Setting(
            name="dlr_mask", default="27", description="Receipts wanted: 1 delivered, 2 failed, 8 to SMSC, 16 rejected."
        ),
        ALLOW_UNSIGNED,
    ),
    decode=("query", "xml", "text"),
    hook="kannel",
    auth=(QUERY_KEY,),
    numbers="national",
    events=(
        Event(
            kind="mo",
            when=When(path="header:x-kannel-to", exists=True),
            sender="header:x-kannel-from",
            recipient="header:x-kannel-to",
            text=Field(
                path="body:",
                charset_from="header:x-kannel-charset|header:x-kannel-coding",
                charsets=_CODINGS,
            ),
            time=Time(path="header:x-kannel-time", formats=("%Y-%m-%d %H:%M:%S",)),
            reply_token="header:x-kannel-smsc",
            part=Part(header=Field(path="header:x-kannel-udh", encoding="form", charset="8-bit")),
        ),
        Event(
            kind="mo",
            when=When(path=f"{_XML}.da.number", exists=True),
            sender=f"{_XML}.oa.number",
            recipient=f"{_XML}.da.number",
            text=Field(path=f"{_XML}.ud", encoding="form", charset_from=f"{_XML}.dcs.coding", charsets=_CODINGS),
            time=Time(path=f"{_XML}.time", formats=("iso",)),
            reply_token=f"{_XML}.from.account",
            part=Part(header=Field(path=f"{_XML}.udh", encoding="form", charset="8-bit")),
        ),
        Event(
            kind="mo",
            id="id",
            sender="from",
            recipient="to",
            text=Field(path="text", charset_from="charset|coding", charsets=_CODINGS),
            time=Time(path="ts", formats=("epoch",)),
            reply_token="smsc",
            part=Part(header=Field(path="udh", charset="8-bit")),
        ),
        Event(
            kind="dlr",
            reference="reference",
            status="status",
            error="answer",
            time=Time(path="ts", formats=("epoch",)),
        ),
    ),
    statuses={"1": D, "2": U, "4": A, "8": A, "16": R, "32": A},
    acks={AckOutcome.STORED: _EMPTY, AckOutcome.TOO_LARGE: Ack(status=414)},
    send=Send(
        url="{send_url}",
        method="GET",
        body="query",
        fields={
            "username": "{username}",
            "password": "{password}",
            "from": "{sender}",
            "to": "{recipient}",
            "text": "{text}",
            "charset": "UTF-8",
            "coding": "{coding}",
            "smsc": "{reply_token?}",
            "dlr-mask": "{dlr_mask}",
            "dlr-url": "{receipt_url}",
        },
        per_encoding={"gsm7": {"coding": "0"}, "ucs2": {"coding": "2"}},
        receipt_query="reference={reference}&status=%d&ts=%T&smsc=%i&answer=%A",
        reply="text",
        success=When(
            any_of=(
                When(path="body", starts="0:"),
                When(path="body", starts="3:"),
                When(path="body", equals="Sent."),
            )
        ),
        error="body",
        errors={"503": "retry"},
    ),
    capability=Capability.RECEIPT,
    part_wait_seconds=1800,
)


def with_time(document: Document) -> Document:
    """Put the time of a ``post-xml``, which stands in six elements, into one."""
    message = document.get("message") if isinstance(document, dict) else None
    submit = message.get("submit") if isinstance(message, dict) else None
    at = submit.get("at") if isinstance(submit, dict) else None
    if not isinstance(submit, dict) or not isinstance(at, dict):
        return document
    year, month, day, hour, minute, second = (str(at.get(name, "")) for name in _PIECES)
    submit["time"] = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    return document
