"""Infobip: batches in ``results``, sends with our own message id, no signature: HTTP Basic as its subscription is set up."""

from typing import Any, Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Mt, Piece, Status, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, header
from twoway_router.lab.dialects.wire import Wire, refusal
from twoway_router.lab.web import LabReply

_GROUPS: Final = {"PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}

_MO: Final = """
{"results": [
  {"messageId": "{mo.id}", "from": "{mo.sender_digits}", "to": "{mo.recipient}",
   "receivedAt": "{mo.at:%Y-%m-%dT%H:%M:%S.000+0000}",
   "text": "{mo.text}", "cleanText": "{rest}", "keyword": "{mo.keyword}", "smsCount": "{mo.segments}",
   "price": {"pricePerMessage": 0.01, "currency": "EUR"}, "callbackData": ""}],
 "messageCount": 1, "pendingMessageCount": 0}
"""
_MMS: Final = """
{"results": [
  {"messageId": "{mo.id}", "from": "{mo.sender_digits}", "to": "{mo.recipient}",
   "receivedAt": "{mo.at:%Y-%m-%dT%H:%M:%S.000+0000}",
   "message": [{"contentType": "text/plain", "value": "{mo.text}"},
               {"contentType": "image/jpeg", "url": "https://media.invalid/1.jpg"}],
   "mmsCount": 1, "price": {"pricePerMessage": 0.01, "currency": "EUR"}, "callbackData": ""}],
 "messageCount": 1, "pendingMessageCount": 0}
"""
_RECEIPT: Final = """
{"results": [
  {"bulkId": "bulk-{mt.id}", "messageId": "{id}", "to": "{mt.recipient_digits}", "sentAt": "{call.at:%Y-%m-%dT%H:%M:%S.000+0000}",
   "doneAt": "{call.at:%Y-%m-%dT%H:%M:%S.000+0000}", "smsCount": 1, "mccMnc": "22201",
   "price": {"pricePerMessage": 0.01, "currency": "EUR"}, "status": "{status}",
   "error": {"groupId": "{is_bad}", "id": 0, "name": "{error}", "description": "{error}", "permanent": "{is_bad}"}}]}
"""


def _status(name: str) -> dict[str, object]:
    """A status by its name, which begins with that of its group."""
    group = name.partition("_")[0]
    return {"groupId": _GROUPS[group], "groupName": group, "id": 0, "name": name, "description": name.lower()}


def _mo(mo: Piece, call: Call) -> Wire:
    results = call.fill(_MMS if mo.variant == "mms" else _MO, mo=mo, rest=mo.text.partition(" ")[2])
    return _posted(results, call)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    is_bad = not status.word.startswith(("PENDING", "DELIVERED"))
    error = "EC_ABSENT_SUBSCRIBER" if is_bad else "NO_ERROR"
    values = {"id": mt.reference or mt.id, "status": _status(status.word), "is_bad": is_bad, "error": error}
    return _posted(call.fill(_RECEIPT, mt=mt, **values), call)


def _posted(results: Any, call: Call) -> Wire:
    return call.with_basic(call.post_json(results), "webhook_username", "webhook_password")


def _answer(message_id: str, recipient: str, status: str) -> LabReply:
    message = {"messageId": message_id, "status": _status(status), "destination": recipient.removeprefix("+")}
    return LabReply.json({"bulkId": f"bulk-{message_id}", "messages": [message]})


def _error(message_id: str, text: str, status: int) -> LabReply:
    exception = {"messageId": message_id, "text": text}
    return refusal({"requestError": {"serviceException": exception}}, status)


DIALECT: Final = Dialect(
    account=lab_account("infobip", "api_key", "webhook_password", base_url="{lab}", webhook_username="lab"),
    mo=_mo,
    receipt=_receipt,
    words=words(
        "accepted: DELIVERED_TO_OPERATOR, delivered: DELIVERED_TO_HANDSET, failed: UNDELIVERABLE_NOT_DELIVERED, "
        "expired: EXPIRED_EXPIRED, rejected: REJECTED_NETWORK, opted_out: REJECTED_DESTINATION_BLOCKLISTED"
    ),
    take=SendApi(
        at="POST /sms/3/messages",
        proof=header("authorization", "App {api_key}"),
        mt="""{"messages": [{"sender?": "{sender}", "destinations": [{"to": "{recipient_digits}", "messageId?": "{reference}"}],
            "content": {"text": "{text}"}, "webhooks?": {"delivery": {"url": "{receipt_url}"}}}]}""",
        nowhere=_error("NOT_FOUND", "Requested URL not found", 404),
        unproven=_error("UNAUTHORIZED", "Invalid login details", 401),
        incomplete=_error("BAD_REQUEST", "Bad Request", 400),
    ),
    accepted=lambda mt: _answer(mt.reference or mt.id, mt.recipient, "PENDING_ACCEPTED"),
    refusals=refusals(
        throttled=_error("TOO_MANY_REQUESTS", "Too many requests", 429),
        hidden_failure=_answer("", "", "REJECTED_NETWORK"),
        permanent=_error("BAD_REQUEST", "Bad Request", 400),
        opted_out=_answer("", "", "REJECTED_DESTINATION_BLOCKLISTED"),
    ),
    reads=acks(200),
    # Unconfirmed: about one minute and the square of the try's number in minutes, twenty times.
    retry=RetryRule(tries=20, first_seconds=120, factor=1.4, longest_seconds=24_060),
    variants=("", "mms"),
)
