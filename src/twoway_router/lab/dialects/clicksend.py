"""ClickSend: every value under two spellings, a key in the URL, and sends whose failure hides in a 200."""

from typing import Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Piece, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, basic
from twoway_router.lab.dialects.wire import Wire, refusal
from twoway_router.lab.web import LabReply

_MO: Final = """
{"timestamp": "{mo.epoch}", "from": "{mo.sender}", "sms": "{mo.sender}", "to": "{mo.recipient}", "body": "{mo.text}",
 "message": "{mo.text}", "message_id": "{mo.id}", "messageid": "{mo.id}", "original_message_id": "", "custom_string": "",
 "customstring": "", "user_id": "1", "subaccount_id": "1"}
"""
_RECEIPT: Final = """
{"timestamp": "{call.epoch}", "message_id": "{mt.id}", "messageid": "{mt.id}", "status_code": "{status.word}",
 "status": "{status.word}", "error_code": "{status.code}", "custom_string": "{mt.reference}", "customstring": "{mt.reference}"}
"""


def _mo(mo: Piece, call: Call) -> Wire:
    write = {"get": call.get, "json": call.post_json}.get(mo.variant, call.post_form)
    return write(_MO, mo=mo)


def _error(code: str, status: int) -> LabReply:
    return refusal({"http_code": status, "response_code": code, "response_msg": code, "data": None}, status)


def _queued(status: str, **message: str) -> LabReply:
    data = {"total_count": 1, "queued_count": 1, "messages": [{**message, "status": status}]}
    return LabReply.json({"http_code": 200, "response_code": "SUCCESS", "response_msg": "Queued.", "data": data})


DIALECT: Final = Dialect(
    account=lab_account("clicksend", "key", "api_key", username="lab", api_url="{lab}"),
    mo=_mo,
    receipt=lambda mt, status, call: call.post_form(_RECEIPT, mt=mt, status=status),
    words=words("accepted: 200, delivered: 201, failed: 301/301"),
    take=SendApi(
        at="POST /v3/sms/send",
        proof=basic("username", "api_key"),
        mt='{"messages": [{"from?": "{sender}", "to": "{recipient}", "body": "{text}", "custom_string?": "{reference}"}]}',
        nowhere=_error("NOT_FOUND", 404),
        unproven=_error("UNAUTHORIZED", 401),
        incomplete=_error("BAD_REQUEST", 400),
    ),
    accepted=lambda mt: _queued("SUCCESS", message_id=mt.id, to=mt.recipient, custom_string=mt.reference),
    refusals=refusals(
        throttled=_error("TOO_MANY_REQUESTS", 429),
        hidden_failure=_queued("COUNTRY_NOT_ENABLED"),
        permanent=_queued("INVALID_RECIPIENT"),
    ),
    reads=acks(200),
    retry=RetryRule(tries=10, first_seconds=60, longest_seconds=600),
    variants=("", "get", "json"),
)
