"""The generic gateway: the lab's own JSON dialect, which the demo, the crash drill and the benches speak."""

from typing import Final

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.dialects.dialect import Account, Dialect, LookUp, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, json_of, keyed, post_json, refusal
from twoway_router.lab.web import LabReply, LabRequest

_WANTED: Final = ("reference", "from", "to", "text")


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    fields = {"id": piece.id, "from": piece.sender, "to": piece.recipient, "text": piece.text}
    return post_json(keyed(url, account["key"]), fields)


def _receipt(mt: Mt, word: str, url: str, _: Moment, account: Account) -> Wire:
    fields = {"id": mt.id, "to": mt.recipient, "status": word}
    return post_json(keyed(url, account["key"]), fields | ({"reference": mt.reference} if mt.reference else {}))


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/messages"):
        return LabReply(status=404)
    if request.header(b"authorization") not in ("", f"Bearer {account['send_token']}"):
        return refusal({"code": "bad_token"}, 401)
    fields = json_of(request)
    if not all(name in fields for name in _WANTED):
        return refusal({"error": "expected reference, from, to and text"}, 400)
    reference, sender, recipient, text = (str(fields[name]) for name in _WANTED)
    return TakenMt(sender=sender, recipient=recipient, text=text, reference=reference)


def _asked_for(request: LabRequest) -> str | None:
    is_asked = (request.method, request.path) == ("GET", "/messages")
    return request.parameter("reference") if is_asked else None


def _found(reference: str, mt_id: str | None) -> LabReply:
    if mt_id is None:
        return refusal({"error": "unknown reference"}, 404)
    return LabReply.json({"id": mt_id, "reference": reference, "status": "accepted"})


DIALECT: Final = Dialect(
    account=Account(
        carrier="generic",
        settings={
            "send_url": "{lab}/messages",
            "send_headers": {"Authorization": "Bearer {send_token}"},
            "send_errors": {"opted_out": "opted_out"},
            "capability": "idempotent",
        },
        secrets={"key": "lab-generic-key", "send_token": "lab-generic-send-token"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "accepted",
        Report.DELIVERED: "delivered",
        Report.FAILED: "failed",
        Report.EXPIRED: "expired",
        Report.REJECTED: "rejected",
    },
    take=_take,
    accepted=lambda mt: LabReply.json({"id": mt.id, "status": "accepted"}),
    refusals={
        Fault.THROTTLED: refusal({"error": "throttled"}, 429, retry_after=1),
        Fault.HIDDEN: refusal({"code": "no_credit"}, 200),
        Fault.PERMANENT: refusal({"code": "bad_number"}, 400),
        Fault.OPTED_OUT: refusal({"code": "opted_out"}, 403),
    },
    retry=RetryRule(first_seconds=10, longest_seconds=200),
    mode=Capability.IDEMPOTENT,
    look_up=LookUp(asks=_asked_for, answer=_found),
)
