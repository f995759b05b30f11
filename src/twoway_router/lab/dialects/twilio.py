"""Twilio: a form signed together with its URL; what we answer in plain text would be texted to the person."""

from typing import Final
from urllib.parse import parse_qsl

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import SUCCESS, Call, Dialect, Piece, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, accepted, basic
from twoway_router.lab.dialects.wire import Wire, b64, form_of, mac, refusal
from twoway_router.lab.web import LabReply

_MO: Final = """
{"ToCountry": "{account.country}", "SmsMessageSid": "{mo.id}", "NumMedia": "0", "SmsSid": "{mo.id}", "SmsStatus": "received",
 "FromCountry": "{account.country}", "Body": "{mo.text}", "To": "{mo.recipient}", "NumSegments": "{mo.segments}",
 "MessageSid": "{mo.id}", "AccountSid": "{account[account_sid]}", "From": "{mo.sender}", "ApiVersion": "2010-04-01",
 "OptOutType?": "{opt_out}"}
"""
_RECEIPT: Final = """
{"SmsSid": "{mt.id}", "SmsStatus": "{status.word}", "MessageStatus": "{status.word}", "To": "{mt.recipient}",
 "MessageSid": "{mt.id}", "AccountSid": "{account[account_sid]}", "From": "{mt.sender}", "ApiVersion": "2010-04-01",
 "ErrorCode?": "{status.code}"}
"""


def _signed(wire: Wire, call: Call) -> Wire:
    fields = parse_qsl(wire.body.decode(), keep_blank_values=True)
    text = wire.url + "".join(name + value for name, value in sorted(set(fields)))
    return wire.with_headers({"X-Twilio-Signature": b64(mac(call.account["auth_token"], text.encode(), "sha1"))})


def _mo(mo: Piece, call: Call) -> Wire:
    write = call.get if mo.variant == "get" else call.post_form
    return _signed(write(_MO, mo=mo, opt_out="STOP" if mo.is_opt_out else ""), call)


def _error(code: int, status: int, message: str) -> LabReply:
    return refusal({"code": code, "message": message, "status": status}, status)


def _is_silent(answer: Answer) -> bool:
    """Nothing is texted to the person: no body, or TwiML without a message."""
    is_twiml = answer.content_type.startswith(("text/xml", "application/xml"))
    return not answer.body or (is_twiml and b"<Message" not in answer.body)


DIALECT: Final = Dialect(
    account=lab_account("twilio", "auth_token", account_sid="AC00000000000000000000000000000lab", api_url="{lab}"),
    mo=_mo,
    receipt=lambda mt, status, call: _signed(call.post_form(_RECEIPT, mt=mt, status=status), call),
    words=words("accepted: sent, delivered: delivered, failed: undelivered/30003, opted_out: undelivered/21610"),
    take=SendApi(
        at="POST /2010-04-01/Accounts/{account_sid}/Messages.json",
        proof=basic("account_sid", "auth_token"),
        read=form_of,
        mt='{"From?": "{sender}", "To": "{recipient}", "Body": "{text}", "StatusCallback?": "{receipt_url}"}',
        nowhere=_error(20404, 404, "The requested resource was not found"),
        unproven=_error(20003, 401, "Authenticate"),
        incomplete=_error(21604, 400, "A 'To' phone number is required."),
    ),
    accepted=accepted(
        """{"sid": "{mt.id}", "status": "queued", "to": "{mt.recipient}", "from": "{mt.sender}", "body": "{mt.text}",
            "error_code": null, "num_segments": "1"}""",
        201,
    ),
    refusals=refusals(
        throttled=_error(20429, 429, "Too Many Requests"),
        permanent=_error(21211, 400, "Invalid 'To' Phone Number"),
        opted_out=_error(21610, 400, "Attempt to send to unsubscribed recipient"),
    ),
    reads=acks(*SUCCESS, is_silent=_is_silent),
    is_refusal=lambda answer: answer.status == 403 and _is_silent(answer),
    retry=RetryRule(tries=2, first_seconds=1, longest_seconds=1, timeout_seconds=15),
    variants=("", "get"),
    marks_opt_outs=True,
)
