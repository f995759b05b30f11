"""Plivo: forms signed with their URL and a nonce in two generations; a ``<Message>`` in our answer would be sent."""

from typing import Final
from urllib.parse import parse_qsl

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import (
    SUCCESS,
    Call,
    Dialect,
    Piece,
    acks,
    lab_account,
    refusals,
    words,
)
from twoway_router.lab.dialects.sends import SendApi, accepted, basic
from twoway_router.lab.dialects.wire import Wire, b64, mac, refusal
from twoway_router.lab.web import LabReply

_MO: Final = """
{"From": "{mo.sender_digits}", "MessageIntent": "{intent}", "MessageUUID": "{mo.id}", "Text": "{mo.text}",
 "To": "{mo.recipient_digits}", "TotalAmount": "0", "TotalRate": "0", "Type": "sms", "Units": "{mo.segments}"}
"""
_RECEIPT: Final = """
{"ErrorCode": "{code}", "From": "{mt.sender}", "MCC": "222", "MNC": "10", "MessageUUID": "{mt.id}",
 "ParentMessageUUID": "{mt.id}", "Status": "{status.word}", "To": "{mt.recipient_digits}", "Units": "1"}
"""


def _signed(wire: Wire, call: Call) -> Wire:
    """Version 3: URL, sorted query and form, nonce; other keys of the account sign as well."""
    base, _mark, query = wire.url.partition("?")
    asked = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(query, keep_blank_values=True)))
    posted = "".join(name + value for name, value in sorted(parse_qsl(wire.body.decode(), keep_blank_values=True)))
    text = f"{base}?{asked}{'.' if asked and posted else ''}{posted}.{call.nonce}"
    proofs = [b64(mac(key, text.encode())) for key in ("another-key", call.account["auth_token"])]
    return wire.with_headers({"X-Plivo-Signature-V3": ",".join(proofs), "X-Plivo-Signature-V3-Nonce": call.nonce})


def _signed_as_before(wire: Wire, call: Call) -> Wire:
    """Version 2: the URL without its query, and the nonce."""
    proof = b64(mac(call.account["auth_token"], (wire.url.partition("?")[0] + call.nonce).encode()))
    return wire.with_headers({"X-Plivo-Signature-V2": proof, "X-Plivo-Signature-V2-Nonce": call.nonce})


def _mo(mo: Piece, call: Call) -> Wire:
    sign = _signed_as_before if mo.variant == "v2" else _signed
    return sign(call.post_form(_MO, mo=mo, intent="optout" if mo.is_opt_out else ""), call)


def _error(message: str, status: int) -> LabReply:
    return refusal({"api_id": "lab", "error": message}, status)


def _is_silent(answer: Answer) -> bool:
    return b"<Message" not in answer.body


DIALECT: Final = Dialect(
    account=lab_account("plivo", "auth_token", auth_id="MALAB", api_url="{lab}"),
    mo=_mo,
    receipt=lambda mt, status, call: _signed(
        call.post_form(_RECEIPT, mt=mt, status=status, code=status.code or "000"), call
    ),
    words=words(
        "accepted: sent, delivered: delivered, failed: undelivered/300, rejected: rejected/400, opted_out: failed/200"
    ),
    take=SendApi(
        at="POST /v1/Account/{auth_id}/Message/",
        proof=basic("auth_id", "auth_token"),
        mt='{"src": "{sender}", "dst": "{recipient_digits}", "text": "{text}", "url?": "{receipt_url}"}',
        nowhere=_error("not found", 404),
        unproven=_error("authentication failed", 401),
        incomplete=_error("a parameter is missing", 400),
    ),
    accepted=accepted('{"api_id": "lab", "message": "message(s) queued", "message_uuid": ["{mt.id}"]}', 202),
    refusals=refusals(throttled=_error("rate limit exceeded", 429), permanent=_error("dst is invalid", 400)),
    reads=acks(*SUCCESS, is_silent=_is_silent),
    is_refusal=lambda answer: answer.status == 403 and _is_silent(answer),
    retry=RetryRule(tries=4, first_seconds=60, longest_seconds=240, timeout_seconds=8),
    variants=("", "v2"),
    marks_opt_outs=True,
)
