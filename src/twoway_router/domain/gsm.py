"""GSM 03.38: how many segments a text costs. Asked when a text is saved and when an MT is queued.

A text is sent as GSM-7 when every character is in the basic table or its extension, else as UCS-2. One segment holds
160 septets or 70 UTF-16 units; with the header of a long message 153 or 67, and a pair never straddles two segments.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from twoway_router.domain.messages import Encoding

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = "\f^{}\\[~]|€"
"""Characters of two septets: an escape and a letter of the extension table."""

_SEPTETS: Final = {**dict.fromkeys(BASIC, 1), **dict.fromkeys(EXTENSION, 2)}
_SINGLE: Final = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_PART: Final = {Encoding.GSM7: 153, Encoding.UCS2: 67}


@dataclass(frozen=True, kw_only=True, slots=True)
class Segments:
    """What a text costs. ``units`` are septets (GSM-7) or UTF-16 units (UCS-2), without headers."""

    encoding: Encoding
    segments: int
    units: int


def measure(text: str) -> Segments:
    """Encoding, segments and units of a text. The empty text is one empty GSM-7 segment."""
    encoding, sizes = _sizes(text)
    units = sum(sizes)
    count = 1 if units <= _SINGLE[encoding] else len(list(_cuts(sizes, _PART[encoding]))) + 1
    return Segments(encoding=encoding, segments=count, units=units)


def _sizes(text: str) -> tuple[Encoding, list[int]]:
    """The units per code point in the encoding that the text needs."""
    try:
        return Encoding.GSM7, [_SEPTETS[character] for character in text]
    except KeyError:
        return Encoding.UCS2, [2 if character > "\uffff" else 1 for character in text]


def _cuts(sizes: list[int], room: int) -> Iterator[int]:
    """The code points at which a new segment begins, ``room`` units per segment."""
    used = 0
    for position, size in enumerate(sizes):
        if used + size > room:
            yield position
            used = 0
        used += size
