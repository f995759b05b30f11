"""Vonage's SMS API: form, query or JSON, parts one by one, parameters signed with time and nonce, sends always answered 200."""

from typing import Final

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import (
    MISTAKES,
    Call,
    Dialect,
    Mt,
    Piece,
    Splitting,
    Status,
    acks,
    lab_account,
    refusals,
    words,
)
from twoway_router.lab.dialects.sends import SendApi, Values, accepted, parameters
from twoway_router.lab.dialects.wire import Wire, as_gsm, form_of, mac
from twoway_router.lab.web import LabReply

_MO: Final = """
{"msisdn": "{mo.sender_digits}", "to": "{mo.recipient_digits}", "messageId": "{mo.id}", "type": "{type}", "text": "{mo.text}",
 "keyword": "{mo.keyword}", "message-timestamp": "{mo.at:%Y-%m-%d %H:%M:%S}"}
"""
_PART: Final = """
{"concat": "true", "concat-ref": "{part.reference!s}", "concat-total": "{part.total!s}", "concat-part": "{part.index!s}"}
"""
_BINARY_MO: Final = """
{"msisdn": "{mo.sender_digits}", "to": "{mo.recipient_digits}", "messageId": "{mo.id}", "type": "binary", "data": "{data}",
 "udh?": "{udh}", "message-timestamp": "{mo.at:%Y-%m-%d %H:%M:%S}"}
"""
_RECEIPT: Final = """
{"msisdn": "{mt.recipient_digits}", "to": "{mt.sender}", "network-code": "22201", "messageId": "{mt.id}", "price": "0.0300",
 "status": "{status.word}", "scts": "{call.at:%y%m%d%H%M}", "err-code": "{code}",
 "message-timestamp": "{call.at:%Y-%m-%d %H:%M:%S}", "client-ref?": "{mt.reference}"}
"""


def _signed(fields: dict[str, str], call: Call) -> dict[str, str]:
    """``&name=value`` in the order of the names, with what separates them replaced in the values."""
    fields = {**fields, "api-key": call.account["api_key"], "timestamp": call.epoch, "nonce": call.nonce}
    clean = {name: value.replace("&", "_").replace("=", "_") for name, value in fields.items()}
    text = "".join(f"&{name}={clean[name]}" for name in sorted(clean))
    return {**fields, "sig": mac(call.account["signature_secret"], text.encode()).hex()}


def _mo(mo: Piece, call: Call) -> Wire:
    if mo.variant == "binary":
        data, udh = mo.octets.hex().upper(), mo.header.hex().upper()
        return call.post_form(_signed(call.fill(_BINARY_MO, mo=mo, data=data, udh=udh), call))
    fields = call.fill(_MO, mo=mo, type="unicode" if mo.is_wide else "text")
    fields |= call.fill(_PART, part=mo.part) if mo.part else {}
    write = {"get": call.get, "json": call.post_json}.get(mo.variant, call.post_form)
    return write(_signed(fields, call))


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    is_good = status.word in ("delivered", "accepted", "buffered")
    code = status.code or ("0" if is_good else "1")
    return call.post_form(_signed(call.fill(_RECEIPT, mt=mt, status=status, code=code), call))


def _status(status: str, text: str) -> LabReply:
    return LabReply.json({"message-count": "1", "messages": [{"status": status, "error-text": text}]})


def _text(values: Values) -> str:
    return values["text"] if values["type"] == "unicode" else as_gsm(values["text"])


DIALECT: Final = Dialect(
    account=lab_account(
        "vonage", "api_secret", "signature_secret", api_key="lab-key", signature_method="sha256", api_url="{lab}"
    ),
    mo=_mo,
    receipt=_receipt,
    words=words(
        "accepted: accepted, delivered: delivered, failed: failed, expired: expired, rejected: rejected, opted_out: rejected/9"
    ),
    take=SendApi(
        at="* /sms/json",
        proof=parameters("api_key", "api_secret"),
        read=form_of,
        mt="""{"from": "{sender}", "to": "{recipient_digits}", "text": "{text}", "type?": "{type}",
            "client-ref?": "{reference}", "callback?": "{receipt_url}"}""",
        text=_text,
        nowhere=LabReply(status=404),
        unproven=_status("4", "Bad Credentials"),
        incomplete=_status("2", "Missing to param"),
    ),
    accepted=accepted("""
        {"message-count": "1", "messages": [
          {"to": "{mt.recipient_digits}", "message-id": "{mt.id}", "status": "0", "network": "22201", "message-price": "0.03"}]}
    """),
    refusals=refusals(
        throttled=_status("1", "Throughput Rate Exceeded"),
        hidden_failure=_status("3", "The text parameter is invalid"),
        permanent=_status("6", "Unroutable message"),
        opted_out=_status("7", "Number barred"),
    ),
    # Whether 4xx are repeated is unconfirmed: the worse is assumed.
    reads=acks(200, 204, lost=MISTAKES),
    retry=RetryRule(tries=100, first_seconds=5, longest_seconds=900),
    parts=Splitting.BY_TEXT,
    variants=("", "get", "json", "binary"),
    narrow=frozenset({"binary"}),
    parts_of={"binary": Splitting.BY_OCTETS},
)
