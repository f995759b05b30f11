"""Bandwidth: arrays with messages and receipts on one URL, Basic both ways, the MO's application goes back with the reply."""

from typing import Any, Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Mt, Piece, Status, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, accepted, basic
from twoway_router.lab.dialects.wire import Wire, refusal
from twoway_router.lab.web import LabReply

_APPLICATION: Final = "lab-application-of-the-number"
"""Not the account's own: only what an MO said may come back."""

_MO: Final = """
{"type": "message-received", "time": "{call.at:%Y-%m-%dT%H:%M:%SZ}", "to": "{mo.recipient}",
 "description": "Incoming message received",
 "message": {"id": "{mo.id}", "owner": "{mo.recipient}", "applicationId": "{application}", "time": "{mo.iso_ms}",
  "segmentCount": "{mo.segments}", "direction": "in", "to": ["{mo.recipient}"], "from": "{mo.sender}", "text": "{mo.text}"}}
"""
_RECEIPT: Final = """
{"type": "{status.word}", "time": "{call.at:%Y-%m-%dT%H:%M:%SZ}", "description": "{status.word}", "to": "{to}",
 "errorCode?": "{code}",
 "message": {"id": "{id}", "owner": "{sender}", "applicationId": "{application}", "time": "{call.at:%Y-%m-%dT%H:%M:%SZ}",
  "segmentCount": 1, "direction": "out", "to": ["{to}"], "from": "{sender}", "text": "", "tag?": "{tag}"}}
"""


def _mo(mo: Piece, call: Call) -> Wire:
    event = call.fill(_MO, mo=mo, application=_APPLICATION)
    other = _event(
        call, Status("message-sending"), id=f"other-{mo.id}", to="+390600000001", sender=mo.recipient, tag=""
    )
    return _posted([other, event] if mo.variant == "batch" else [event], call)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    return _posted([_event(call, status, id=mt.id, to=mt.recipient, sender=mt.sender, tag=mt.reference)], call)


def _event(call: Call, status: Status, **mt: str) -> Any:
    return call.fill(_RECEIPT, status=status, code=int(status.code or 0), application=_APPLICATION, **mt)


def _posted(events: list[Any], call: Call) -> Wire:
    return call.with_basic(call.post_json(events), "webhook_username", "webhook_password")


def _error(kind: str, text: str, status: int) -> LabReply:
    return refusal({"type": kind, "description": text}, status)


DIALECT: Final = Dialect(
    account=lab_account(
        "bandwidth",
        "api_password",
        "webhook_password",
        account_id="9900000",
        application_id="lab-application",
        api_username="lab-api-user",
        webhook_username="lab-webhook-user",
        api_url="{lab}",
    ),
    mo=_mo,
    receipt=_receipt,
    words=words("accepted: message-sending, delivered: message-delivered, failed: message-failed/4720"),
    take=SendApi(
        at="POST /api/v2/users/{account_id}/messages",
        proof=basic("api_username", "api_password"),
        mt="""{"from": "{sender}", "to": ["{recipient}"], "applicationId": "{reply_token}", "text": "{text}",
            "tag?": "{reference}"}""",
        nowhere=_error("not-found", "No such resource", 404),
        unproven=_error("unauthorized", "Authentication failed", 401),
        incomplete=_error("request-validation", "Your request could not be accepted", 400),
    ),
    accepted=accepted(
        """{"id": "{mt.id}", "owner": "{mt.sender}", "applicationId": "{mt.reply_token}", "direction": "out",
            "to": ["{mt.recipient}"], "from": "{mt.sender}", "text": "{mt.text}", "tag": "{mt.reference}", "segmentCount": 1}""",
        202,
    ),
    refusals=refusals(
        throttled=_error("too-many-requests", "The queue is full", 429),
        permanent=_error("request-validation", "'to' must be a phone number", 400),
    ),
    retry=RetryRule(tries=30, first_seconds=60, longest_seconds=3600, timeout_seconds=10),
    variants=("", "batch"),
    reply_token=_APPLICATION,
)
