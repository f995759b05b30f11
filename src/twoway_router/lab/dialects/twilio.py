"""Twilio: a form signed together with its URL; what we answer in plain text would be texted to the person."""

from typing import Final
from urllib.parse import parse_qsl

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, form_of, get, has_basic, mac, post_form, refusal
from twoway_router.lab.web import LabReply, LabRequest


def _signed(wire: Wire, account: Account) -> Wire:
    fields = parse_qsl(wire.body.decode(), keep_blank_values=True)
    text = wire.url + "".join(name + value for name, value in sorted(set(fields)))
    return wire.with_headers({"X-Twilio-Signature": b64(mac(account["auth_token"], text.encode(), "sha1"))})


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    fields = {
        "ToCountry": account.country,
        "SmsMessageSid": piece.id,
        "NumMedia": "0",
        "SmsSid": piece.id,
        "SmsStatus": "received",
        "FromCountry": account.country,
        "Body": piece.text,
        "To": piece.recipient,
        "NumSegments": str(len(piece.octets) // 134 + 1),
        "MessageSid": piece.id,
        "AccountSid": account["account_sid"],
        "From": piece.sender,
        "ApiVersion": "2010-04-01",
    }
    fields |= {"OptOutType": "STOP"} if piece.is_opt_out else {}
    return _signed(get(url, fields) if piece.variant == "get" else post_form(url, fields), account)


def _receipt(mt: Mt, word: str, url: str, _: Moment, account: Account) -> Wire:
    word, _slash, code = word.partition("/")
    fields = {
        "SmsSid": mt.id,
        "SmsStatus": word,
        "MessageStatus": word,
        "To": mt.recipient,
        "MessageSid": mt.id,
        "AccountSid": account["account_sid"],
        "From": mt.sender,
        "ApiVersion": "2010-04-01",
    }
    fields |= {"ErrorCode": code} if code else {}
    return _signed(post_form(url, fields), account)


def _error(code: int, status: int, message: str) -> LabReply:
    return refusal({"code": code, "message": message, "status": status}, status)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    sid = account["account_sid"]
    if (request.method, request.path) != ("POST", f"/2010-04-01/Accounts/{sid}/Messages.json"):
        return _error(20404, 404, "The requested resource was not found")
    if not has_basic(request, sid, account["auth_token"]):
        return _error(20003, 401, "Authenticate")
    fields = form_of(request)
    if not fields.get("To"):
        return _error(21604, 400, "A 'To' phone number is required.")
    return TakenMt(
        sender=fields.get("From", ""),
        recipient=fields["To"],
        text=fields.get("Body", ""),
        receipt_url=fields.get("StatusCallback", ""),
    )


def _accepted(mt: Mt) -> LabReply:
    value = {"sid": mt.id, "status": "queued", "to": mt.recipient, "from": mt.sender, "body": mt.text}
    return LabReply.json({**value, "error_code": None, "num_segments": "1"}, status=201)


def _is_silent(answer: Answer) -> bool:
    """Nothing is texted to the person: no body, or TwiML without a message."""
    is_twiml = answer.content_type.startswith(("text/xml", "application/xml"))
    return not answer.body or (is_twiml and b"<Message" not in answer.body)


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.is_success and _is_silent(answer) else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="twilio",
        settings={"account_sid": "AC00000000000000000000000000000lab", "api_url": "{lab}"},
        secrets={"auth_token": "lab-twilio-auth-token"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "sent",
        Report.DELIVERED: "delivered",
        Report.FAILED: "undelivered/30003",
        Report.OPTED_OUT: "undelivered/21610",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: _error(20429, 429, "Too Many Requests"),
        Fault.PERMANENT: _error(21211, 400, "Invalid 'To' Phone Number"),
        Fault.OPTED_OUT: _error(21610, 400, "Attempt to send to unsubscribed recipient"),
    },
    reads=_reads,
    is_refusal=lambda answer: answer.status == 403 and _is_silent(answer),
    retry=RetryRule(tries=2, first_seconds=1, longest_seconds=1, timeout_seconds=15),
    variants=("", "get"),
    marks_opt_outs=True,
)
