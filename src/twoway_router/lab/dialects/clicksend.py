"""ClickSend: every value under two spellings, a key in the URL, and sends whose failure hides in a 200."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import (
    Moment,
    Wire,
    get,
    has_basic,
    json_of,
    keyed,
    post_form,
    post_json,
    refusal,
)
from twoway_router.lab.web import LabReply, LabRequest


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    fields = {
        "timestamp": str(int(piece.at.timestamp())),
        "from": piece.sender,
        "sms": piece.sender,
        "to": piece.recipient,
        "body": piece.text,
        "message": piece.text,
        "message_id": piece.id,
        "messageid": piece.id,
        "original_message_id": "",
        "custom_string": "",
        "customstring": "",
        "user_id": "1",
        "subaccount_id": "1",
    }
    write = {"get": get, "json": post_json}.get(piece.variant, post_form)
    return write(keyed(url, account["key"]), fields)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    fields = {
        "timestamp": moment.epoch,
        "message_id": mt.id,
        "messageid": mt.id,
        "status_code": word,
        "status": word,
        "error_code": "" if word != "301" else "301",
        "custom_string": mt.reference,
        "customstring": mt.reference,
    }
    return post_form(keyed(url, account["key"]), fields)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/v3/sms/send"):
        return _error("NOT_FOUND", 404)
    if not has_basic(request, account["username"], account["api_key"]):
        return _error("UNAUTHORIZED", 401)
    messages = json_of(request).get("messages")
    if not isinstance(messages, list) or len(messages) != 1:
        return _error("BAD_REQUEST", 400)
    (message,) = messages
    return TakenMt(
        sender=str(message.get("from", "")),
        recipient=str(message["to"]),
        text=str(message["body"]),
        reference=str(message.get("custom_string", "")),
    )


def _error(code: str, status: int) -> LabReply:
    return refusal({"http_code": status, "response_code": code, "response_msg": code, "data": None}, status)


def _message(status: str, **told: str) -> LabReply:
    data = {"total_count": 1, "queued_count": 1, "messages": [{**told, "status": status}]}
    return LabReply.json({"http_code": 200, "response_code": "SUCCESS", "response_msg": "Queued.", "data": data})


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.status == 200 else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="clicksend",
        settings={"username": "lab", "api_url": "{lab}"},
        secrets={"key": "lab-clicksend-key", "api_key": "lab-clicksend-api-key"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={Report.ACCEPTED: "200", Report.DELIVERED: "201", Report.FAILED: "301"},
    take=_take,
    accepted=lambda mt: _message("SUCCESS", message_id=mt.id, to=mt.recipient, custom_string=mt.reference),
    refusals={
        Fault.THROTTLED: _error("TOO_MANY_REQUESTS", 429),
        Fault.HIDDEN: _message("INSUFFICIENT_CREDIT"),
        Fault.PERMANENT: _message("INVALID_RECIPIENT"),
    },
    reads=_reads,
    retry=RetryRule(tries=10, first_seconds=60, longest_seconds=600),
    variants=("", "get", "json"),
)
