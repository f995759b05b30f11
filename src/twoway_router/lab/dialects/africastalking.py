"""Africa's Talking: forms, a ``linkId`` that must come back with the reply, an opt-out callback, refusals inside a 201."""

from typing import Final

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, form_of, keyed, plain, post_form
from twoway_router.lab.web import LabReply, LabRequest

_LINK: Final = "SampleLinkId-lab"


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    url = keyed(url, account["key"])
    if piece.is_opt_out:
        return post_form(url, {"senderId": piece.recipient, "phoneNumber": piece.sender})
    fields = {
        "linkId": _LINK,
        "text": piece.text,
        "to": piece.recipient,
        "id": piece.id,
        "date": piece.at.strftime("%Y-%m-%dT%H:%M:%SZ" if piece.variant == "iso" else "%Y-%m-%d %H:%M:%S"),
        "from": piece.sender,
        "networkCode": "63902",
        "cost": "None",
    }
    return post_form(url, fields)


def _receipt(mt: Mt, word: str, url: str, _: Moment, account: Account) -> Wire:
    status, _slash, reason = word.partition("/")
    fields = {
        "phoneNumber": mt.recipient,
        "id": mt.id,
        "status": status,
        "networkCode": "63902",
        "retryCount": "0",
    }
    fields |= {"failureReason": reason} if reason else {}
    return post_form(keyed(url, account["key"]), fields)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/version1/messaging"):
        return LabReply(status=404)
    fields = form_of(request)
    if (fields.get("username"), request.header(b"apikey")) != (account["username"], account["api_key"]):
        return plain("The supplied authentication is invalid", 401)
    if not fields.get("to"):
        return plain("Request is missing required form field 'to'", 400)
    return TakenMt(
        sender=fields.get("from", ""),
        recipient=fields["to"],
        text=fields.get("message", ""),
        reply_token=fields.get("linkId", ""),
    )


def _answer(code: int, status: str, message_id: str = "None", recipient: str = "+254711000000") -> LabReply:
    sent = int(message_id != "None")
    told = {"statusCode": code, "number": recipient, "status": status, "cost": "KES 0.8000", "messageId": message_id}
    data = {"Message": f"Sent to {sent}/1 Total Cost: KES 0.8000", "Recipients": [told]}
    return LabReply.json({"SMSMessageData": data}, status=201)


def _accepted(mt: Mt) -> LabReply:
    return _answer(101, "Success", mt.id, mt.recipient)


def _reads(answer: Answer) -> Ack:
    return Ack.TAKEN if answer.status == 200 else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="africastalking",
        settings={"username": "lab", "api_url": "{lab}"},
        secrets={"key": "lab-africastalking-key", "api_key": "lab-africastalking-api-key"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "Submitted",
        Report.DELIVERED: "Success",
        Report.FAILED: "Failed/DeliveryFailure",
        Report.EXPIRED: "Expired",
        Report.REJECTED: "Rejected/UserIsInactive",
        Report.OPTED_OUT: "Failed/UserInBlackList",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: plain("Too Many Requests", 429),
        Fault.HIDDEN: _answer(405, "InsufficientBalance"),
        Fault.PERMANENT: LabReply.json(
            {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}}, status=201
        ),
        Fault.OPTED_OUT: _answer(406, "UserInBlacklist"),
    },
    reads=_reads,
    # Unconfirmed but for their end: about ten minutes.
    retry=RetryRule(tries=7, first_seconds=10, longest_seconds=320),
    mode=Capability.BLIND,
    variants=("", "iso"),
    reply_token=_LINK,
    marks_opt_outs=True,
)
