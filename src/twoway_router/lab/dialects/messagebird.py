"""MessageBird: two sets of names (short code, number) by POST or GET, a JWT over URL and body, receipts by GET."""

from typing import Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import Call, Dialect, Mt, Piece, Status, acks, lab_account, refusals, words
from twoway_router.lab.dialects.sends import SendApi, Values, header
from twoway_router.lab.dialects.wire import Wire, as_gsm, json_of, jwt, refusal, sha256
from twoway_router.lab.web import LabReply, LabRequest

_TOKEN_SECONDS: Final = 60

_SHORT_CODE_MO: Final = """
{"mid": "{mo.id}", "shortcode": "{mo.recipient}", "keyword": "{mo.keyword}", "originator": "{mo.sender_digits}",
 "operator": "22201", "message": "{mo.text}", "receive_datetime": "{mo.at:%Y%m%d%H%M%S}"}
"""
_NUMBER_MO: Final = """
{"id": "{mo.id}", "recipient": "{mo.recipient_digits}", "originator": "{mo.sender_digits}", "body": "{mo.text}",
 "createdDatetime": "{mo.at:%Y-%m-%dT%H:%M:%S+00:00}"}
"""
_RECEIPT: Final = """
{"id": "{mt.id}", "recipient": "{mt.recipient_digits}", "status": "{status.word}", "statusReason": "{reason}",
 "statusDatetime": "{call.at:%Y-%m-%dT%H:%M:%S+00:00}", "mccmnc": "22201", "ported": "0", "price[amount]": "0.03",
 "reference?": "{mt.reference}", "statusErrorCode?": "{status.code}"}
"""


def _signed(wire: Wire, call: Call) -> Wire:
    """A token that is valid for a minute; it names the body only when there is one."""
    claims: dict[str, object] = {
        "iss": "MessageBird",
        "nbf": int(call.epoch),
        "exp": int(call.epoch) + _TOKEN_SECONDS,
        "jti": call.nonce,
        "url_hash": sha256(wire.url.encode()),
    }
    claims |= {"payload_hash": sha256(wire.body)} if wire.body else {}
    return wire.with_headers({"MessageBird-Signature-JWT": jwt(claims, call.account["signing_key"])})


def _mo(mo: Piece, call: Call) -> Wire:
    fields = call.fill(_NUMBER_MO if mo.variant == "number" else _SHORT_CODE_MO, mo=mo)
    match mo.variant:
        case "get":
            return _signed(call.get(fields), call)
        case "twice":
            return _signed(call.post_form([*fields.items()] * 2), call)
        case _:
            return _signed(call.post_form(fields), call)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    reason = "opted out" if status.code else "successfully delivered"
    return _signed(call.get(_RECEIPT, mt=mt, status=status, reason=reason), call)


def _error(code: int, text: str, status: int, parameter: str | None = None) -> LabReply:
    return refusal({"errors": [{"code": code, "description": text, "parameter": parameter}]}, status)


def _fields_of(request: LabRequest) -> dict[str, object]:
    """Recipients come as a list or with commas."""
    fields = json_of(request)
    recipients = fields.get("recipients")
    return {**fields, "recipients": recipients.split(",") if isinstance(recipients, str) else recipients}


def _text(values: Values) -> str:
    return values["text"] if values["coding"] in ("unicode", "auto") else as_gsm(values["text"])


def _accepted(mt: Mt) -> LabReply:
    sent = {"recipient": int(mt.recipient_digits), "status": "sent"}
    message = {"id": mt.id, "direction": "mt", "type": "sms", "originator": mt.sender, "body": mt.text}
    recipients = {"totalCount": 1, "totalSentCount": 1, "items": [sent]}
    return LabReply.json({**message, "reference": mt.reference, "recipients": recipients}, status=201)


_NO_RECIPIENTS: Final = _error(9, "no (correct) recipients found", 422, "recipients")

DIALECT: Final = Dialect(
    account=lab_account(
        "messagebird", "access_key", secrets={"signing_key": "lab-messagebird-signing-key-of-32-bytes"}, api_url="{lab}"
    ),
    mo=_mo,
    receipt=_receipt,
    words=words(
        "accepted: sent, delivered: delivered, failed: delivery_failed, expired: expired, opted_out: delivery_failed/103"
    ),
    take=SendApi(
        at="POST /messages",
        proof=header("authorization", "AccessKey {access_key}"),
        read=_fields_of,
        mt="""{"originator?": "{sender}", "recipients": ["{recipient_digits}"], "body": "{text}", "datacoding?": "{coding}",
            "reference?": "{reference}", "reportUrl?": "{receipt_url}"}""",
        text=_text,
        nowhere=_error(20, "not found", 404),
        unproven=_error(2, "Request not allowed (incorrect access_key)", 401, "access_key"),
        incomplete=_NO_RECIPIENTS,
    ),
    accepted=_accepted,
    refusals=refusals(throttled=_error(101, "Too many requests", 429), permanent=_NO_RECIPIENTS),
    # Whether a 200 without ``OK`` is enough is unconfirmed: the worse is assumed.
    reads=acks(200, body=b"OK"),
    retry=RetryRule(tries=12, first_seconds=60, longest_seconds=3600),
    variants=("", "get", "number", "twice"),
)
