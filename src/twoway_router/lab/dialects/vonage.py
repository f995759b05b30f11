"""Vonage's SMS API: form, query or JSON, parts one by one, parameters signed with time and nonce, sends always answered 200."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, Splitting, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, as_gsm, form_of, get, mac, post_form, post_json
from twoway_router.lab.web import LabReply, LabRequest


def _signed(fields: dict[str, str], moment: Moment, account: Account) -> dict[str, str]:
    """``&name=value`` in the order of the names, with what separates them replaced in the values."""
    told = {**fields, "api-key": account["api_key"], "timestamp": moment.epoch, "nonce": moment.nonce}
    clean = {name: value.replace("&", "_").replace("=", "_") for name, value in told.items()}
    text = "".join(f"&{name}={clean[name]}" for name in sorted(clean))
    return {**told, "sig": mac(account["signature_secret"], text.encode()).hex()}


def _written(fields: dict[str, str], url: str, variant: str) -> Wire:
    match variant:
        case "get":
            return get(url, fields)
        case "json":
            return post_json(url, fields)
        case _:
            return post_form(url, fields)


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    fields = {
        "msisdn": piece.digits,
        "to": piece.recipient.removeprefix("+"),
        "messageId": piece.id,
        "message-timestamp": piece.at.strftime("%Y-%m-%d %H:%M:%S"),
    }
    if piece.variant == "binary":
        fields |= {"type": "binary", "data": piece.octets.hex().upper()}
        fields |= {"udh": piece.part.header.hex().upper()} if piece.part else {}
        return post_form(url, _signed(fields, moment, account))
    keyword = piece.text.split()[0].upper() if piece.text.split() else ""
    fields |= {"type": "unicode" if piece.is_wide else "text", "text": piece.text, "keyword": keyword}
    if piece.part:
        part = piece.part
        fields |= {"concat": "true", "concat-ref": str(part.reference)}
        fields |= {"concat-total": str(part.total), "concat-part": str(part.index)}
    return _written(_signed(fields, moment, account), url, piece.variant)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    word, _slash, code = word.partition("/")
    is_good = word in ("delivered", "accepted", "buffered")
    fields = {
        "msisdn": mt.recipient.removeprefix("+"),
        "to": mt.sender,
        "network-code": "22201",
        "messageId": mt.id,
        "price": "0.0300",
        "status": word,
        "scts": moment.at.strftime("%y%m%d%H%M"),
        "err-code": code or ("0" if is_good else "1"),
        "message-timestamp": moment.at.strftime("%Y-%m-%d %H:%M:%S"),
    }
    fields |= {"client-ref": mt.reference} if mt.reference else {}
    return post_form(url, _signed(fields, moment, account))


def _status(status: str, text: str) -> LabReply:
    return LabReply.json({"message-count": "1", "messages": [{"status": status, "error-text": text}]})


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if request.path != "/sms/json":
        return LabReply(status=404)
    fields = form_of(request)
    if (fields.get("api_key"), fields.get("api_secret")) != (account["api_key"], account["api_secret"]):
        return _status("4", "Bad Credentials")
    if not all(fields.get(name) for name in ("from", "to", "text")):
        return _status("2", "Missing to param")
    return TakenMt(
        sender=fields["from"],
        recipient="+" + fields["to"],
        text=fields["text"] if fields.get("type") == "unicode" else as_gsm(fields["text"]),
        reference=fields.get("client-ref", ""),
        receipt_url=fields.get("callback", ""),
    )


def _accepted(mt: Mt) -> LabReply:
    told = {"to": mt.recipient.removeprefix("+"), "message-id": mt.id, "status": "0", "network": "22201"}
    return LabReply.json({"message-count": "1", "messages": [{**told, "message-price": "0.03"}]})


def _reads(answer: Answer) -> Ack:
    """Whether 4xx are repeated is unconfirmed: the worse is assumed."""
    if answer.status in (200, 204):
        return Ack.TAKEN
    return Ack.LOST if 400 <= answer.status < 500 and answer.status != 429 else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="vonage",
        settings={"api_key": "lab-key", "signature_method": "sha256", "api_url": "{lab}"},
        secrets={"api_secret": "lab-vonage-secret", "signature_secret": "lab-vonage-signature-secret"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "accepted",
        Report.DELIVERED: "delivered",
        Report.FAILED: "failed",
        Report.EXPIRED: "expired",
        Report.REJECTED: "rejected",
        Report.OPTED_OUT: "rejected/9",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: _status("1", "Throughput Rate Exceeded"),
        Fault.HIDDEN: _status("9", "Partner quota exceeded"),
        Fault.PERMANENT: _status("6", "Unroutable message"),
        Fault.OPTED_OUT: _status("7", "Number barred"),
    },
    reads=_reads,
    retry=RetryRule(tries=100, first_seconds=5, longest_seconds=900),
    parts=Splitting.BY_TEXT,
    variants=("", "get", "json", "binary"),
    narrow=frozenset({"binary"}),
    parts_of={"binary": Splitting.BY_OCTETS},
)
