"""Bandwidth: arrays with messages and receipts on one URL, Basic both ways, the MO's application goes back with the reply."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.dialects.dialect import Account, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, has_basic, json_of, post_json, refusal
from twoway_router.lab.web import LabReply, LabRequest

_APPLICATION: Final = "lab-application-of-the-number"
"""Not the account's own: only what an MO said may come back."""


def _posted(events: list[dict[str, object]], url: str, account: Account) -> Wire:
    proof = b64(f"{account['webhook_username']}:{account['webhook_password']}".encode())
    return post_json(url, events).with_headers({"Authorization": f"Basic {proof}"})


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    message = {
        "id": piece.id,
        "owner": piece.recipient,
        "applicationId": _APPLICATION,
        "time": piece.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "segmentCount": len(piece.octets) // 134 + 1,
        "direction": "in",
        "to": [piece.recipient],
        "from": piece.sender,
        "text": piece.text,
    }
    event: dict[str, object] = {
        "type": "message-received",
        "time": _at(moment),
        "description": "Incoming message received",
        "to": piece.recipient,
        "message": message,
    }
    others = [_event(f"other-{piece.id}", "+390600000001", piece.recipient, "message-sending", moment)]
    return _posted([*others, event] if piece.variant == "batch" else [event], url, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    return _posted([_event(mt.id, mt.recipient, mt.sender, word, moment, mt.reference)], url, account)


def _event(mt_id: str, recipient: str, sender: str, word: str, moment: Moment, tag: str = "") -> dict[str, object]:
    """What a receipt says of one MT."""
    word, _slash, code = word.partition("/")
    message: dict[str, object] = {
        "id": mt_id,
        "owner": sender,
        "applicationId": _APPLICATION,
        "time": _at(moment),
        "segmentCount": 1,
        "direction": "out",
        "to": [recipient],
        "from": sender,
        "text": "",
    }
    message |= {"tag": tag} if tag else {}
    event: dict[str, object] = {"type": word, "time": _at(moment), "description": word, "to": recipient}
    return event | ({"errorCode": int(code)} if code else {}) | {"message": message}


def _at(moment: Moment) -> str:
    return moment.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(kind: str, text: str, status: int) -> LabReply:
    return refusal({"type": kind, "description": text}, status)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", f"/api/v2/users/{account['account_id']}/messages"):
        return _error("not-found", "No such resource", 404)
    if not has_basic(request, account["api_username"], account["api_password"]):
        return _error("unauthorized", "Authentication failed", 401)
    fields = json_of(request)
    recipients = fields.get("to")
    if not isinstance(recipients, list) or not all(fields.get(name) for name in ("applicationId", "from", "to")):
        return _error("request-validation", "Your request could not be accepted", 400)
    return TakenMt(
        sender=str(fields["from"]),
        recipient=str(recipients[0]),
        text=str(fields.get("text", "")),
        reference=str(fields.get("tag", "")),
        reply_token=str(fields["applicationId"]),
    )


def _accepted(mt: Mt) -> LabReply:
    told = {"id": mt.id, "owner": mt.sender, "applicationId": mt.reply_token, "direction": "out"}
    sent = {"to": [mt.recipient], "from": mt.sender, "text": mt.text, "tag": mt.reference, "segmentCount": 1}
    return LabReply.json({**told, **sent}, status=202)


DIALECT: Final = Dialect(
    account=Account(
        carrier="bandwidth",
        settings={
            "account_id": "9900000",
            "application_id": "lab-application",
            "api_username": "lab-api-user",
            "webhook_username": "lab-webhook-user",
            "api_url": "{lab}",
        },
        secrets={"api_password": "lab-bandwidth-api", "webhook_password": "lab-bandwidth-webhook"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "message-sending",
        Report.DELIVERED: "message-delivered",
        Report.FAILED: "message-failed/4720",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: _error("too-many-requests", "The queue is full", 429),
        Fault.PERMANENT: _error("request-validation", "'to' must be a phone number", 400),
    },
    retry=RetryRule(tries=30, first_seconds=60, longest_seconds=3600, timeout_seconds=10),
    variants=("", "batch"),
    reply_token=_APPLICATION,
)
