"""Sinch SMS (XMS): JSON by type, body, nonce and time signed; what gets a 4xx from us is dropped for good."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, Splitting, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, b64, json_of, mac, post_json, refusal, within
from twoway_router.lab.web import LabReply, LabRequest

_CODES: Final = {"Dispatched": 401, "FAILED": 404, "EXPIRED": 406, "Rejected": 402}


def _signed(value: dict[str, object], url: str, moment: Moment, account: Account) -> Wire:
    wire = post_json(url, value)
    proof = mac(account["webhook_secret"], wire.body + f".{moment.nonce}.{moment.epoch}".encode())
    name = "x-sinch-webhook-signature"
    told = {name: b64(proof), f"{name}-nonce": moment.nonce, f"{name}-timestamp": moment.epoch}
    return wire.with_headers({**told, f"{name}-algorithm": "HmacSHA256"})


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    value: dict[str, object] = {
        "type": "mo_text",
        "id": piece.id,
        "from": piece.digits,
        "to": piece.recipient,
        "operator_id": "22201",
        "received_at": piece.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "sent_at": piece.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "body": piece.text,
    }
    if piece.variant == "binary":
        value |= {"type": "mo_binary", "body": b64(piece.octets), "udh": piece.part.header.hex() if piece.part else ""}
    return _signed(value, url, moment, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    value: dict[str, object] = {
        "type": "recipient_delivery_report_sms",
        "batch_id": mt.id,
        "recipient": mt.recipient.removeprefix("+"),
        "code": _CODES.get(word, 0),
        "status": word,
        "at": moment.at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "operator": "22201",
    }
    value |= {"client_reference": mt.reference} if mt.reference else {}
    return _signed(value, url, moment, account)


def _error(code: str, text: str, status: int) -> LabReply:
    return refusal({"code": code, "text": text}, status)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", f"/xms/v1/{account['service_plan_id']}/batches"):
        return LabReply(status=404)
    if request.header(b"authorization") != f"Bearer {account['api_token']}":
        return LabReply(status=401)
    told = json_of(request)
    to = within(told, "to", 0).removeprefix("+")
    if not to:
        return _error("syntax_constraint_violation", "to: may not be empty", 400)
    return TakenMt(
        sender=within(told, "from"),
        recipient=f"+{to}",
        text=within(told, "body"),
        reference=within(told, "client_reference"),
        receipt_url=within(told, "callback_url"),
    )


def _accepted(mt: Mt) -> LabReply:
    batch = {"id": mt.id, "type": "mt_text", "to": [mt.recipient.removeprefix("+")], "from": mt.sender}
    told = {"body": mt.text, "delivery_report": "per_recipient", "canceled": False, "client_reference": mt.reference}
    return LabReply.json({**batch, **told}, status=201)


def _reads(answer: Answer) -> Ack:
    if answer.is_success:
        return Ack.TAKEN
    return Ack.AGAIN if answer.status == 429 or answer.status >= 500 else Ack.LOST


DIALECT: Final = Dialect(
    account=Account(
        carrier="sinch",
        settings={"service_plan_id": "lab-plan", "api_url": "{lab}"},
        secrets={"api_token": "lab-sinch-api-token", "webhook_secret": "lab-sinch-webhook-secret"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "Dispatched",
        Report.DELIVERED: "Delivered",
        Report.FAILED: "FAILED",
        Report.EXPIRED: "EXPIRED",
        Report.REJECTED: "Rejected",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: LabReply(status=429),
        Fault.PERMANENT: _error("syntax_invalid_parameter_format", "Invalid MSISDN", 400),
    },
    reads=_reads,
    retry=RetryRule(tries=16, first_seconds=5, longest_seconds=81_920),
    variants=("", "binary"),
    narrow=frozenset({"binary"}),
    parts_of={"binary": Splitting.BY_OCTETS},
)
