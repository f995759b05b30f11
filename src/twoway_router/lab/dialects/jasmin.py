"""Jasmin: raw bytes with their data coding, parts by SAR parameters or header, and the literal answer ``ACK/Jasmin``."""

import json
import re
from typing import Final
from urllib.parse import urlencode

from twoway_router.lab.behaviour import Fault, Report, RetryRule
from twoway_router.lab.client import Answer
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Part, Piece, Splitting, TakenMt
from twoway_router.lab.dialects.wire import Moment, Wire, as_gsm, form_of, keyed, plain, post_form
from twoway_router.lab.web import LabReply, LabRequest

_CONNECTOR: Final = "lab-smpp"
_IN_GSM: Final = {
    "@": b"\x00",
    "$": b"\x02",
    "_": b"\x11",
    **{letter: b"\x1b" + code.encode() for letter, code in zip("^{}\\[~]|", "\x14()/<=>@", strict=True)},
}
"""Letters of ASCII that have another code in GSM 03.38."""

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


def _gsm(octets: bytes) -> bytes:
    return b"".join(_IN_GSM.get(letter, letter.encode()) for letter in octets.decode("ascii"))


def _tlvs(part: Part) -> str:
    """SAR parameters of a part, as Jasmin passes them on."""
    told = {"sar_msg_ref_num": part.reference, "sar_total_segments": part.total, "sar_segment_seqnum": part.index}
    return json.dumps(told)


def _mo(piece: Piece, url: str, _: Moment, account: Account) -> Wire:
    url, coding = keyed(url, account["key"]), 8 if piece.is_wide else 0
    octets = piece.octets if piece.is_wide else _gsm(piece.octets)
    if piece.part and piece.variant == "header":
        octets = piece.part.header + octets
    fields: dict[str, str | bytes] = {
        "id": piece.id,
        "from": piece.digits,
        "to": piece.recipient,
        "origin-connector": _CONNECTOR,
        "priority": "0",
        "coding": str(coding) if piece.variant == "number" else bytes((coding,)),
        "content": octets,
        "binary": octets.hex(),
    }
    fields |= {"tlv_params": _tlvs(piece.part)} if piece.part and piece.variant != "header" else {}
    if piece.variant == "get":
        # Whatever the URL ends with; the account's ends with & then, so that only the first name is spoilt.
        return Wire(method="GET", url=f"{url}&?{urlencode(fields)}")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Wire(url=url, headers=headers, body=urlencode(fields).encode())


def _receipt(mt: Mt, word: str, url: str, moment: Moment, account: Account) -> Wire:
    fields = {"id": mt.id, "message_status": word, "level": "1", "connector": _CONNECTOR}
    if not word.startswith("ESME"):
        at = moment.at.strftime("%y%m%d%H%M")
        fields |= {"level": "3", "id_smsc": mt.id, "sub": "001", "dlvrd": "001", "subdate": at, "donedate": at}
        fields |= {"err": "000" if word == "DELIVRD" else "001", "text": mt.text[:20]}
    return post_form(keyed(url, account["key"]), fields)


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


def _take(request: LabRequest, account: Account) -> TakenMt | LabReply:
    if request.path != "/send":
        return LabReply(status=404)
    fields = form_of(request)
    if complaint := _complaint(fields):
        return _error(complaint, 400)
    if (fields.get("username"), fields.get("password")) != (account["username"], account["password"]):
        return _error(f"Authentication failure for username:{fields.get('username', '')}", 403)
    is_wide = fields.get("coding") == "8"
    text = bytes.fromhex(fields.get("hex-content", "")).decode("utf-16-be") if is_wide else fields.get("content", "")
    return TakenMt(
        sender=fields.get("from", ""),
        recipient=fields["to"],
        text=text if is_wide else as_gsm(text),
        reply_token=fields.get("tags", ""),
        receipt_url=fields.get("dlr-url", ""),
    )


def _reads(answer: Answer) -> Ack:
    if answer.status == 404:
        return Ack.LOST
    return Ack.TAKEN if 0 < answer.status < 400 and answer.body.strip() == b"ACK/Jasmin" else Ack.AGAIN


DIALECT: Final = Dialect(
    account=Account(
        carrier="jasmin",
        settings={"username": "lab", "send_url": "{lab}/send"},
        secrets={"password": "lab-jasmin-pass", "key": "lab-jasmin-key"},
    ),
    mo=_mo,
    receipt=_receipt,
    words={
        Report.ACCEPTED: "ESME_ROK",
        Report.DELIVERED: "DELIVRD",
        Report.FAILED: "UNDELIV",
        Report.EXPIRED: "EXPIRED",
        Report.REJECTED: "ESME_RINVDSTADR",
    },
    take=_take,
    accepted=lambda mt: plain(f'Success "{mt.id}"', 200),
    refusals={
        Fault.THROTTLED: _error("User throughput exceeded", 403),
        Fault.PERMANENT: _error("No route found", 412),
    },
    reads=_reads,
    retry=RetryRule(tries=4, first_seconds=30, factor=1, longest_seconds=30, timeout_seconds=30),
    parts=Splitting.BY_OCTETS,
    variants=("", "get", "number", "header"),
    parts_of={"get": Splitting.BY_OCTETS, "header": Splitting.BY_OCTETS},
    reply_token=_CONNECTOR,
)
