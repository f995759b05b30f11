"""46elks: forms with a key in their URL; what we answer to an MO would be texted to the person."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, form_of, has_basic, keyed, plain, post_form
from twoway_router.lab.web import LabReply, LabRequest


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    fields = {
        "direction": "incoming",
        "id": piece.id,
        "from": piece.sender,
        "to": piece.recipient,
        "created": piece.at.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "message": piece.text,
    }
    return post_form(keyed(url, account["key"]), fields)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    fields = {"id": mt.id, "status": word}
    fields |= {"delivered": moment.at.strftime("%Y-%m-%dT%H:%M:%S.%f")} if word == "delivered" else {}
    return post_form(keyed(url, account["key"]), fields)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/a1/sms"):
        return plain("Not Found", 404)
    if not has_basic(request, account["api_username"], account["api_password"]):
        return plain("API access requires Basic HTTP authentication", 401)
    fields = form_of(request)
    if missing := [name for name in ("from", "to", "message") if not fields.get(name)]:
        return plain(f"Missing key {missing[0]}", 403)
    return TakenMt(
        sender=fields["from"],
        recipient=fields["to"],
        text=fields["message"],
        receipt_url=fields.get("whendelivered", ""),
    )


def _accepted(mt: Mt) -> LabReply:
    told = {"id": mt.id, "from": mt.sender, "to": mt.recipient, "message": mt.text}
    return LabReply.json({**told, "direction": "outgoing", "status": "created", "cost": 5000, "parts": 1})


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.status in (200, 201, 202, 203, 204) and not answer.body else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="46elks",
        settings={"api_username": "ulab", "api_url": "{lab}"},
        secrets={"key": "lab-46elks-key", "api_password": "lab-46elks-password"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={Report.ACCEPTED: "sent", Report.DELIVERED: "delivered", Report.FAILED: "failed"},
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: plain("Too many requests", 429),
        Fault.PERMANENT: plain("Invalid to number", 403),
    },
    reads=_reads,
    is_refusal=lambda answer: answer.status == 403 and not answer.body,
    retry=RetryRule(tries=8, first_seconds=60, longest_seconds=3600),
)
