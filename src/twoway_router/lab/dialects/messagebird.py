"""MessageBird: two sets of names (short code, number) by POST or GET, a JWT over URL and body, receipts by GET."""

from typing import Final

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, as_gsm, get, json_of, jwt, post_form, refusal, sha256
from twoway_router.lab.web import LabReply, LabRequest

_TOKEN_SECONDS: Final = 60


def _signed(wire: Wire, moment: Moment, account: Account) -> Wire:
    """A token that is valid for a minute; it names the body only when there is one."""
    claims: dict[str, object] = {
        "iss": "MessageBird",
        "nbf": int(moment.epoch),
        "exp": int(moment.epoch) + _TOKEN_SECONDS,
        "jti": moment.nonce,
        "url_hash": sha256(wire.url.encode()),
    }
    claims |= {"payload_hash": sha256(wire.body)} if wire.body else {}
    return wire.with_headers({"MessageBird-Signature-JWT": jwt(claims, account["signing_key"])})


def _of_short_code(piece: Piece) -> dict[str, str]:
    return {
        "mid": piece.id,
        "shortcode": piece.recipient,
        "keyword": piece.text.split()[0].upper() if piece.text.split() else "",
        "originator": piece.digits,
        "operator": "22201",
        "message": piece.text,
        "receive_datetime": piece.at.strftime("%Y%m%d%H%M%S"),
    }


def _of_number(piece: Piece) -> dict[str, str]:
    return {
        "id": piece.id,
        "recipient": piece.recipient.removeprefix("+"),
        "originator": piece.digits,
        "body": piece.text,
        "createdDatetime": piece.at.isoformat(timespec="seconds"),
    }


def _mo(piece: Piece, url: str, moment: Moment, account: Account) -> Wire:
    match piece.variant:
        case "get":
            wire = get(url, _of_short_code(piece))
        case "number":
            wire = post_form(url, _of_number(piece))
        case "twice":
            wire = post_form(url, [*_of_short_code(piece).items()] * 2)
        case _:
            wire = post_form(url, _of_short_code(piece))
    return _signed(wire, moment, account)


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    word, _slash, code = word.partition("/")
    fields = {
        "id": mt.id,
        "recipient": mt.recipient.removeprefix("+"),
        "status": word,
        "statusDatetime": moment.at.isoformat(timespec="seconds"),
        "statusReason": "opted out" if code else "successfully delivered",
        "mccmnc": "22201",
        "ported": "0",
        "price[amount]": "0.03",
    }
    fields |= {"reference": mt.reference} if mt.reference else {}
    fields |= {"statusErrorCode": code} if code else {}
    return _signed(get(url, fields), moment, account)


def _error(code: int, text: str, status: int, parameter: str | None = None) -> LabReply:
    return refusal({"errors": [{"code": code, "description": text, "parameter": parameter}]}, status)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if (request.method, request.path) != ("POST", "/messages"):
        return _error(20, "not found", 404)
    if request.header(b"authorization") != f"AccessKey {account['access_key']}":
        return _error(2, "Request not allowed (incorrect access_key)", 401, "access_key")
    fields = json_of(request)
    told = fields.get("recipients")
    recipients = told.split(",") if isinstance(told, str) else told
    if not isinstance(recipients, list) or not any(recipients):
        return _error(9, "no (correct) recipients found", 422, "recipients")
    text = str(fields.get("body", ""))
    return TakenMt(
        sender=str(fields.get("originator", "")),
        recipient=f"+{recipients[0]}",
        text=text if fields.get("datacoding") in ("unicode", "auto") else as_gsm(text),
        reference=str(fields.get("reference", "")),
        receipt_url=str(fields.get("reportUrl", "")),
    )


def _accepted(mt: Mt) -> LabReply:
    sent = {"recipient": int(mt.recipient.removeprefix("+")), "status": "sent"}
    told = {"id": mt.id, "direction": "mt", "type": "sms", "originator": mt.sender, "body": mt.text}
    recipients = {"totalCount": 1, "totalSentCount": 1, "items": [sent]}
    return LabReply.json({**told, "reference": mt.reference, "recipients": recipients}, status=201)


def _reads(answer: Answer) -> Ack:
    """Whether a 200 without ``OK`` is enough is unconfirmed: the worse is assumed."""
    return Ack.TAKEN if answer.status == 200 and answer.body == b"OK" else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="messagebird",
        settings={"api_url": "{lab}"},
        secrets={"access_key": "lab-messagebird-access-key", "signing_key": "lab-messagebird-signing-key-of-32-bytes"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "sent",
        Report.DELIVERED: "delivered",
        Report.FAILED: "delivery_failed",
        Report.EXPIRED: "expired",
        Report.OPTED_OUT: "delivery_failed/103",
    },
    take=_take,
    accepted=_accepted,
    refusals={
        Fault.THROTTLED: _error(101, "Too many requests", 429),
        Fault.PERMANENT: _error(9, "no (correct) recipients found", 422, "recipients"),
    },
    reads=_reads,
    retry=RetryRule(tries=12, first_seconds=60, longest_seconds=3600),
    variants=("", "get", "number", "twice"),
)
