"""Bird: JSON events in an envelope, signed over time, URL and body; the channel, not the message, names our number.

In the lab a channel's id is its number, so that an MT's sender can be seen.
"""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.dialects.dialect import Account, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, json_of, mac, post_json, refusal, sha256
from twoway_router.lab.web import LabReply, LabRequest

_NUMBER: Final = "12345"


def _signed(wire: Wire, moment: Moment, account: Account) -> Wire:
    digest = bytes.fromhex(sha256(wire.body))
    proof = mac(account["signing_key"], f"{moment.epoch}\n{wire.url}\n".encode() + digest)
    return wire.with_headers({"messagebird-signature": b64(proof), "messagebird-request-timestamp": moment.epoch})


def _event(kind: str, message: dict[str, object], url: str, moment: Moment, account: Account) -> Wire:
    envelope = {"service": "channels", "event": kind, "payload": message, "createdAt": _at(moment)}
    return _signed(post_json(url, envelope), moment, account)


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    at = piece.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message: dict[str, object] = {
        "id": piece.id,
        "channelId": piece.recipient,
        "sender": {"contact": _contact(piece.sender)},
        "receiver": {"connector": {"id": "86cc4dc0-0000-4000-8000-00000000001a"}},
        "body": {"type": "text", "text": {"text": piece.text}},
        "meta": {"extraInformation": {"timestamp": at}},
        "reference": "",
        "parts": [{"platformReference": f"lab-{piece.id}"}],
        "status": "delivered",
        "reason": "",
        "direction": "incoming",
        "lastStatusAt": at,
        "createdAt": at,
        "updatedAt": at,
    }
    if piece.variant == "bare":
        return _signed(post_json(url, message), moment, account)
    return _event("sms.inbound", message, url, moment, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    message: dict[str, object] = {
        "id": mt.id,
        "channelId": mt.sender,
        "receiver": {"contacts": [_contact(mt.recipient)]},
        "body": {"type": "text", "text": {"text": mt.text}},
        "reference": mt.reference,
        "status": word,
        "reason": "",
        "direction": "outgoing",
        "lastStatusAt": _at(moment),
        "createdAt": _at(moment),
        "updatedAt": _at(moment),
    }
    message |= {} if word in ("sent", "delivered") else {"failure": {"code": 5, "description": "absent subscriber"}}
    return _event("sms.outbound", message, url, moment, account)


def _contact(msisdn: str) -> dict[str, str]:
    return {"id": f"contact-{msisdn}", "identifierKey": "phonenumber", "identifierValue": msisdn}


def _at(moment: Moment) -> str:
    return moment.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(code: str, text: str, status: int) -> LabReply:
    return refusal({"code": code, "message": text}, status)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    channels = f"/workspaces/{account['workspace_id']}/channels/"
    channel, _slash, rest = request.path.removeprefix(channels).partition("/")
    if request.method != "POST" or not request.path.startswith(channels) or rest != "messages":
        return _error("NotFound", "Not found", 404)
    if request.header(b"authorization") != f"AccessKey {account['access_key']}":
        return _error("Unauthorized", "Access key is not valid", 401)
    match json_of(request):
        case {
            "receiver": {"contacts": [{"identifierValue": str(recipient)}]},
            "body": {"type": "text", "text": {"text": str(text)}},
            **others,
        }:
            reference = str(others.get("reference", ""))
            return TakenMt(sender=channel, recipient=recipient, text=text, reference=reference)
    return _error("InvalidPayload", "The request payload is not valid", 422)


def _accepted(mt: Mt) -> LabReply:
    told = {"id": mt.id, "channelId": mt.sender, "reference": mt.reference, "status": "accepted"}
    receiver = {"contacts": [_contact(mt.recipient)]}
    return LabReply.json({**told, "receiver": receiver, "direction": "outgoing"}, status=202)


DIALECT: Final = Dialect(
    account=Account(
        carrier="bird",
        settings={"workspace_id": "lab-workspace", "channel_id": _NUMBER, "number": _NUMBER, "api_url": "{lab}"},
        secrets={"access_key": "lab-bird-access-key", "signing_key": "lab-bird-signing-key"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "sent",
        Report.DELIVERED: "delivered",
        Report.FAILED: "delivery_failed",
        Report.REJECTED: "rejected",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: _error("TooManyRequests", "Too many requests", 429),
        Fault.PERMANENT: _error("InvalidPayload", "The request payload is not valid", 422),
    },
    retry=RetryRule(tries=14, first_seconds=60, longest_seconds=3600),
    variants=("", "bare"),
    number_settings=("channel_id", "number"),
)
