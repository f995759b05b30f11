"""Jasmin: SMPP without writing SMPP. Raw bytes with the DCS, parts by SAR or header, and the literal answer ``ACK/Jasmin``."""

from typing import Final

from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.spec import Ack, CarrierSpec, Event, Field, Part, Send, Setting, When
from twoway_router.carriers.specs.common import ALLOW_UNSIGNED, KEY, QUERY_KEY, A, D, E, R, U
from twoway_router.domain.messages import Capability

# ``coding`` is the data coding scheme as one raw byte; some versions write its number instead.
_CODINGS: Final = {
    "": "{default_charset}",
    "0": "{default_charset}",
    "\ufffd": "{default_charset}",
    "\x01": "ascii",
    "1": "ascii",
    "\x02": "iso-8859-1",
    "2": "iso-8859-1",
    "\x03": "iso-8859-1",
    "3": "iso-8859-1",
    "\x04": "iso-8859-1",
    "4": "iso-8859-1",
    "\x05": "shift_jis",
    "5": "shift_jis",
    "\x06": "iso-8859-5",
    "6": "iso-8859-5",
    "\x07": "iso-8859-8",
    "7": "iso-8859-8",
    "\x08": "utf-16-be",
    "8": "utf-16-be",
    "\n": "iso-2022-jp",
    "10": "iso-2022-jp",
    "\x0e": "euc-kr",
    "14": "euc-kr",
}
_PART: Final = Part(
    reference="tlv_params.sar_msg_ref_num",
    index="tlv_params.sar_segment_seqnum",
    total="tlv_params.sar_total_segments",
    is_header_in_body=True,
)
_ACK: Final = Ack(status=200, body="ACK/Jasmin")


# With GET Jasmin puts a question mark of its own in front of its parameters, the first of which is the id.
def _mo(text: Field, when: When | None) -> Event:
    return Event(
        kind="mo",
        when=when,
        id="id|?id",
        sender="from",
        recipient="to",
        text=text,
        part=_PART,
        reply_token="origin-connector",
        extra={"connector": "origin-connector"},
    )


SPEC: Final = CarrierSpec(
    name="jasmin",
    title="Jasmin",
    settings=(
        KEY,
        Setting(name="username", is_required=True, description="Name of the Jasmin user that sends."),
        Setting(name="password", is_secret=True, is_required=True, description="That user's password."),
        Setting(name="send_url", default="http://127.0.0.1:1401/send", description="Address of Jasmin's HTTP API."),
        Setting(
            name="default_charset", default="gsm", description="Charset of coding 0: gsm, or iso-8859-1 for some SMSCs."
        ),
        ALLOW_UNSIGNED,
    ),
    decode=("query", "form"),
    unwrap="tlv_params",
    auth=(QUERY_KEY,),
    numbers="national",
    events=(
        Event(
            kind="dlr",
            when=When(path="message_status", exists=True),
            id="id",
            reference="query:reference|reference",
            status="message_status",
            error="err",
        ),
        _mo(
            Field(path="binary", encoding="hex", charset_from="coding", charsets=_CODINGS, charset="{default_charset}"),
            When(path="binary", exists=True),
        ),
        _mo(Field(path="content", charset_from="coding", charsets=_CODINGS, charset="{default_charset}"), None),
    ),
    statuses={
        "ESME_ROK": A,
        "ESME_*": R,
        "DELIVRD": D,
        "UNDELIV": U,
        "DELETED": U,
        "EXPIRED": E,
        "REJECTD": R,
        "ACCEPTD": A,
        "ENROUTE": A,
    },
    acks={AckOutcome.STORED: _ACK},
    send=Send(
        url="{send_url}",
        body="form",
        fields={
            "username": "{username}",
            "password": "{password}",
            "from": "{sender}",
            "to": "{recipient}",
            "coding": "{coding}",
            "content": "{content?}",
            "hex-content": "{hex?}",
            "tags": "{reply_tag?}",
            "dlr": "yes",
            "dlr-level": "3",
            "dlr-method": "POST",
            "dlr-url": "{receipt_url}",
        },
        per_encoding={
            "gsm7": {"coding": "0", "content": "{text}", "hex": ""},
            "ucs2": {"coding": "8", "content": "", "hex": "{text_hex}"},
        },
        receipt_query="reference={reference}",
        reply="text",
        success=When(path="body", starts="Success"),
        id="quoted",
        error="quoted",
        errors={"User throughput exceeded": "throttled", "403": "failed", "412": "failed"},
    ),
    capability=Capability.RECEIPT,
    part_wait_seconds=300,
)
