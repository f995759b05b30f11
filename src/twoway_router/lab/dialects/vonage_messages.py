"""Vonage's Messages API: JSON and a JWT that names the body's hash; only a receipt says that a person has opted out."""

from typing import Any, Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Mt, Status, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, Values, accepted, basic
from twoway_router.lab.dialects.wire import Wire, as_gsm, jwt, refusal, sha256
from twoway_router.lab.web import LabReply

_ERRORS: Final = "https://developer.nexmo.com/api-errors/messages-olympus"

_MO: Final = """
{"channel": "sms", "message_uuid": "{mo.id}", "to": "{mo.recipient_digits}", "from": "{mo.sender_digits}",
 "timestamp": "{mo.at:%Y-%m-%dT%H:%M:%SZ}", "context_status": "none", "message_type": "text", "text": "{mo.text}",
 "sms": {"num_messages": "{mo.segments!s}", "keyword": "{mo.keyword}"}, "usage": {"price": "0.0000", "currency": "EUR"}}
"""
_RECEIPT: Final = """
{"message_uuid": "{mt.id}", "to": "{mt.recipient_digits}", "from": "{mt.sender}", "timestamp": "{call.at:%Y-%m-%dT%H:%M:%S.000Z}",
 "status": "{status.word}", "channel": "sms", "destination": {"network_code": "22201"}, "sms": {"count_total": "1"},
 "usage": {"currency": "EUR", "price": "0.0333"}, "error?": "{error}", "client_ref?": "{mt.reference}"}
"""


def _signed(value: Any, call: Call) -> Wire:
    wire = call.post_json(value)
    claims = {
        "iss": "Vonage",
        "iat": int(call.epoch),
        "jti": call.nonce,
        "api_key": call.account["api_key"],
        "application_id": "lab-application",
        "payload_hash": sha256(wire.body),
    }
    return wire.with_headers({"Authorization": f"Bearer {jwt(claims, call.account['signature_secret'])}"})


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    error = (
        {"type": f"{_ERRORS}#{status.code}", "title": int(status.code), "instance": call.nonce} if status.code else {}
    )
    return _signed(call.fill(_RECEIPT, mt=mt, status=status, error=error), call)


def _error(code: str, title: str, detail: str, status: int) -> LabReply:
    return refusal({"type": f"{_ERRORS}#{code}", "title": title, "detail": detail, "instance": "lab"}, status)


def _text(values: Values) -> str:
    return as_gsm(values["text"]) if values["coding"] == "text" else values["text"]


_INVALID: Final = _error("1150", "Invalid params", "The value of one or more parameters is invalid.", 422)

DIALECT: Final = Dialect(
    account=lab_account("vonage_messages", "api_secret", "signature_secret", api_key="lab-key", api_url="{lab}"),
    mo=lambda mo, call: _signed(call.fill(_MO, mo=mo), call),
    receipt=_receipt,
    words=words(
        "accepted: submitted, delivered: delivered, failed: undeliverable, rejected: rejected/1260, opted_out: rejected/1240"
    ),
    take=SendApi(
        at="POST /v1/messages",
        proof=basic("api_key", "api_secret"),
        mt="""{"from": "{sender}", "to": "{recipient_digits}", "text": "{text}", "sms?": {"encoding_type?": "{coding}"},
            "client_ref?": "{reference}", "webhook_url?": "{receipt_url}"}""",
        text=_text,
        nowhere=LabReply(status=404),
        unproven=_error("1070", "Unauthorized", "You did not provide correct credentials.", 401),
        incomplete=_INVALID,
    ),
    accepted=accepted('{"message_uuid": "{mt.id}"}', 202),
    refusals=refusals(
        throttled=_error("1010", "Rate Limit Hit", "Please wait, then retry your request", 429), permanent=_INVALID
    ),
    reads=acks(200),
    # Unconfirmed: as its SMS API does, for a day.
    retry=RetryRule(tries=100, first_seconds=5, longest_seconds=900),
)
