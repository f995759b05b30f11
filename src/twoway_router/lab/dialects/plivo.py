"""Plivo: forms signed with their URL and a nonce in two generations; a ``<Message>`` in our answer would be sent."""

from typing import Final
from urllib.parse import parse_qsl

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, has_basic, json_of, mac, post_form, refusal
from twoway_router.lab.web import LabReply, LabRequest


def _signed(wire: Wire, moment: Moment, account: Account) -> Wire:
    """Version 3: URL, sorted query and form, nonce; other keys of the account sign as well."""
    base, _mark, query = wire.url.partition("?")
    asked = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(query, keep_blank_values=True)))
    told = "".join(name + value for name, value in sorted(parse_qsl(wire.body.decode(), keep_blank_values=True)))
    text = f"{base}?{asked}{'.' if asked and told else ''}{told}.{moment.nonce}"
    proof = b64(mac(account["auth_token"], text.encode()))
    another = b64(mac("another-key", text.encode()))
    headers = {"X-Plivo-Signature-V3": f"{another},{proof}", "X-Plivo-Signature-V3-Nonce": moment.nonce}
    return wire.with_headers(headers)


def _signed_as_before(wire: Wire, moment: Moment, account: Account) -> Wire:
    """Version 2: the URL without its query, and the nonce."""
    text = wire.url.partition("?")[0] + moment.nonce
    proof = b64(mac(account["auth_token"], text.encode()))
    return wire.with_headers({"X-Plivo-Signature-V2": proof, "X-Plivo-Signature-V2-Nonce": moment.nonce})


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    fields = {
        "From": piece.digits,
        "MessageIntent": "optout" if piece.is_opt_out else "",
        "MessageUUID": piece.id,
        "Text": piece.text,
        "To": piece.recipient.removeprefix("+"),
        "TotalAmount": "0",
        "TotalRate": "0",
        "Type": "sms",
        "Units": str(len(piece.octets) // 134 + 1),
    }
    sign = _signed_as_before if piece.variant == "v2" else _signed
    return sign(post_form(url, fields), moment, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    word, _slash, code = word.partition("/")
    fields = {
        "ErrorCode": code or "000",
        "From": mt.sender,
        "MCC": "222",
        "MNC": "10",
        "MessageUUID": mt.id,
        "ParentMessageUUID": mt.id,
        "Status": word,
        "To": mt.recipient.removeprefix("+"),
        "Units": "1",
    }
    return _signed(post_form(url, fields), moment, account)


def _error(message: str, status: int) -> LabReply:
    return refusal({"api_id": "lab", "error": message}, status)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", f"/v1/Account/{account['auth_id']}/Message/"):
        return _error("not found", 404)
    if not has_basic(request, account["auth_id"], account["auth_token"]):
        return _error("authentication failed", 401)
    fields = json_of(request)
    if missing := [name for name in ("src", "dst", "text") if not fields.get(name)]:
        return _error(f"{missing[0]} is missing", 400)
    return TakenMt(
        sender=str(fields["src"]),
        recipient="+" + str(fields["dst"]),
        text=str(fields["text"]),
        receipt_url=str(fields.get("url", "")),
    )


def _accepted(mt: Mt) -> LabReply:
    return LabReply.json({"api_id": "lab", "message": "message(s) queued", "message_uuid": [mt.id]}, status=202)


def _is_silent(answer: Answer) -> bool:
    return b"<Message" not in answer.body


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.is_success and _is_silent(answer) else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="plivo",
        settings={"auth_id": "MALAB", "api_url": "{lab}"},
        secrets={"auth_token": "lab-plivo-auth-token"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "sent",
        Report.DELIVERED: "delivered",
        Report.FAILED: "undelivered/300",
        Report.REJECTED: "rejected/400",
        Report.OPTED_OUT: "failed/200",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: _error("rate limit exceeded", 429),
        Fault.PERMANENT: _error("dst is invalid", 400),
    },
    reads=_reads,
    is_refusal=lambda answer: answer.status == 403 and _is_silent(answer),
    retry=RetryRule(tries=4, first_seconds=60, longest_seconds=240, timeout_seconds=8),
    variants=("", "v2"),
    marks_opt_outs=True,
)
