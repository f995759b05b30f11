"""Telnyx: JSON events signed with ed25519, three tries of two seconds, sends authorised by a bearer key."""

import base64
from dataclasses import replace
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Mt, Piece, Status, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, accepted, header
from twoway_router.lab.dialects.wire import Wire, b64, json_of, refusal
from twoway_router.lab.web import LabReply

_SEED: Final = b64(b"lab-telnyx-seed-of-32-bytes-long")

_EVENT: Final = """
{"data": {"event_type": "{kind}", "id": "event-{call.nonce}", "occurred_at": "{occurred_at}", "payload": "{payload}",
  "record_type": "event"},
 "meta": {"attempt": 1, "delivered_to": "{call.url}"}}
"""
_MO: Final = """
{"direction": "inbound", "encoding": "{encoding}", "id": "{mo.id}", "media": [], "record_type": "message", "type": "SMS",
 "from": {"carrier": "Lab Mobile", "line_type": "Wireless", "phone_number": "{mo.sender}"},
 "messaging_profile_id": "{account[messaging_profile_id]}", "parts": "{mo.segments}", "received_at": "{received_at}",
 "text": "{mo.text}", "to": [{"phone_number": "{mo.recipient}", "status": "webhook_delivered"}],
 "autoresponse_type?": "{autoresponse}"}
"""
_RECEIPT: Final = """
{"direction": "outbound", "errors": "{errors}", "from": {"phone_number": "{mt.sender}"}, "id": "{mt.id}",
 "record_type": "message", "text": "{mt.text}", "to": [{"phone_number": "{mt.recipient}", "status": "{status.word}"}]}
"""


def _key(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed)[:32])


def _signed(kind: str, payload: Any, call: Call) -> Wire:
    wire = call.post_json(_EVENT, kind=kind, payload=payload, occurred_at=call.at.isoformat(timespec="milliseconds"))
    proof = _key(call.account["seed"]).sign(f"{call.epoch}|".encode() + wire.body)
    return wire.with_headers({"telnyx-timestamp": call.epoch, "telnyx-signature-ed25519": b64(proof)})


def _mo(mo: Piece, call: Call) -> Wire:
    values = {"encoding": "UCS-2" if mo.is_wide else "GSM-7", "autoresponse": "opt_out" if mo.is_opt_out else ""}
    values |= {"received_at": mo.at.isoformat(timespec="milliseconds")}
    return _signed("message.received", call.fill(_MO, mo=mo, **values), call)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    errors = [{"code": status.code, "title": "Message undeliverable"}] if status.code else []
    kind = "message.sent" if status.word == "sent" else "message.finalized"
    return _signed(kind, call.fill(_RECEIPT, mt=mt, status=status, errors=errors), call)


def _error(code: str, title: str, status: int, *, retry_after: int | None = None) -> LabReply:
    return refusal({"errors": [{"code": code, "title": title, "detail": title}]}, status, retry_after=retry_after)


DIALECT: Final = Dialect(
    account=lab_account(
        "telnyx",
        "api_key",
        private={"seed": _SEED},
        public_key=b64(_key(_SEED).public_key().public_bytes_raw()),
        messaging_profile_id="lab-profile",
        api_url="{lab}",
    ),
    falsify=lambda account: replace(
        account,
        secrets={"api_key": "not-the-lab-api-key"},
        private={"seed": b64(b"some-other-seed-of-32-bytes-long")},
    ),
    mo=_mo,
    receipt=_receipt,
    words=words(
        "accepted: sent, delivered: delivered, failed: delivery_failed, expired: expired, opted_out: delivery_failed/40300"
    ),
    take=SendApi(
        at="POST /v2/messages",
        proof=header("authorization", "Bearer {api_key}"),
        read=lambda request: {**json_of(request), "idempotency-key": request.header(b"idempotency-key")},
        mt="""{"from": "{sender}", "to": "{recipient}", "text": "{text}", "webhook_url?": "{receipt_url}",
            "idempotency-key?": "{reference}"}""",
        nowhere=_error("10005", "Resource not found", 404),
        unproven=_error("10009", "Authentication failed", 401),
        incomplete=_error("10015", "Bad Request", 400),
    ),
    accepted=accepted("""
        {"data": {"record_type": "message", "direction": "outbound", "id": "{mt.id}",
          "to": [{"phone_number": "{mt.recipient}", "status": "queued"}]}}
    """),
    refusals=refusals(
        throttled=_error("10011", "Too many requests", 429, retry_after=1),
        permanent=_error("40310", "Invalid 'to' address", 400),
        opted_out=_error("40300", "Blocked due to STOP message", 400),
    ),
    retry=RetryRule(tries=3, first_seconds=5, factor=1, longest_seconds=5, timeout_seconds=2),
    marks_opt_outs=True,
)
