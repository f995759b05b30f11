"""Vonage's Messages API: JSON and a JWT that names the body's hash; who has opted out is told of in a receipt only."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import (
    Moment,
    Wire,
    as_gsm,
    has_basic,
    json_of,
    jwt,
    post_json,
    refusal,
    sha256,
    within,
)
from twoway_router.lab.web import LabReply, LabRequest

_ERRORS: Final = "https://developer.nexmo.com/api-errors/messages-olympus"


def _signed(value: dict[str, object], url: str, moment: Moment, account: Account) -> Wire:
    wire = post_json(url, value)
    claims = {
        "iss": "Vonage",
        "iat": int(moment.epoch),
        "jti": moment.nonce,
        "api_key": account["api_key"],
        "application_id": "lab-application",
        "payload_hash": sha256(wire.body),
    }
    return wire.with_headers({"Authorization": f"Bearer {jwt(claims, account['signature_secret'])}"})


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    count, keyword = len(piece.octets) // 134 + 1, piece.text.partition(" ")[0].upper()
    value: dict[str, object] = {
        "channel": "sms",
        "message_uuid": piece.id,
        "to": piece.recipient.removeprefix("+"),
        "from": piece.digits,
        "timestamp": piece.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "context_status": "none",
        "message_type": "text",
        "text": piece.text,
        "sms": {"num_messages": str(count), "keyword": keyword},
        "usage": {"price": "0.0000", "currency": "EUR"},
    }
    return _signed(value, url, moment, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    word, _slash, code = word.partition("/")
    value: dict[str, object] = {
        "message_uuid": mt.id,
        "to": mt.recipient.removeprefix("+"),
        "from": mt.sender,
        "timestamp": moment.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "status": word,
        "channel": "sms",
        "destination": {"network_code": "22201"},
        "sms": {"count_total": "1"},
        "usage": {"currency": "EUR", "price": "0.0333"},
    }
    value |= {"error": {"type": f"{_ERRORS}#{code}", "title": int(code), "instance": moment.nonce}} if code else {}
    value |= {"client_ref": mt.reference} if mt.reference else {}
    return _signed(value, url, moment, account)


def _error(code: str, title: str, detail: str, status: int) -> LabReply:
    return refusal({"type": f"{_ERRORS}#{code}", "title": title, "detail": detail, "instance": "lab"}, status)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/v1/messages"):
        return LabReply(status=404)
    if not has_basic(request, account["api_key"], account["api_secret"]):
        return _error("1070", "Unauthorized", "You did not provide correct credentials.", 401)
    told = json_of(request)
    if not all(within(told, name) for name in ("from", "to", "text")):
        return _error("1150", "Invalid params", "The value of one or more parameters is invalid.", 422)
    text = within(told, "text")
    return TakenMt(
        sender=within(told, "from"),
        recipient="+" + within(told, "to"),
        text=as_gsm(text) if within(told, "sms", "encoding_type") == "text" else text,
        reference=within(told, "client_ref"),
        receipt_url=within(told, "webhook_url"),
    )


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.status == 200 else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="vonage_messages",
        settings={"api_key": "lab-key", "api_url": "{lab}"},
        secrets={
            "api_secret": "lab-messages-secret",
            "signature_secret": "lab-messages-signature-secret-of-40-letters",
        },
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "submitted",
        Report.DELIVERED: "delivered",
        Report.FAILED: "undeliverable",
        Report.REJECTED: "rejected/1260",
        Report.OPTED_OUT: "rejected/1240",
    },
    take=_take,
    accepted=lambda mt: LabReply.json({"message_uuid": mt.id}, status=202),
    refusals={
        Fault.THROTTLED: _error("1010", "Rate Limit Hit", "Please wait, then retry your request", 429),
        Fault.PERMANENT: _error("1150", "Invalid params", "The value of one or more parameters is invalid.", 422),
    },
    reads=_reads,
    # Unconfirmed: as its SMS API does, for a day.
    retry=RetryRule(tries=100, first_seconds=5, longest_seconds=900),
)
