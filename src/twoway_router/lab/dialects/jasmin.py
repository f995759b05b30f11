"""Jasmin: raw bytes with their data coding, parts by SAR parameters or header, and the literal answer ``ACK/Jasmin``."""

import json
import re
from typing import Final
from urllib.parse import urlencode

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.dialects.dialect import (
    Account,
    Call,
    Dialect,
    Mt,
    Piece,
    Splitting,
    Status,
    TakenMt,
    acks,
    lab_account,
    refusals,
    words,
)
from twoway_router.lab.dialects.sends import SendApi, Values, parameters
from twoway_router.lab.dialects.wire import Wire, as_gsm, form_of, plain
from twoway_router.lab.web import LabReply, LabRequest

_CONNECTOR: Final = "lab-smpp"
_IN_GSM: Final = {
    "@": b"\x00",
    "$": b"\x02",
    "_": b"\x11",
    **{letter: b"\x1b" + code.encode() for letter, code in zip("^{}\\[~]|", "\x14()/<=>@", strict=True)},
}
"""Letters of ASCII that have another code in GSM 03.38."""

_MO: Final = """
{"id": "{mo.id}", "from": "{mo.sender_digits}", "to": "{mo.recipient}", "origin-connector": "lab-smpp", "priority": "0",
 "coding": "{coding}", "content": "{octets}", "binary": "{hex}", "tlv_params?": "{sar}"}
"""
_RECEIPT: Final = '{"id": "{mt.id}", "message_status": "{status.word}", "level": "1", "connector": "lab-smpp"}'
_SMSC_RECEIPT: Final = """
{"id": "{mt.id}", "message_status": "{status.word}", "level": "3", "connector": "lab-smpp", "id_smsc": "{mt.id}", "sub": "001",
 "dlvrd": "001", "subdate": "{call.at:%y%m%d%H%M}", "donedate": "{call.at:%y%m%d%H%M}", "err": "{err}", "text": "{mt.text:.20}"}
"""

_ARGUMENTS: Final = {
    "username": ".{1,16}",
    "password": ".{1,16}",
    "from": ".*",
    "to": r"\+?\d+",
    "coding": "[0-9]|10|13|14",
    "content": ".*",
    "hex-content": "([0-9a-fA-F]{2})*",
    "tags": "[-a-zA-Z0-9,]*",
    "dlr": "yes|no",
    "dlr-url": "https?://.*",
    "dlr-level": "[1-3]",
    "dlr-method": "(?i:get|post)",
}
"""What its HTTP API takes; anything else is refused."""


def _mo(mo: Piece, call: Call) -> Wire:
    octets, sar = mo.octets, ""
    if not mo.is_wide:
        octets = b"".join(_IN_GSM.get(letter, letter.encode()) for letter in octets.decode("ascii"))
    if mo.variant == "header":
        octets = mo.header + octets
    elif part := mo.part:
        numbers = (part.reference, part.total, part.index)
        sar = json.dumps(
            dict(zip(("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum"), numbers, strict=True))
        )
    coding = 8 if mo.is_wide else 0
    written = str(coding) if mo.variant == "number" else bytes((coding,))
    fields = call.fill(_MO, mo=mo, coding=written, octets=octets, hex=octets.hex(), sar=sar)
    if mo.variant == "get":
        # Whatever the URL ends with; the account's ends with & then, so that only the first name is spoilt.
        return Wire(method="GET", url=f"{call.keyed_url}&?{urlencode(fields)}")
    return call.post_form(fields)


def _receipt(mt: Mt, status: Status, call: Call) -> Wire:
    """Level 1 says what the SMSC made of the send, level 3 what became of it."""
    sample = _RECEIPT if status.word.startswith("ESME") else _SMSC_RECEIPT
    return call.post_form(sample, mt=mt, status=status, err="000" if status.word == "DELIVRD" else "001")


def _error(text: str, status: int) -> LabReply:
    return plain(f'Error "{text}"', status)


def _complaint(fields: dict[str, str]) -> str | None:
    """What Jasmin finds wrong with the arguments, if anything."""
    for name, value in fields.items():
        if name not in _ARGUMENTS:
            return f"Argument [{name}] is unknown."
        if not re.fullmatch(_ARGUMENTS[name], value, re.DOTALL):
            return f"Argument [{name}] has an invalid value: [{value}]."
    for name in ("to", "username", "password"):
        if name not in fields:
            return f"Mandatory argument [{name}] is not found."
    return None if ("content" in fields) != ("hex-content" in fields) else "content or hex-content not present."


def _text(values: Values) -> str:
    return bytes.fromhex(values["hex"]).decode("utf-16-be") if values["coding"] == "8" else as_gsm(values["text"])


_SENDS: Final = SendApi(
    at="* /send",
    proof=parameters("username", "password"),
    read=form_of,
    mt="""{"from?": "{sender}", "to": "{recipient}", "coding?": "{coding}", "content?": "{text}", "hex-content?": "{hex}",
        "tags?": "{reply_token}", "dlr-url?": "{receipt_url}"}""",
    text=_text,
    nowhere=LabReply(status=404),
    unproven=_error("Authentication failure for username:lab", 403),
    incomplete=LabReply(status=400),
)


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    complaint = _complaint(form_of(request)) if request.path == "/send" else None
    return _error(complaint, 400) if complaint else _SENDS(request, account)


DIALECT: Final = Dialect(
    account=lab_account(
        "jasmin", "key", secrets={"password": "lab-jasmin-pass"}, username="lab", send_url="{lab}/send"
    ),
    mo=_mo,
    receipt=_receipt,
    words=words("accepted: ESME_ROK, delivered: DELIVRD, failed: UNDELIV, expired: EXPIRED, rejected: ESME_RINVDSTADR"),
    take=_take,
    accepted=lambda mt: plain(f'Success "{mt.id}"', 200),
    refusals=refusals(
        throttled=_error("User throughput exceeded", 403), permanent=_error("Argument [to] has a bad value", 400)
    ),
    reads=acks(*range(1, 400), body=b"ACK/Jasmin", lost=(404,)),
    retry=RetryRule(tries=4, first_seconds=30, factor=1, longest_seconds=30, timeout_seconds=30),
    parts=Splitting.BY_OCTETS,
    variants=("", "get", "number", "header"),
    parts_of={"get": Splitting.BY_OCTETS, "header": Splitting.BY_OCTETS},
    reply_token=_CONNECTOR,
)
