"""Clickatell's three generations: One API, Platform and the legacy HTTP API, each a carrier of its own. A key in every URL."""

from dataclasses import replace
from typing import Final
from urllib.parse import quote_from_bytes

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Piece, Splitting, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, Values, accepted, header, parameters
from twoway_router.lab.dialects.wire import Wire, as_gsm, form_of, plain, refusal
from twoway_router.lab.web import LabReply

_RETRY: Final = RetryRule(tries=20, first_seconds=60, longest_seconds=3600)

_ONE_MO: Final = """
{"event": {"moText": [
  {"channel": "sms", "messageId": "{mo.id}", "relatedMessageId": null, "from": "{mo.sender_digits}",
   "to": "{mo.recipient_digits}", "timestamp": "{mo.epoch_ms}", "encoding": "{encoding}", "charset": "UTF-8",
   "content": "{mo.text}"}]}}
"""
_ONE_RECEIPT: Final = """
{"event": {"messageStatusUpdate": [
  {"channel": "sms", "messageId": "{mt.id}", "clientMessageId": "{mt.reference}", "to": "{mt.recipient_digits}",
   "timestamp": "{call.epoch_ms}", "statusCode": "{number}", "status": "{status.code}"}]}}
"""
_PLATFORM_MO: Final = """
{"messageId": null, "replyMessageId": "{mo.id}", "fromNumber": "{mo.sender_digits}", "toNumber": "{mo.recipient_digits}",
 "timestamp": "{mo.epoch_ms}", "text": "{text}", "charset": "{charset}", "udh": "{udh}", "network": "", "keyword": ""}
"""
_PLATFORM_RECEIPT: Final = """
{"integrationName": "lab", "messageId": "{mt.id}", "clientMessageId": "{mt.reference}", "timestamp": "{call.epoch_ms}",
 "statusCode": "{number}", "status": "{status.code}"}
"""
_LEGACY_MO: Final = """
{"api_id": "{account[api_id]}", "moMsgId": "{mo.id}", "from": "{mo.sender_digits}", "to": "{mo.recipient_digits}",
 "timestamp": "{mo.at:%Y-%m-%d %H:%M:%S}", "charset": "{charset}", "udh": "{udh}"}
"""
_LEGACY_RECEIPT: Final = """
{"api_id": "{account[api_id]}", "apiMsgId": "{mt.id}", "cliMsgId": "{mt.reference}", "to": "{mt.recipient_digits}",
 "timestamp": "{call.epoch}", "status": "{number:03}", "charge": "1"}
"""


def _charset(mo: Piece) -> str:
    return "UTF-16BE" if mo.is_wide else "ISO-8859-1"


def _platform_mo(mo: Piece, call: Call) -> Wire:
    """UTF-8 text is written as it is; what is declared as UTF-16BE comes as percent-encoded octets."""
    text, charset = mo.text, "UTF-8"
    if mo.variant == "octets" or mo.part is not None:
        text, charset = quote_from_bytes(mo.octets, safe=""), _charset(mo)
    return call.post_json(_PLATFORM_MO, mo=mo, text=text, charset=charset, udh=mo.header.hex())


def _legacy_mo(mo: Piece, call: Call) -> Wire:
    """The text last, as octets: no form library would write them."""
    fields = call.fill(_LEGACY_MO, mo=mo, charset=_charset(mo), udh=mo.header.hex())
    text = f"&text={quote_from_bytes(mo.octets, safe='')}"
    if mo.variant == "get":
        wire = call.get(fields)
        return replace(wire, url=wire.url + text)
    wire = call.post_form(fields)
    return replace(wire, body=wire.body + text.encode())


def _error(code: str, status: int) -> LabReply:
    return refusal({"messages": [], "errorCode": code, "error": {"code": code}}, status)


def _json_api(at: str, mt: str) -> SendApi:
    """What One API and Platform share."""
    return SendApi(
        at=at,
        proof=header("authorization", "{api_key}"),
        mt=mt,
        nowhere=_error("404", 404),
        unproven=_error("401", 401),
        incomplete=_error("400", 400),
    )


