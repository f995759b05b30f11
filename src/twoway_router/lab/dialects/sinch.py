"""Sinch SMS (XMS): JSON by type, body, nonce and time signed; what gets a 4xx from us is dropped for good."""

from typing import Any, Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import (
    MISTAKES,
    SUCCESS,
    Call,
    Dialect,
    Piece,
    Splitting,
    acks,
    lab_account,
    refusals,
    words,
)
from twoway_router.lab.dialects.sends import SendApi, accepted, header
from twoway_router.lab.dialects.wire import Wire, b64, json_of, mac, refusal, within
from twoway_router.lab.web import LabReply

_CODES: Final = {"Dispatched": 401, "FAILED": 404, "EXPIRED": 406, "Rejected": 402}

_MO: Final = """
{"type": "mo_text", "id": "{mo.id}", "from": "{mo.sender_digits}", "to": "{mo.recipient}", "operator_id": "22201",
 "received_at": "{mo.at:%Y-%m-%dT%H:%M:%S.000Z}", "sent_at": "{mo.at:%Y-%m-%dT%H:%M:%SZ}", "body": "{mo.text}"}
"""
_RECEIPT: Final = """
{"type": "recipient_delivery_report_sms", "batch_id": "{mt.id}", "recipient": "{mt.recipient_digits}", "code": "{code}",
 "status": "{status.word}", "at": "{call.at:%Y-%m-%dT%H:%M:%S.000Z}", "operator": "22201", "client_reference?": "{mt.reference}"}
"""


def _signed(value: Any, call: Call) -> Wire:
    wire = call.post_json(value)
    proof = mac(call.account["webhook_secret"], wire.body + f".{call.nonce}.{call.epoch}".encode())
    name = "x-sinch-webhook-signature"
    headers = {name: b64(proof), f"{name}-nonce": call.nonce, f"{name}-timestamp": call.epoch}
    return wire.with_headers({**headers, f"{name}-algorithm": "HmacSHA256"})


def _mo(mo: Piece, call: Call) -> Wire:
    binary = {"type": "mo_binary", "body": b64(mo.octets), "udh": mo.header.hex()} if mo.variant == "binary" else {}
    return _signed(call.fill(_MO, mo=mo) | binary, call)


def _error(code: str, text: str, status: int) -> LabReply:
    return refusal({"code": code, "text": text}, status)


DIALECT: Final = Dialect(
    account=lab_account("sinch", "api_token", "webhook_secret", service_plan_id="lab-plan", api_url="{lab}"),
    mo=_mo,
    receipt=lambda mt, status, call: _signed(
        call.fill(_RECEIPT, mt=mt, status=status, code=_CODES.get(status.word, 0)), call
    ),
    words=words("accepted: Dispatched, delivered: Delivered, failed: FAILED, expired: EXPIRED, rejected: Rejected"),
    take=SendApi(
        at="POST /xms/v1/{service_plan_id}/batches",
        proof=header("authorization", "Bearer {api_token}"),
        # Recipients are taken with or without plus.
        read=lambda request: {**json_of(request), "digits": within(json_of(request), "to", 0).removeprefix("+")},
        mt="""{"from?": "{sender}", "to": ["{recipient_digits}"], "body": "{text}", "client_reference?": "{reference}",
            "callback_url?": "{receipt_url}"}""",
        nowhere=LabReply(status=404),
        unproven=LabReply(status=401),
        incomplete=_error("syntax_constraint_violation", "to: may not be empty", 400),
    ),
    accepted=accepted(
        """{"id": "{mt.id}", "type": "mt_text", "to": ["{mt.recipient_digits}"], "from": "{mt.sender}", "body": "{mt.text}",
            "delivery_report": "per_recipient", "canceled": false, "client_reference": "{mt.reference}"}""",
        201,
    ),
    refusals=refusals(
        throttled=LabReply(status=429),
        permanent=_error("syntax_invalid_parameter_format", "Invalid MSISDN", 400),
    ),
    reads=acks(*SUCCESS, lost={*range(300, 400), *MISTAKES}),
    retry=RetryRule(tries=16, first_seconds=5, longest_seconds=81_920),
    variants=("", "binary"),
    narrow=frozenset({"binary"}),
    parts_of={"binary": Splitting.BY_OCTETS},
)
