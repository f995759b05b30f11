"""The few PDUs of SMPP 3.4 that a gateway and its SMSC exchange. Used by the simulated SMSC."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Final

from twoway_router.carriers.reading.charsets import decode_gsm
from twoway_router.domain.gsm import BASIC

SUBMIT_SM: Final = 0x04
DELIVER_SM: Final = 0x05
UNBIND: Final = 0x06
BIND_TRANSCEIVER: Final = 0x09
ENQUIRE_LINK: Final = 0x15
IS_RESPONSE: Final = 0x80000000

GSM: Final = 0x00
UCS2: Final = 0x08
HAS_HEADER: Final = 0x40
IS_RECEIPT: Final = 0x04

_HEAD: Final = struct.Struct(">IIII")
_ESCAPE: Final = 0x1B
_EXTENDED: Final = {"^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pdu:
    """One PDU without its length."""

    command: int
    number: int
    status: int = 0
    body: bytes = b""

    def packed(self) -> bytes:
        return _HEAD.pack(_HEAD.size + len(self.body), self.command, self.status, self.number) + self.body

    def answer(self, body: bytes = b"", *, status: int = 0) -> "Pdu":
        return Pdu(command=self.command | IS_RESPONSE, number=self.number, status=status, body=body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sms:
    """What deliver_sm and submit_sm carry. ``header`` is the user data header with its length byte."""

    source: str
    destination: str
    body: bytes
    coding: int = GSM
    header: bytes = b""
    flags: int = 0
    wants_receipt: bool = False

    def packed(self) -> bytes:
        """The body of a deliver_sm; a source with a plus is international."""
        ton = b"\x01\x01" if self.source.startswith("+") else b"\x00\x01"
        flags = self.flags | (HAS_HEADER if self.header else 0)
        message = self.header + self.body
        return b"".join(
            (
                b"\x00",
                ton + self.source.lstrip("+").encode() + b"\x00",
                b"\x00\x01" + self.destination.encode() + b"\x00",
                bytes((flags, 0, 0)),
                b"\x00\x00",
                bytes((0, 0, self.coding, 0, len(message))),
                message,
            )
        )


async def read_pdu(reader: asyncio.StreamReader) -> Pdu:
    """The next PDU; raises IncompleteReadError at the end."""
    length, command, status, number = _HEAD.unpack(await reader.readexactly(_HEAD.size))
    return Pdu(command=command, status=status, number=number, body=await reader.readexactly(length - _HEAD.size))


def read_submit(body: bytes) -> Sms:
    """The body of a submit_sm."""
    _, rest = _word(body)
    source, rest = _word(rest[2:])
    destination, rest = _word(rest[2:])
    flags, rest = rest[0], rest[3:]
    _, rest = _word(rest)
    _, rest = _word(rest)
    registered, coding, length = rest[0], rest[2], rest[4]
    message = rest[5 : 5 + length]
    cut = message[0] + 1 if flags & HAS_HEADER else 0
    return Sms(
        source=source,
        destination=destination,
        body=message[cut:],
        coding=coding,
        header=message[:cut],
        flags=flags,
        wants_receipt=bool(registered & 1),
    )


def read_text(body: bytes, coding: int) -> str:
    """What a handset shows."""
    return body.decode("utf-16-be") if coding == UCS2 else decode_gsm(body)


def gsm(text: str) -> bytes:
    """Unpacked GSM 03.38. A character that it lacks is a mistake of the test."""
    return b"".join(
        bytes((_ESCAPE, _EXTENDED[letter])) if letter in _EXTENDED else bytes((_place(letter),)) for letter in text
    )


def _place(letter: str) -> int:
    place = BASIC.index(letter)
    return place if place < _ESCAPE else place + 1


def _word(raw: bytes) -> tuple[str, bytes]:
    word, _, rest = raw.partition(b"\x00")
    return word.decode("ascii"), rest