def _legacy_text(values: Values) -> str:
    text = values["text"]
    return bytes.fromhex(text).decode("utf-16-be") if values["unicode"] == "1" else as_gsm(text)


def _unaccepted(code: str, status: int) -> LabReply:
    """One message of the request was not taken: 207, as the others of a batch may have been."""
    message = {"apiMessageId": None, "accepted": False, "errorCode": code, "error": {"code": code}}
    return LabReply.json({"messages": [message], "error": None}, status=status)


_OLD_WORDS: Final = words(
    "accepted: 3/Delivered to gateway, delivered: 4/Received by recipient, failed: 5/Error with message, "
    "expired: 10/Message expired"
)
_ACCEPTED: Final = accepted(
    """{"messages": [{"apiMessageId": "{mt.id}", "accepted": true, "to": "{mt.recipient_digits}", "error": null}],
        "error": null}""",
    202,
)
_JSON_REFUSALS: Final = refusals(
    throttled=_error("429", 429), hidden_failure=_unaccepted("105", 202), permanent=_unaccepted("105", 207)
)

ONE: Final = Dialect(
    account=lab_account("clickatell_one", "key", "api_key", api_url="{lab}"),
    mo=lambda mo, call: call.post_json(_ONE_MO, mo=mo, encoding="UCS-2" if mo.is_wide else "GSM"),
    receipt=lambda mt, status, call: call.post_json(_ONE_RECEIPT, mt=mt, status=status, number=int(status.word)),
    words=words("accepted: 4/SENT_TO_SUPPLIER, delivered: 6/RECEIVED_BY_RECIPIENT, failed: 22/DELIVERY_FAILURE"),
    take=_json_api(
        "POST /v1/message",
        """{"messages": [{"channel": "sms", "from?": "{sender}", "to": "{recipient_digits}", "content": "{text}",
            "clientMessageId?": "{reference}"}]}""",
    ),
    accepted=_ACCEPTED,
    refusals=_JSON_REFUSALS,
    retry=_RETRY,
)

PLATFORM: Final = Dialect(
    account=lab_account("clickatell_platform", "key", "api_key", api_url="{lab}"),
    mo=_platform_mo,
    receipt=lambda mt, status, call: call.post_json(_PLATFORM_RECEIPT, mt=mt, status=status, number=int(status.word)),
    words=_OLD_WORDS,
    take=_json_api(
        "POST /messages",
        '{"from?": "{sender}", "to": ["{recipient_digits}"], "content": "{text}", "clientMessageId?": "{reference}"}',
    ),
    accepted=_ACCEPTED,
    refusals=_JSON_REFUSALS,
    retry=_RETRY,
    parts=Splitting.BY_OCTETS,
    variants=("", "octets"),
)

LEGACY: Final = Dialect(
    account=lab_account(
        "clickatell_legacy", "key", "password", api_id="1", username="lab", send_url="{lab}/http/sendmsg"
    ),
    mo=_legacy_mo,
    receipt=lambda mt, status, call: call.post_form(_LEGACY_RECEIPT, mt=mt, status=status, number=int(status.word)),
    words=_OLD_WORDS,
    take=SendApi(
        at="* /http/sendmsg",
        proof=parameters("api_id", "user=username", "password"),
        read=form_of,
        mt="""{"from?": "{sender}", "to": "{recipient_digits}", "text": "{text}", "unicode?": "{unicode}",
            "cliMsgId?": "{reference}"}""",
        text=_legacy_text,
        nowhere=plain("ERR: 404, Not found", 404),
        unproven=plain("ERR: 001, Authentication failed", 200),
        incomplete=plain("ERR: 101, Invalid or missing parameters", 200),
    ),
    accepted=lambda mt: plain(f"ID: {mt.id}", 200),
    refusals=refusals(
        throttled=plain("ERR: 429, Too many requests", 429),
        hidden_failure=plain("ERR: 114, Cannot route message", 200),
        permanent=plain("ERR: 105, Invalid destination address", 200),
    ),
    retry=_RETRY,
    parts=Splitting.BY_OCTETS,
    variants=("", "get"),
)
