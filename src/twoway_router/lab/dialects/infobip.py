"""Infobip: batches in ``results``, sends with our own message id, no signature: HTTP Basic as its subscription is set up."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, json_of, post_json, refusal, within
from twoway_router.lab.web import LabReply, LabRequest

_GROUPS: Final = {"PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}
_PRICE: Final = {"pricePerMessage": 0.01, "currency": "EUR"}


def _status(name: str) -> dict[str, object]:
    """A status by its name, which begins with that of its group."""
    group = name.partition("_")[0]
    return {"groupId": _GROUPS[group], "groupName": group, "id": 0, "name": name, "description": name.lower()}


def _posted(result: dict[str, object], url: str, account: Account, **more: object) -> Wire:
    proof = b64(f"{account['webhook_username']}:{account['webhook_password']}".encode())
    return post_json(url, {"results": [result], **more}).with_headers({"Authorization": f"Basic {proof}"})


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    keyword, _space, rest = piece.text.partition(" ")
    result: dict[str, object] = {
        "messageId": piece.id,
        "from": piece.digits,
        "to": piece.recipient,
        "receivedAt": piece.at.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        "price": _PRICE,
        "callbackData": "",
    }
    if piece.variant == "mms":
        parts = [
            {"contentType": "text/plain", "value": piece.text},
            {"contentType": "image/jpeg", "url": "https://media.invalid/1.jpg"},
        ]
        result |= {"message": parts, "mmsCount": 1}
    else:
        count = len(piece.octets) // 134 + 1
        result |= {"text": piece.text, "cleanText": rest, "keyword": keyword.upper(), "smsCount": count}
    return _posted(result, url, account, messageCount=1, pendingMessageCount=0)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    at = moment.at.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    is_good = word.startswith(("PENDING", "DELIVERED"))
    name = "NO_ERROR" if is_good else "EC_ABSENT_SUBSCRIBER"
    result: dict[str, object] = {
        "bulkId": f"bulk-{mt.id}",
        "messageId": mt.reference or mt.id,
        "to": mt.recipient.removeprefix("+"),
        "sentAt": at,
        "doneAt": at,
        "smsCount": 1,
        "mccMnc": "22201",
        "price": _PRICE,
        "status": _status(word),
        "error": {"groupId": 0 if is_good else 1, "id": 0, "name": name, "description": name, "permanent": not is_good},
    }
    return _posted(result, url, account)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/sms/3/messages"):
        return _error("NOT_FOUND", "Requested URL not found", 404)
    if request.header(b"authorization") != f"App {account['api_key']}":
        return _error("UNAUTHORIZED", "Invalid login details", 401)
    told = json_of(request)
    to = within(told, "messages", 0, "destinations", 0, "to")
    if not to:
        return _error("BAD_REQUEST", "Bad Request", 400)
    return TakenMt(
        sender=within(told, "messages", 0, "sender"),
        recipient=f"+{to}",
        text=within(told, "messages", 0, "content", "text"),
        reference=within(told, "messages", 0, "destinations", 0, "messageId"),
        receipt_url=within(told, "messages", 0, "webhooks", "delivery", "url"),
    )


def _answer(message_id: str, recipient: str, status: str) -> LabReply:
    told = {"messageId": message_id, "status": _status(status), "destination": recipient.removeprefix("+")}
    return LabReply.json({"bulkId": f"bulk-{message_id}", "messages": [told]})


def _error(message_id: str, text: str, status: int) -> LabReply:
    exception = {"messageId": message_id, "text": text}
    return refusal({"requestError": {"serviceException": exception}}, status)


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.status == 200 else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="infobip",
        settings={"base_url": "{lab}", "webhook_username": "lab"},
        secrets={"api_key": "lab-infobip-api-key", "webhook_password": "lab-infobip-webhook-password"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "DELIVERED_TO_OPERATOR",
        Report.DELIVERED: "DELIVERED_TO_HANDSET",
        Report.FAILED: "UNDELIVERABLE_NOT_DELIVERED",
        Report.EXPIRED: "EXPIRED_EXPIRED",
        Report.REJECTED: "REJECTED_NETWORK",
        Report.OPTED_OUT: "REJECTED_DESTINATION_BLOCKLISTED",
    },
    take=_take,
    accepted=lambda mt: _answer(mt.reference or mt.id, mt.recipient, "PENDING_ACCEPTED"),
    refusals={
        Fault.THROTTLED: _error("TOO_MANY_REQUESTS", "Too many requests", 429),
        Fault.HIDDEN: _answer("", "", "REJECTED_NOT_ENOUGH_CREDITS"),
        Fault.PERMANENT: _error("BAD_REQUEST", "Bad Request", 400),
        Fault.OPTED_OUT: _answer("", "", "REJECTED_DESTINATION_BLOCKLISTED"),
    },
    reads=_reads,
    # Unconfirmed: about one minute and the square of the try's number in minutes, twenty times.
    retry=RetryRule(tries=20, first_seconds=120, factor=1.4, longest_seconds=24_060),
    variants=("", "mms"),
)
