"""CM.com: no message ids and no signature; anything but 200 is repeated every five minutes for a month."""

from typing import Final
from xml.sax.saxutils import escape

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Mt, Piece, Status, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, Values, header
from twoway_router.lab.dialects.wire import Wire, as_gsm, refusal
from twoway_router.lab.web import LabReply

_MO: Final = """
{"from": {"number": "{sender}", "name": ""}, "to": {"number": "{mo.recipient}"},
 "message": {"text": "{mo.text}", "media": {"mediaUri": "", "contentType": "", "title": ""}, "custom": {}},
 "reference": "", "messageContext": "", "groupings": ["", "", ""], "timeUtc": "{mo.at:%Y-%m-%dT%H:%M:%S}", "channel": "SMS"}
"""
_OLD_MO: Final = '{"FROM": "{sender}", "TO": "{mo.recipient}", "BODY": "{mo.text}", "REFERENCE": ""}'
_RECEIPT: Final = """
{"messages": {"msg": {"received": "{call.at:%Y-%m-%dT%H:%M:%S}", "to": "{recipient}", "reference": "{mt.reference}",
  "status": {"code": "{code}", "errorCode": "{status.code}", "errorDescription": "{description}"}, "operator": "22201"}}}
"""
_CODES: Final = {"accepted": 0, "rejected": 1, "delivered": 2, "failed": 3}


def _international(number: str) -> str:
    """As CM.com writes numbers: with 00, not with plus."""
    return number.replace("+", "00", 1)


def _mo(mo: Piece, call: Call) -> Wire:
    sender = _international(mo.sender)
    old = call.fill(_OLD_MO, mo=mo, sender=sender)
    match mo.variant:
        case "get":
            return call.get(old)
        case "xml":
            nodes = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in old.items())
            message = f'<MSG RECEIVED="{mo.at:%Y-%m-%dT%H:%M:%S}">{nodes}</MSG>'
            body = f'<?xml version="1.0" encoding="utf-8"?><MESSAGES>{message}</MESSAGES>'
            headers = {"Content-Type": "application/xml; charset=utf-8"}
            return Wire(url=call.keyed_url, headers=headers, body=body.encode())
        case "flat":
            return call.post_json({**{name.lower(): value for name, value in old.items()}, "groupings": ("", "", "")})
        case _:
            return call.post_json(_MO, mo=mo, sender=sender)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    values = {"recipient": _international(mt.recipient), "description": status.word.capitalize()}
    return call.post_json(_RECEIPT, mt=mt, status=status, code=_CODES[status.word], **values)


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


def _cut_text(values: Values) -> str:
    """What arrives of a text: one part, unless the send allows more."""
    text, parts = values["text"], values["parts"]
    alone, joined = (70, 67) if as_gsm(text) != text else (160, 153)
    return text[: joined * int(parts)] if parts.isdigit() and int(parts) > 1 else text[:alone]


_NO_NUMBER: Final = _answer(201, "Created 0 message(s)", [_of_message("0", "", "Gsm '0' is not a number.", 303)], 400)

DIALECT: Final = Dialect(
    account=lab_account("cm", "key", "product_token", api_url="{lab}"),
    mo=_mo,
    receipt=_receipt,
    words=words("accepted: accepted, delivered: delivered, failed: failed/6, rejected: rejected/6"),
    take=SendApi(
        at="POST /v1.0/message",
        proof=header("x-cm-producttoken", "{product_token}"),
        mt="""{"messages": {"msg": [{"from": "{sender}", "to": [{"number": "00{recipient_digits}"}], "reference?": "{reference}",
            "body": {"content": "{text}"}, "maximumNumberOfMessageParts?": "{parts}"}]}}""",
        text=_cut_text,
        nowhere=LabReply(status=404),
        unproven=_answer(101, "No account found for the given authentication", [], 400),
        incomplete=_NO_NUMBER,
    ),
    accepted=lambda mt: _answer(0, "Created 1 message(s)", [_of_message(mt.recipient, mt.reference)], 200),
    refusals=refusals(
        throttled=LabReply(status=429),
        hidden_failure=_answer(0, "Created 0 message(s)", [_of_message("0", "", "Gsm '0' is blocked.", 304)], 200),
        permanent=_NO_NUMBER,
    ),
    reads=acks(200),
    retry=RetryRule(tries=8640, first_seconds=300, factor=1, longest_seconds=300),
    variants=("", "flat", "xml", "get"),
    timeless=frozenset({"flat", "get"}),
)
