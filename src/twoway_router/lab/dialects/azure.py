"""Azure Communication Services: events through Event Grid, sends signed by HMAC, failures of a recipient inside a 202."""

import base64
import hashlib
import hmac
from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, json_of, keyed, post_json, refusal
from twoway_router.lab.web import LabReply, LabRequest

_TOPIC: Final = "/subscriptions/lab/providers/microsoft.communication/communicationservices/lab"
_SIGNED: Final = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="
_DELIVERED: Final = "Delivered"


def _event(kind: str, data: dict[str, object], moment: Moment) -> dict[str, object]:
    """In Event Grid's own schema."""
    return {
        "id": f"event-{moment.nonce}",
        "topic": _TOPIC,
        "subject": f"/phonenumber/{data.get('to', '')}",
        "data": data,
        "eventType": kind,
        "dataVersion": "1.0",
        "metadataVersion": "1",
        "eventTime": _at(moment),
    }


def _posted(value: object, url: str, account: Account) -> Wire:
    headers = {"aeg-event-type": "Notification", "Authorization": f"Bearer {account['webhook_token']}"}
    return post_json(keyed(url, account["key"]), value).with_headers(headers)


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    data: dict[str, object] = {
        "messageId": piece.id,
        "from": piece.digits,
        "to": piece.recipient,
        "message": piece.text,
        "receivedTimestamp": piece.at.strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00"),
        "segmentCount": len(piece.octets) // 134 + 1,
    }
    kind = "Microsoft.Communication.SMSReceived"
    if piece.variant == "cloud":
        event = {"specversion": "1.0", "id": f"event-{moment.nonce}", "source": _TOPIC, "type": kind, "data": data}
        wire = _posted({**event, "time": _at(moment)}, url, account)
        return wire.with_headers({"Content-Type": "application/cloudevents+json; charset=utf-8"})
    others = [_event("Microsoft.Communication.ChatMessageReceived", {"messageBody": "Hi"}, moment)]
    events = [*others, _event(kind, data, moment)] if piece.variant == "batch" else [_event(kind, data, moment)]
    return _posted(events, url, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    word, _slash, details = word.partition("/")
    attempt = {
        "timestamp": _at(moment),
        "segmentsSucceeded": int(word == _DELIVERED),
        "segmentsFailed": int(word != _DELIVERED),
    }
    data: dict[str, object] = {
        "messageId": mt.id,
        "from": mt.sender,
        "to": mt.recipient.removeprefix("+"),
        "deliveryStatus": word,
        "deliveryStatusDetails": details,
        "deliveryAttempts": [attempt],
        "receivedTimestamp": _at(moment),
        "tag": mt.reference,
    }
    return _posted([_event("Microsoft.Communication.SMSDeliveryReportReceived", data, moment)], url, account)


def _at(moment: Moment) -> str:
    """With seven digits of a second."""
    return moment.at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def _is_ours(request: LabRequest, account: Account) -> bool:
    """The digest of the body, and the signature over address, date, host and digest."""
    date, host = request.header(b"x-ms-date"), request.header(b"host")
    digest = b64(hashlib.sha256(request.body).digest())
    signed = f"{request.method}\n{request.path}?{request.query.decode('latin-1')}\n{date};{host};{digest}"
    proof = hmac.digest(base64.b64decode(account["access_key"]), signed.encode(), "sha256")
    has_digest = request.header(b"x-ms-content-sha256") == digest
    return has_digest and bool(date) and request.header(b"authorization") == _SIGNED + b64(proof)


def _error(code: str, text: str, status: int, *, retry_after: int | None = None) -> LabReply:
    return refusal({"error": {"code": code, "message": text}}, status, retry_after=retry_after)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/sms"):
        return _error("NotFound", "Not found", 404)
    if not _is_ours(request, account):
        return _error("Denied", "Denied by the resource provider.", 401)
    if request.parameter("api-version") != "2021-03-07":
        return _error("UnsupportedApiVersion", "The requested version is not supported", 400)
    match json_of(request):
        case {"from": str(sender), "smsRecipients": [{"to": str(recipient)}], "message": str(text), **others}:
            options = others.get("smsSendOptions")
            tag = options.get("tag", "") if isinstance(options, dict) else ""
            return TakenMt(sender=sender, recipient=recipient, text=text, reference=str(tag))
    return _error("BadRequest", "The request is invalid", 400)


def _value(mt_id: str | None, to: str, status: int, text: str | None) -> LabReply:
    told = {"to": to, "messageId": mt_id, "httpStatusCode": status, "errorMessage": text}
    return LabReply.json({"value": [{**told, "successful": text is None}]}, status=202)


def _reads(answer: Answer) -> Ack:
    """What Event Grid takes for a mistake in the subscription it never repeats."""
    if 200 <= answer.status <= 204:
        return Ack.TAKEN
    return Ack.LOST if answer.status in (400, 401, 403, 413) else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="azure",
        settings={"endpoint": "{lab}"},
        secrets={
            "key": "lab-azure-key",
            "webhook_token": "lab-azure-webhook-token",
            "access_key": b64(b"lab-azure-access-key-of-33-bytes-"),
        },
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.DELIVERED: _DELIVERED,
        Report.FAILED: "Failed/Unknown subscriber",
        Report.OPTED_OUT: "Failed/Sender blocked for given recipient",
    },
    take=_take,
    accepted=lambda mt: _value(mt.id, mt.recipient, 202, None),
    refusals={
        Fault.THROTTLED: _error("TooManyRequests", "Too many requests", 429, retry_after=1),
        Fault.HIDDEN: _value(None, "+390000000000", 400, "Invalid To phone number format."),
        Fault.PERMANENT: _error("BadRequest", "The request is invalid", 400),
    },
    reads=_reads,
    retry=RetryRule(tries=10, first_seconds=10, factor=3, longest_seconds=43_200, timeout_seconds=30),
    variants=("", "cloud", "batch"),
)
