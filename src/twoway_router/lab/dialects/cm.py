"""CM.com: no message ids and no signature; anything but 200 is repeated every five minutes for a month."""

from typing import Final
from xml.sax.saxutils import escape

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, as_gsm, get, json_of, keyed, post_json, refusal, within
from twoway_router.lab.web import LabReply, LabRequest

_STATUSES: Final = {"accepted": 0, "rejected": 1, "delivered": 2, "failed": 3}
_GROUPINGS: Final = ("", "", "")


def _international(number: str) -> str:
    """As CM.com writes numbers: with 00, not with plus."""
    return number.replace("+", "00", 1)


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    url, sender = keyed(url, account["key"]), _international(piece.sender)
    told = {"FROM": sender, "TO": piece.recipient, "BODY": piece.text, "REFERENCE": ""}
    match piece.variant:
        case "get":
            return get(url, told)
        case "xml":
            nodes = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in told.items())
            at = piece.at.strftime("%Y-%m-%dT%H:%M:%S")
            body = f'<?xml version="1.0" encoding="utf-8"?><MESSAGES><MSG RECEIVED="{at}">{nodes}</MSG></MESSAGES>'
            return Wire(url=url, headers={"Content-Type": "application/xml; charset=utf-8"}, body=body.encode())
        case "flat":
            flat = {name.lower(): value for name, value in told.items()}
            return post_json(url, {**flat, "groupings": _GROUPINGS})
        case _:
            return post_json(url, _nested(piece, sender))


def _nested(piece: Piece, sender: str) -> dict[str, object]:
    return {
        "from": {"number": sender, "name": ""},
        "to": {"number": piece.recipient},
        "message": {"text": piece.text, "media": {"mediaUri": "", "contentType": "", "title": ""}, "custom": {}},
        "reference": "",
        "messageContext": "",
        "groupings": _GROUPINGS,
        "timeUtc": piece.at.strftime("%Y-%m-%dT%H:%M:%S"),
        "channel": "SMS",
    }


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    code = _STATUSES[word]
    is_bad = code in (1, 3)
    status = {"code": code, "errorCode": "6" if is_bad else "", "errorDescription": word.capitalize()}
    msg = {
        "received": moment.at.strftime("%Y-%m-%dT%H:%M:%S"),
        "to": _international(mt.recipient),
        "reference": mt.reference,
        "status": status,
        "operator": "22201",
    }
    return post_json(keyed(url, account["key"]), {"messages": {"msg": msg}})


def _answer(code: int, details: str, messages: list[dict[str, object]], status: int) -> LabReply:
    return refusal({"details": details, "errorCode": code, "messages": messages}, status)


def _of_message(recipient: str, reference: str, error: str | None = None, code: int = 0) -> dict[str, object]:
    return {
        "to": _international(recipient),
        "status": "Rejected" if code else "Accepted",
        "reference": reference,
        "parts": 0 if code else 1,
        "messageDetails": error,
        "messageErrorCode": code,
    }


def _cut(text: str, parts: str) -> str:
    """What arrives of a text: one part, unless the send allows more."""
    is_wide = as_gsm(text) != text
    alone, joined = (70, 67) if is_wide else (160, 153)
    return text[: joined * int(parts)] if parts.isdigit() and int(parts) > 1 else text[:alone]


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/v1.0/message"):
        return LabReply(status=404)
    if request.header(b"x-cm-producttoken") != account["product_token"]:
        return _answer(101, "No account found for the given authentication", [], 400)
    told = json_of(request)
    to = within(told, "messages", "msg", 0, "to", 0, "number")
    if not to.startswith("00"):
        return _answer(201, "Created 0 message(s)", [_of_message(to, "", f"Gsm '{to}' is not a number.", 303)], 400)
    parts = within(told, "messages", "msg", 0, "maximumNumberOfMessageParts")
    return TakenMt(
        sender=within(told, "messages", "msg", 0, "from"),
        recipient="+" + to.removeprefix("00"),
        text=_cut(within(told, "messages", "msg", 0, "body", "content"), parts),
        reference=within(told, "messages", "msg", 0, "reference"),
    )


def _accepted(mt: Mt) -> LabReply:
    return _answer(0, "Created 1 message(s)", [_of_message(mt.recipient, mt.reference)], 200)


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.status == 200 else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="cm",
        settings={"api_url": "{lab}"},
        secrets={"key": "lab-cm-key", "product_token": "lab-cm-product-token"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "accepted",
        Report.DELIVERED: "delivered",
        Report.FAILED: "failed",
        Report.REJECTED: "rejected",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: LabReply(status=429),
        Fault.HIDDEN: _answer(0, "Created 0 message(s)", [_of_message("0", "", "Gsm '0' is blocked.", 304)], 200),
        Fault.PERMANENT: _answer(
            201, "Created 0 message(s)", [_of_message("0", "", "Gsm '0' is not a number.", 303)], 400
        ),
    },
    reads=_reads,
    retry=RetryRule(tries=8640, first_seconds=300, factor=1, longest_seconds=300),
    variants=("", "flat", "xml", "get"),
    timeless=frozenset({"flat", "get"}),
)
