"""Azure Communication Services: events through Event Grid, sends signed by HMAC, failures of a recipient inside a 202."""

import base64
import hashlib
import hmac
from typing import Any, Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import (
    Account,
    Call,
    Dialect,
    Mt,
    Piece,
    Status,
    acks,
    lab_account,
    refusals,
    words,
)
from twoway_router.lab.dialects.sends import SendApi
from twoway_router.lab.dialects.wire import Wire, b64, json_of, refusal
from twoway_router.lab.web import LabReply, LabRequest

_SIGNED: Final = "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="

_GRID_EVENT: Final = """
{"id": "event-{call.nonce}", "topic": "/subscriptions/lab/providers/microsoft.communication/communicationservices/lab",
 "subject": "/phonenumber/{subject}", "data": "{data}", "eventType": "Microsoft.Communication.{kind}", "dataVersion": "1.0",
 "metadataVersion": "1", "eventTime": "{call.at:%Y-%m-%dT%H:%M:%S.%f0Z}"}
"""
_CLOUD_EVENT: Final = """
{"specversion": "1.0", "id": "event-{call.nonce}", "type": "Microsoft.Communication.{kind}", "data": "{data}",
 "source": "/subscriptions/lab/providers/microsoft.communication/communicationservices/lab",
 "time": "{call.at:%Y-%m-%dT%H:%M:%S.%f0Z}"}
"""
_MO: Final = """
{"messageId": "{mo.id}", "from": "{mo.sender_digits}", "to": "{mo.recipient}", "message": "{mo.text}",
 "receivedTimestamp": "{mo.at:%Y-%m-%dT%H:%M:%S.%f0+00:00}", "segmentCount": "{mo.segments}"}
"""
_RECEIPT: Final = """
{"messageId": "{mt.id}", "from": "{mt.sender}", "to": "{mt.recipient_digits}", "deliveryStatus": "{status.word}",
 "deliveryStatusDetails": "{status.code}", "deliveryAttempts": [
  {"timestamp": "{call.at:%Y-%m-%dT%H:%M:%S.%f0Z}", "segmentsSucceeded": "{succeeded}", "segmentsFailed": "{failed}"}],
 "receivedTimestamp": "{call.at:%Y-%m-%dT%H:%M:%S.%f0Z}", "tag": "{mt.reference}"}
"""


def _mo(mo: Piece, call: Call) -> Wire:
    data = call.fill(_MO, mo=mo)
    if mo.variant == "cloud":
        wire = _posted(call.fill(_CLOUD_EVENT, kind="SMSReceived", data=data), call)
        return wire.with_headers({"Content-Type": "application/cloudevents+json; charset=utf-8"})
    event = call.fill(_GRID_EVENT, kind="SMSReceived", data=data, subject=mo.recipient)
    other = call.fill(_GRID_EVENT, kind="ChatMessageReceived", data={"messageBody": "Hi"}, subject="")
    return _posted([other, event] if mo.variant == "batch" else [event], call)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    succeeded = int(status.word == "Delivered")
    data = call.fill(_RECEIPT, mt=mt, status=status, succeeded=succeeded, failed=1 - succeeded)
    kind = "SMSDeliveryReportReceived"
    return _posted([call.fill(_GRID_EVENT, kind=kind, data=data, subject=mt.recipient_digits)], call)


def _posted(events: Any, call: Call) -> Wire:
    headers = {"aeg-event-type": "Notification", "Authorization": f"Bearer {call.account['webhook_token']}"}
    return call.post_json(events).with_headers(headers)


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


def _result(mt_id: str | None, to: str, status: int, text: str | None) -> LabReply:
    value = {"to": to, "messageId": mt_id, "httpStatusCode": status, "errorMessage": text, "successful": text is None}
    return LabReply.json({"value": [value]}, status=202)


DIALECT: Final = Dialect(
    account=lab_account(
        "azure",
        "key",
        "webhook_token",
        secrets={"access_key": b64(b"lab-azure-access-key-of-33-bytes-")},
        endpoint="{lab}",
    ),
    mo=_mo,
    receipt=_receipt,
    words=words(
        "delivered: Delivered, failed: Failed/Unknown subscriber, opted_out: Failed/Sender blocked for given recipient"
    ),
    take=SendApi(
        at="POST /sms",
        proof=_is_ours,
        read=lambda request: {**json_of(request), "api-version": request.parameter("api-version")},
        mt="""{"api-version": "2021-03-07", "from": "{sender}", "smsRecipients": [{"to": "{recipient}"}], "message": "{text}",
            "smsSendOptions?": {"tag?": "{reference}"}}""",
        nowhere=_error("NotFound", "Not found", 404),
        unproven=_error("Denied", "Denied by the resource provider.", 401),
        incomplete=_error("BadRequest", "The request is invalid", 400),
    ),
    accepted=lambda mt: _result(mt.id, mt.recipient, 202, None),
    refusals=refusals(
        throttled=_error("TooManyRequests", "Too many requests", 429, retry_after=1),
        hidden_failure=_result(None, "+390000000000", 400, "Invalid To phone number format."),
        permanent=_error("BadRequest", "The request is invalid", 400),
    ),
    # What Event Grid takes for a mistake in the subscription it never repeats.
    reads=acks(200, 201, 202, 203, 204, lost=(400, 401, 403, 413)),
    retry=RetryRule(tries=10, first_seconds=10, factor=3, longest_seconds=43_200, timeout_seconds=30),
    variants=("", "cloud", "batch"),
)
