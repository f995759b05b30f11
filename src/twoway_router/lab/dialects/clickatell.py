"""Clickatell's three generations: One API, Platform and the legacy HTTP API, each a carrier of its own. A key in every URL."""

from typing import Final
from urllib.parse import quote_from_bytes

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.dialects.dialect import Account, Dialect, Mt, Piece, Splitting, TakenMt
from twoway_router.lab.dialects.wire import (
    Moment,
    Wire,
    as_gsm,
    form_of,
    get,
    json_of,
    keyed,
    plain,
    post_form,
    post_json,
    refusal,
)
from twoway_router.lab.web import LabReply, LabRequest

_RETRY: Final = RetryRule(tries=20, first_seconds=60, longest_seconds=3600)


def _ms(moment: Moment | Piece) -> int:
    return int(moment.at.timestamp() * 1000)


def _one_mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    told: dict[str, object] = {
        "channel": "sms",
        "messageId": piece.id,
        "relatedMessageId": None,
        "from": piece.digits,
        "to": piece.recipient.removeprefix("+"),
        "timestamp": _ms(piece),
        "encoding": "UCS-2" if piece.is_wide else "GSM",
        "charset": "UTF-8",
        "content": piece.text,
    }
    return post_json(keyed(url, account["key"]), {"event": {"moText": [told]}})


def _one_receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    code, _slash, name = word.partition("/")
    told: dict[str, object] = {
        "channel": "sms",
        "messageId": mt.id,
        "clientMessageId": mt.reference,
        "to": mt.recipient.removeprefix("+"),
        "timestamp": _ms(moment),
        "statusCode": int(code),
        "status": name,
    }
    return post_json(keyed(url, account["key"]), {"event": {"messageStatusUpdate": [told]}})


def _platform_mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    """UTF-8 text is written as it is; what is declared as UTF-16BE comes as percent-encoded octets."""
    is_octets = piece.variant == "octets" or piece.part is not None
    charset = "UTF-16BE" if piece.is_wide else "ISO-8859-1"
    told: dict[str, object] = {
        "messageId": None,
        "replyMessageId": piece.id,
        "fromNumber": piece.digits,
        "toNumber": piece.recipient.removeprefix("+"),
        "timestamp": _ms(piece),
        "text": quote_from_bytes(piece.octets, safe="") if is_octets else piece.text,
        "charset": charset if is_octets else "UTF-8",
        "udh": piece.part.header.hex() if piece.part else "",
        "network": "",
        "keyword": "",
    }
    return post_json(keyed(url, account["key"]), told)


def _platform_receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    code, _slash, name = word.partition("/")
    told = {
        "integrationName": "lab",
        "messageId": mt.id,
        "clientMessageId": mt.reference,
        "timestamp": _ms(moment),
        "statusCode": int(code),
        "status": name,
    }
    return post_json(keyed(url, account["key"]), told)


def _legacy_mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    charset = "UTF-16BE" if piece.is_wide else "ISO-8859-1"
    fields = {
        "api_id": account["api_id"],
        "moMsgId": piece.id,
        "from": piece.digits,
        "to": piece.recipient.removeprefix("+"),
        "timestamp": piece.at.strftime("%Y-%m-%d %H:%M:%S"),
        "charset": charset,
        "udh": piece.part.header.hex() if piece.part else "",
    }
    wire = post_form(url, fields)
    text = b"&text=" + quote_from_bytes(piece.octets, safe="").encode()
    if piece.variant == "get":
        wire = get(keyed(url, account["key"]), fields)
        return Wire(method="GET", url=wire.url + text.decode())
    return Wire(url=keyed(url, account["key"]), headers=wire.headers, body=wire.body + text)


def _legacy_receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    code, _slash, _name = word.partition("/")
    fields = {
        "api_id": account["api_id"],
        "apiMsgId": mt.id,
        "cliMsgId": mt.reference,
        "to": mt.recipient.removeprefix("+"),
        "timestamp": moment.epoch,
        "status": f"{int(code):03}",
        "charge": "1",
    }
    return post_form(keyed(url, account["key"]), fields)


def _error(code: str, status: int) -> LabReply:
    return refusal({"messages": [], "errorCode": code, "error": {"code": code}}, status)


def _take_json(request: LabRequest, account: Account) -> dict[str, object] | LabReply:
    if request.header(b"authorization") != account["api_key"]:
        return _error("401", 401)
    return json_of(request)


