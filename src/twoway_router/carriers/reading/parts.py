"""Parts of long messages: the user data header that names them, and how they are joined again. Pure.

``events`` reads the header; whoever keeps parts calls ``join_parts`` when something new has come.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from twoway_router.carriers.reading.charsets import clean, decode_bytes
from twoway_router.domain.messages import MessagePart

MAX_PARTS: Final = 255

_SHORT_REFERENCE: Final = (0x00, 3)
_LONG_REFERENCE: Final = (0x08, 4)


@dataclass(frozen=True, kw_only=True, slots=True)
class PartNumber:
    """Reference of the whole, place in it (from 1) and how many there are."""

    reference: str
    index: int
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """The text of a long message; ``missing`` names the places that have not come."""

    text: str
    missing: tuple[int, ...]

    @property
    def is_complete(self) -> bool:
        return not self.missing


def number_part(reference: str | None, index: str | None, total: str | None) -> PartNumber | None:
    """A part's place from three words of a carrier, None when they make no sense or there is only one part."""
    if not reference or not index or not total or not (index + total).isascii() or not (index + total).isdigit():
        return None
    place, count = int(index[:4]), int(total[:4])
    if not 1 <= place <= count <= MAX_PARTS or count == 1:
        return None
    return PartNumber(reference=reference, index=place, total=count)


def read_header(header: bytes) -> PartNumber | None:
    """The part's place from a user data header: its length, then elements of which one may be the concatenation."""
    if not header or header[0] > len(header) - 1:
        return None
    position, end = 1, header[0] + 1
    while position + 2 <= end:
        kind, length = header[position], header[position + 1]
        data = header[position + 2 : position + 2 + length]
        if len(data) < length or position + 2 + length > end:
            return None
        if (kind, length) in (_SHORT_REFERENCE, _LONG_REFERENCE):
            reference = str(int.from_bytes(data[:-2], "big"))
            return number_part(reference, str(data[-1]), str(data[-2]))
        position += 2 + length
    return None


def split_body(body: bytes) -> tuple[PartNumber | None, bytes]:
    """A header that a gateway left in front of the text, recognised by its shape alone, and the text after it."""
    is_shaped = body[:3] == b"\x05\x00\x03" or body[:3] == b"\x06\x08\x04"
    if not is_shaped:
        return None, body
    length = body[0] + 1
    number = read_header(body[:length])
    return (number, body[length:]) if number else (None, body)


def join_parts(parts: Iterable[MessagePart]) -> Joined:
    """Join parts of one message in any order; a repeated part counts once, the first to come.

    Bytes of neighbours in the same charset are joined before they are decoded.
    """
    known: dict[int, MessagePart] = {}
    for part in parts:
        known.setdefault(part.index, part)
    total = max((part.total for part in known.values()), default=0)
    runs: list[tuple[str, bytes]] = []
    previous = 0
    for index in sorted(known):
        part = known[index]
        is_neighbour = index == previous + 1 and runs and runs[-1][0] == part.charset
        if is_neighbour:
            runs[-1] = (part.charset, runs[-1][1] + part.body)
        else:
            runs.append((part.charset, part.body))
        previous = index
    text = "".join(clean(decode_bytes(body, charset)) for charset, body in runs)
    return Joined(text=text, missing=tuple(index for index in range(1, total + 1) if index not in known))
