"""Africa's Talking: forms, a ``linkId`` that must come back with the reply, an opt-out callback, refusals inside a 201."""

from typing import Final

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Piece, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, accepted
from twoway_router.lab.dialects.wire import Wire, form_of, plain
from twoway_router.lab.web import LabReply

_LINK: Final = "SampleLinkId-lab"

_MO: Final = """
{"linkId": "SampleLinkId-lab", "text": "{mo.text}", "to": "{mo.recipient}", "id": "{mo.id}", "date": "{date}",
 "from": "{mo.sender}", "networkCode": "63902", "cost": "None"}
"""
_OPT_OUT: Final = '{"senderId": "{mo.recipient}", "phoneNumber": "{mo.sender}"}'
_RECEIPT: Final = """
{"phoneNumber": "{mt.recipient}", "id": "{mt.id}", "status": "{status.word}", "networkCode": "63902", "retryCount": "0",
 "failureReason?": "{status.code}"}
"""
_ACCEPTED: Final = """
{"SMSMessageData": {"Message": "Sent to 1/1 Total Cost: KES 0.8000", "Recipients": [
  {"statusCode": 101, "number": "{mt.recipient}", "status": "Success", "cost": "KES 0.8000", "messageId": "{mt.id}"}
]}}
"""


def _mo(mo: Piece, call: Call) -> Wire:
    if mo.is_opt_out:
        return call.post_form(_OPT_OUT, mo=mo)
    date = f"{mo.at:%Y-%m-%dT%H:%M:%SZ}" if mo.variant == "iso" else f"{mo.at:%Y-%m-%d %H:%M:%S}"
    return call.post_form(_MO, mo=mo, date=date)


def _unsent(text: str, *recipients: dict[str, object]) -> LabReply:
    return LabReply.json({"SMSMessageData": {"Message": text, "Recipients": recipients}}, status=201)


def _refused(code: int, status: str) -> LabReply:
    recipient = {"statusCode": code, "number": "+254711000000", "status": status, "cost": "KES 0.8000"}
    return _unsent("Sent to 0/1 Total Cost: KES 0.8000", {**recipient, "messageId": "None"})


DIALECT: Final = Dialect(
    account=lab_account("africastalking", "key", "api_key", username="lab", api_url="{lab}"),
    mo=_mo,
    receipt=lambda mt, status, call: call.post_form(_RECEIPT, mt=mt, status=status),
    words=words(
        "accepted: Submitted, delivered: Success, failed: Failed/DeliveryFailure, expired: Expired, "
        "rejected: Rejected/UserIsInactive, opted_out: Failed/UserInBlackList"
    ),
    take=SendApi(
        at="POST /version1/messaging",
        proof=lambda request, account: (
            (form_of(request).get("username"), request.header(b"apikey")) == (account["username"], account["api_key"])
        ),
        read=form_of,
        mt='{"from?": "{sender}", "to": "{recipient}", "message": "{text}", "linkId?": "{reply_token}"}',
        nowhere=LabReply(status=404),
        unproven=plain("The supplied authentication is invalid", 401),
        incomplete=plain("Request is missing required form field 'to'", 400),
    ),
    accepted=accepted(_ACCEPTED, 201),
    refusals=refusals(
        throttled=plain("Too Many Requests", 429),
        hidden_failure=_refused(403, "InvalidPhoneNumber"),
        permanent=_unsent("InvalidPhoneNumber"),
        opted_out=_refused(406, "UserInBlacklist"),
    ),
    reads=acks(200),
    # Unconfirmed but for their end: about ten minutes.
    retry=RetryRule(tries=7, first_seconds=10, longest_seconds=320),
    mode=Capability.BLIND,
    variants=("", "iso"),
    reply_token=_LINK,
    marks_opt_outs=True,
)
