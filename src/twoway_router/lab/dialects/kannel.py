"""Kannel's smsbox: bytes with their charset in the query, parts with their header, receipts at the URL of each MT."""

from typing import Final
from urllib.parse import quote

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import (
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
from twoway_router.lab.dialects.sends import SendApi, parameters
from twoway_router.lab.dialects.wire import Wire, form_of, plain

_SMSC: Final = "lab-smsc"

_MO: Final = """
{"from": "{mo.sender}", "to": "{mo.recipient}", "text": "{octets}", "charset": "{charset}", "coding": "{coding}",
 "udh": "{mo.header}", "ts": "{mo.epoch}", "id": "{mo.id}", "smsc": "lab-smsc"}
"""
_POSTED_HEADERS: Final = """
{"Content-Type": "text/plain; charset=\\"{charset}\\"", "X-Kannel-From": "{mo.sender}", "X-Kannel-To": "{mo.recipient}",
 "X-Kannel-Time": "{mo.at:%Y-%m-%d %H:%M:%S}", "X-Kannel-Coding": "{coding}", "X-Kannel-SMSC": "lab-smsc",
 "X-Kannel-UDH?": "{udh}"}
"""


def _mo(mo: Piece, call: Call) -> Wire:
    """A ``get-url``; as variants one whose text Kannel recodes, and a ``post-url``: the text alone in the body, no id."""
    coding, charset, octets = ("2", "UTF-16BE", mo.octets) if mo.is_wide else ("0", "UTF-8", mo.octets)
    if mo.variant == "post":
        udh = quote(mo.header, safe="")
        headers = call.fill(_POSTED_HEADERS, mo=mo, coding=coding, charset=charset, udh=udh)
        return Wire(url=call.keyed_url, headers=headers, body=octets)
    if mo.variant == "recoded":
        coding, charset, octets = "0", "UTF-8", mo.text.encode()
    return call.get(_MO, mo=mo, coding=coding, charset=charset, octets=octets)


def _receipt(_mt: Mt, status: Status, call: Call) -> Wire:
    """Our own URL with its codes filled in; Kannel adds nothing to it."""
    url = call.url
    for code, value in {"%d": status.word, "%T": call.epoch, "%i": _SMSC, "%A": "ACK/"}.items():
        url = url.replace(code, quote(value, safe=""))
    return Wire(method="GET", url=url)


DIALECT: Final = Dialect(
    account=lab_account("kannel", "password", "key", username="lab", send_url="{lab}/cgi-bin/sendsms"),
    mo=_mo,
    receipt=_receipt,
    words=words("accepted: 8, delivered: 1, failed: 2, rejected: 16"),
    take=SendApi(
        at="* /cgi-bin/sendsms",
        proof=parameters("username", "password"),
        read=form_of,
        mt='{"from?": "{sender}", "to": "{recipient}", "text": "{text}", "smsc?": "{reply_token}", "dlr-url?": "{receipt_url}"}',
        nowhere=plain("Unknown request.", 404),
        unproven=plain("Authorization failed for sendsms", 403),
        incomplete=plain("Missing receiver or text", 400),
    ),
    accepted=lambda _: plain("0: Accepted for delivery", 202),
    refusals=refusals(
        throttled=plain("Temporal failure, try again later.", 503),
        hidden_failure=plain("Not routable. Do not try again.", 202),
        permanent=plain("Not routable. Do not try again.", 403),
    ),
    # What they say would be texted to the person: it must be nothing.
    reads=acks(200, 202, body=b""),
    is_refusal=lambda answer: answer.status == 403 and not answer.body,
    retry=RetryRule(tries=6, first_seconds=10, factor=1, longest_seconds=10, timeout_seconds=30),
    parts=Splitting.BY_OCTETS,
    variants=("", "recoded", "post"),
    parts_of={"post": Splitting.BY_OCTETS, "recoded": Splitting.BY_TEXT},
    reply_token=_SMSC,
)
