"""Telnyx: JSON events signed with ed25519, three tries of two seconds, sends authorised by a bearer key."""

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.dialects.dialect import Account, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, json_of, post_json, refusal
from twoway_router.lab.web import LabReply, LabRequest

_SEED: Final = b64(b"lab-telnyx-seed-of-32-bytes-long")


def _key(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed)[:32])


def _signed(wire: Wire, moment: Moment, account: Account) -> Wire:
    proof = _key(account["seed"]).sign(f"{moment.epoch}|".encode() + wire.body)
    return wire.with_headers({"telnyx-timestamp": moment.epoch, "telnyx-signature-ed25519": b64(proof)})


def _event(kind: str, payload: dict[str, object], url: str, moment: Moment) -> Wire:
    data = {
        "event_type": kind,
        "id": f"event-{moment.nonce}",
        "occurred_at": moment.at.isoformat(timespec="milliseconds"),
        "payload": payload,
        "record_type": "event",
    }
    return post_json(url, {"data": data, "meta": {"attempt": 1, "delivered_to": url}})


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    payload: dict[str, object] = {
        "direction": "inbound",
        "encoding": "UCS-2" if piece.is_wide else "GSM-7",
        "from": {"carrier": "Lab Mobile", "line_type": "Wireless", "phone_number": piece.sender},
        "id": piece.id,
        "media": [],
        "messaging_profile_id": account["messaging_profile_id"],
        "parts": len(piece.octets) // 134 + 1,
        "received_at": piece.at.isoformat(timespec="milliseconds"),
        "record_type": "message",
        "text": piece.text,
        "to": [{"phone_number": piece.recipient, "status": "webhook_delivered"}],
        "type": "SMS",
    }
    payload |= {"autoresponse_type": "opt_out"} if piece.is_opt_out else {}
    return _signed(_event("message.received", payload, url, moment), moment, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    word, _slash, code = word.partition("/")
    payload: dict[str, object] = {
        "direction": "outbound",
        "errors": [{"code": code, "title": "Message undeliverable"}] if code else [],
        "from": {"phone_number": mt.sender},
        "id": mt.id,
        "record_type": "message",
        "text": mt.text,
        "to": [{"phone_number": mt.recipient, "status": word}],
    }
    kind = "message.sent" if word == "sent" else "message.finalized"
    return _signed(_event(kind, payload, url, moment), moment, account)


def _error(code: str, title: str, status: int, *, retry_after: int | None = None) -> LabReply:
    return refusal({"errors": [{"code": code, "title": title, "detail": title}]}, status, retry_after=retry_after)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/v2/messages"):
        return _error("10005", "Resource not found", 404)
    if request.header(b"authorization") != f"Bearer {account['api_key']}":
        return _error("10009", "Authentication failed", 401)
    fields = json_of(request)
    if not all(fields.get(name) for name in ("from", "to", "text")):
        return _error("10015", "Bad Request", 400)
    return TakenMt(
        sender=str(fields["from"]),
        recipient=str(fields["to"]),
        text=str(fields["text"]),
        reference=request.header(b"idempotency-key"),
        receipt_url=str(fields.get("webhook_url", "")),
    )


def _accepted(mt: Mt) -> LabReply:
    to = [{"phone_number": mt.recipient, "status": "queued"}]
    return LabReply.json({"data": {"record_type": "message", "direction": "outbound", "id": mt.id, "to": to}})


DIALECT: Final = Dialect(
    account=Account(
        carrier="telnyx",
        settings={
            "public_key": b64(_key(_SEED).public_key().public_bytes_raw()),
            "messaging_profile_id": "lab-profile",
            "api_url": "{lab}",
        },
        secrets={"api_key": "lab-telnyx-api-key"},
        private={"seed": _SEED},
    ),
    falsify=lambda account: Account(
        carrier=account.carrier,
        settings=account.settings,
        secrets={"api_key": "not-the-lab-api-key"},
        private={"seed": b64(b"some-other-seed-of-32-bytes-long")},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "sent",
        Report.DELIVERED: "delivered",
        Report.FAILED: "delivery_failed",
        Report.EXPIRED: "expired",
        Report.OPTED_OUT: "delivery_failed/40300",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: _error("10011", "Too many requests", 429, retry_after=1),
        Fault.PERMANENT: _error("40310", "Invalid 'to' address", 400),
        Fault.OPTED_OUT: _error("40300", "Blocked due to STOP message", 400),
    },
    retry=RetryRule(tries=3, first_seconds=5, factor=1, longest_seconds=5, timeout_seconds=2),
    marks_opt_outs=True,
)
