"""The generic gateway: the lab's own JSON dialect, which the demo, the crash drill and the benches speak."""

from typing import Final

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Dialect, LookUp, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, accepted
from twoway_router.lab.dialects.wire import refusal
from twoway_router.lab.web import LabReply, LabRequest

_MO: Final = '{"id": "{mo.id}", "from": "{mo.sender}", "to": "{mo.recipient}", "text": "{mo.text}"}'
_RECEIPT: Final = '{"id": "{mt.id}", "to": "{mt.recipient}", "status": "{status.word}", "reference?": "{mt.reference}"}'


def _asks(request: LabRequest) -> str | None:
    is_asked = (request.method, request.path) == ("GET", "/messages")
    return request.parameter("reference") if is_asked else None


def _tells(reference: str, mt_id: str | None) -> LabReply:
    if mt_id is None:
        return refusal({"error": "unknown reference"}, 404)
    return LabReply.json({"id": mt_id, "reference": reference, "status": "accepted"})


DIALECT: Final = Dialect(
    account=lab_account(
        "generic",
        "key",
        "send_token",
        send_url="{lab}/messages",
        send_headers={"Authorization": "Bearer {send_token}"},
        send_errors={"opted_out": "opted_out"},
        capability="idempotent",
    ),
    mo=lambda mo, call: call.post_json(_MO, mo=mo),
    receipt=lambda mt, status, call: call.post_json(_RECEIPT, mt=mt, status=status),
    words=words("accepted: accepted, delivered: delivered, failed: failed, expired: expired, rejected: rejected"),
    take=SendApi(
        at="POST /messages",
        # Without a token too: crash tests and benches set up connections that send none.
        proof=lambda request, account: request.header(b"authorization") in ("", f"Bearer {account['send_token']}"),
        mt='{"reference": "{reference}", "from": "{sender}", "to": "{recipient}", "text": "{text}"}',
        nowhere=LabReply(status=404),
        unproven=refusal({"code": "bad_token"}, 401),
        incomplete=refusal({"error": "expected reference, from, to and text"}, 400),
    ),
    accepted=accepted('{"id": "{mt.id}", "status": "accepted"}'),
    refusals=refusals(
        throttled=refusal({"error": "throttled"}, 429, retry_after=1),
        hidden_failure=refusal({"code": "no_credit"}, 200),
        permanent=refusal({"code": "bad_number"}, 400),
        opted_out=refusal({"code": "opted_out"}, 403),
    ),
    retry=RetryRule(first_seconds=10, longest_seconds=200),
    mode=Capability.IDEMPOTENT,
    look_up=LookUp(asks=_asks, answer=_tells),
)
