"""46elks: forms with a key in their URL; what we answer to an MO would be texted to the person."""

from typing import Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Dialect, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, accepted, basic
from twoway_router.lab.dialects.wire import form_of, plain

_MO: Final = """
{"direction": "incoming", "id": "{mo.id}", "from": "{mo.sender}", "to": "{mo.recipient}",
 "created": "{mo.at:%Y-%m-%dT%H:%M:%S.%f}", "message": "{mo.text}"}
"""
_RECEIPT: Final = '{"id": "{mt.id}", "status": "{status.word}", "delivered?": "{delivered}"}'

DIALECT: Final = Dialect(
    account=lab_account("46elks", "key", "api_password", api_username="ulab", api_url="{lab}"),
    mo=lambda mo, call: call.post_form(_MO, mo=mo),
    receipt=lambda mt, status, call: call.post_form(
        _RECEIPT, mt=mt, status=status, delivered=f"{call.at:%FT%T.%f}" if status.word == "delivered" else ""
    ),
    words=words("accepted: sent, delivered: delivered, failed: failed"),
    take=SendApi(
        at="POST /a1/sms",
        proof=basic("api_username", "api_password"),
        read=form_of,
        mt='{"from": "{sender}", "to": "{recipient}", "message": "{text}", "whendelivered?": "{receipt_url}"}',
        nowhere=plain("Not Found", 404),
        unproven=plain("API access requires Basic HTTP authentication", 401),
        incomplete=plain("Missing key to", 403),
    ),
    accepted=accepted("""
        {"id": "{mt.id}", "from": "{mt.sender}", "to": "{mt.recipient}", "message": "{mt.text}", "direction": "outgoing",
         "status": "created", "cost": 5000, "parts": 1}
    """),
    refusals=refusals(throttled=plain("Too many requests", 429), permanent=plain("Invalid to number", 403)),
    reads=acks(200, 201, 202, 203, 204, body=b""),
    is_refusal=lambda answer: answer.status == 403 and not answer.body,
    retry=RetryRule(tries=8, first_seconds=60, longest_seconds=3600),
)
