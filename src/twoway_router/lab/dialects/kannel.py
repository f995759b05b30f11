"""Kannel's smsbox: bytes with their charset in the query, parts with their header, receipts at the URL of each MT."""

from typing import Final
from urllib.parse import quote, urlencode

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece, Splitting, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, form_of, keyed, plain
from twoway_router.lab.web import LabReply, LabRequest

_SMSC: Final = "lab-smsc"


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    coding, charset = ("2", "UTF-16BE") if piece.is_wide else ("0", "UTF-8")
    header = piece.part.header if piece.part else b""
    octets = piece.octets
    if piece.variant == "recoded":
        coding, charset, octets = "0", "UTF-8", piece.text.encode()
    if piece.variant == "post":
        return _posted(piece, keyed(url, account["key"]), coding, header)
    told = {
        "from": piece.sender,
        "to": piece.recipient,
        "text": octets,
        "charset": charset,
        "coding": coding,
        "udh": header,
        "ts": str(int(piece.at.timestamp())),
        "id": piece.id,
        "smsc": _SMSC,
    }
    return Wire(method="GET", url=f"{keyed(url, account['key'])}&{urlencode(told)}")


def _posted(piece: Piece, url: str, coding: str, header: bytes) -> Wire:
    """A ``post-url``: the text alone in the body, no id."""
    told = {
        "Content-Type": f'text/plain; charset="{"UTF-16BE" if coding == "2" else "UTF-8"}"',
        "X-Kannel-From": piece.sender,
        "X-Kannel-To": piece.recipient,
        "X-Kannel-Time": piece.at.strftime("%Y-%m-%d %H:%M:%S"),
        "X-Kannel-Coding": coding,
        "X-Kannel-SMSC": _SMSC,
    }
    if header:
        told["X-Kannel-UDH"] = quote(header, safe="")
    return Wire(url=url, headers=told, body=piece.octets)


def _receipt(_mt: Mt, word: str, url: str, moment: Moment, _account: Account) -> Wire:
    """Our own URL with its codes filled in; Kannel adds nothing to it."""
    codes = {"%d": word, "%T": moment.epoch, "%i": _SMSC, "%A": "ACK/"}
    for code, value in codes.items():
        url = url.replace(code, quote(value, safe=""))
    return Wire(method="GET", url=url)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if request.path != "/cgi-bin/sendsms":
        return plain("Unknown request.", 404)
    fields = form_of(request)
    if (fields.get("username"), fields.get("password")) != (account["username"], account["password"]):
        return plain("Authorization failed for sendsms", 403)
    if not fields.get("to"):
        return plain("Missing receiver or text", 400)
    return TakenMt(
        sender=fields.get("from", ""),
        recipient=fields["to"],
        text=fields.get("text", ""),
        reply_token=fields.get("smsc", ""),
        receipt_url=fields.get("dlr-url", ""),
    )


def _reads(answer: Answer) -> Ack:
    """Only 200 and 202, and what they say is texted to the person: it must be nothing."""
    return Ack.TAKEN if answer.status in (200, 202) and not answer.body else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="kannel",
        settings={"username": "lab", "send_url": "{lab}/cgi-bin/sendsms"},
        secrets={"password": "lab-kannel-password", "key": "lab-kannel-key"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "8",
        Report.DELIVERED: "1",
        Report.FAILED: "2",
        Report.REJECTED: "16",
    },
    take=_take,
    accepted=lambda _: plain("0: Accepted for delivery", 202),
    refusals={
        Fault.THROTTLED: plain("Temporal failure, try again later.", 503),
        Fault.HIDDEN: plain("Authorization failed for sendsms", 202),
        Fault.PERMANENT: plain("Not routable. Do not try again.", 403),
    },
    reads=_reads,
    is_refusal=lambda answer: answer.status == 403 and not answer.body,
    retry=RetryRule(tries=6, first_seconds=10, factor=1, longest_seconds=10, timeout_seconds=30),
    parts=Splitting.BY_OCTETS,
    variants=("", "recoded", "post"),
    parts_of={"post": Splitting.BY_OCTETS, "recoded": Splitting.BY_TEXT},
    reply_token=_SMSC,
)