def _take_one(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/v1/message"):
        return _error("404", 404)
    fields = _take_json(request, account)
    if isinstance(fields, LabReply):
        return fields
    messages = fields.get("messages")
    if not isinstance(messages, list) or len(messages) != 1 or messages[0].get("channel") != "sms":
        return _error("400", 400)
    (message,) = messages
    return _taken(message, "+" + str(message["to"]))


def _take_platform(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/messages"):
        return _error("404", 404)
    fields = _take_json(request, account)
    if isinstance(fields, LabReply):
        return fields
    to = fields.get("to")
    if not isinstance(to, list) or len(to) != 1:
        return _error("400", 400)
    return _taken(fields, f"+{to[0]}")


def _taken(message: dict[str, object], recipient: str) -> TakenMt:
    return TakenMt(
        sender=str(message.get("from", "")),
        recipient=recipient,
        text=str(message["content"]),
        reference=str(message.get("clientMessageId", "")),
    )


def _take_legacy(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if request.path != "/http/sendmsg":
        return plain("ERR: 404, Not found", 404)
    fields = form_of(request)
    names = {"api_id": "api_id", "user": "username", "password": "password"}
    if any(fields.get(name) != account[setting] for name, setting in names.items()):
        return plain("ERR: 001, Authentication failed", 200)
    is_wide = fields.get("unicode") == "1"
    return TakenMt(
        sender=fields.get("from", ""),
        recipient="+" + fields["to"],
        text=bytes.fromhex(fields["text"]).decode("utf-16-be") if is_wide else as_gsm(fields["text"]),
        reference=fields.get("cliMsgId", ""),
    )


def _accepted(mt: Mt) -> LabReply:
    told = {"apiMessageId": mt.id, "accepted": True, "to": mt.recipient.removeprefix("+"), "error": None}
    return LabReply.json({"messages": [told], "error": None}, status=202)


def _unaccepted(code: str, status: int) -> LabReply:
    """One message of the request was not taken: 207, as the others of a batch may have been."""
    told = {"apiMessageId": None, "accepted": False, "errorCode": code, "error": {"code": code}}
    return LabReply.json({"messages": [told], "error": None}, status=status)


_OLD_WORDS: Final = {
    Report.ACCEPTED: "3/Delivered to gateway",
    Report.DELIVERED: "4/Received by recipient",
    Report.FAILED: "5/Error with message",
    Report.EXPIRED: "10/Message expired",
}
_JSON_REFUSALS: Final = {
    Fault.THROTTLED: _error("429", 429),
    Fault.HIDDEN: _unaccepted("105", 202),
    Fault.PERMANENT: _unaccepted("105", 207),
}

ONE: Final = Dialect(
    account=Account(
        carrier="clickatell_one",
        settings={"api_url": "{lab}"},
        secrets={"key": "lab-clickatell-one-key", "api_key": "lab-clickatell-one-api-key"},
    ),
    mo=_one_mo,
    receipt=_one_receipt,
    words={
        Report.ACCEPTED: "4/SENT_TO_SUPPLIER",
        Report.DELIVERED: "6/RECEIVED_BY_RECIPIENT",
        Report.FAILED: "22/DELIVERY_FAILURE",
    },
    take=_take_one,
    accepted=_accepted,
    refusals=_JSON_REFUSALS,
    retry=_RETRY,
)

PLATFORM: Final = Dialect(
    account=Account(
        carrier="clickatell_platform",
        settings={"api_url": "{lab}"},
        secrets={"key": "lab-clickatell-platform-key", "api_key": "lab-clickatell-platform-api-key"},
    ),
    mo=_platform_mo,
    receipt=_platform_receipt,
    words=_OLD_WORDS,
    take=_take_platform,
    accepted=_accepted,
    refusals=_JSON_REFUSALS,
    retry=_RETRY,
    parts=Splitting.BY_OCTETS,
    variants=("", "octets"),
)

LEGACY: Final = Dialect(
    account=Account(
        carrier="clickatell_legacy",
        settings={"api_id": "1", "username": "lab", "send_url": "{lab}/http/sendmsg"},
        secrets={"key": "lab-clickatell-legacy-key", "password": "lab-clickatell-legacy-password"},
    ),
    mo=_legacy_mo,
    receipt=_legacy_receipt,
    words=_OLD_WORDS,
    take=_take_legacy,
    accepted=lambda mt: plain(f"ID: {mt.id}", 200),
    refusals={
        Fault.THROTTLED: plain("ERR: 429, Too many requests", 429),
        Fault.HIDDEN: plain("ERR: 301, No credit left", 200),
        Fault.PERMANENT: plain("ERR: 105, Invalid destination address", 200),
    },
    retry=_RETRY,
    parts=Splitting.BY_OCTETS,
    variants=("", "get"),
)
