"""What one code point becomes when a text is folded. Used by ``text`` as a ``str.translate`` table; filled as it is met."""

import unicodedata
from typing import Final

FOLD_REVISION: Final = 2
FOLD_VERSION: Final = f"{FOLD_REVISION}/{unicodedata.unidata_version}"
"""Keys are derived data: a snapshot of another version is rebuilt, never trusted."""

EDGE: Final = "\x1f"
"""Stands where one token ends and the next begins without a space between them (Han, kana, Thai, emoji)."""

APOSTROPHES: Final = "'’‘‛ʼʻʽʹ`´΄′＇ˈ·׳״"
SIGNS: Final = "%&@#*+/$€£¥"
"""Kept inside tokens; of ``/`` and ``+`` only some are left (``text.part_at_joints``)."""

SPACING_ACCENTS: Final = (
    "¨¯¸˘˙˚˛˜˝\u037a\u0385\u1fbd\u1fbe\u1fbf\u1fc0\u1fc1\u1fcd\u1fce\u1fcf\u1fdd\u1fde\u1fdf\u1fed\u1fee\u1ffd\u1ffe"
)

_CACHE_LIMIT: Final = 0x1FFFF
_LAST_IDEOGRAPH: Final = 0x3FFFF
_TAGS: Final = ((0xE0000, 0xE0FFF),)

_DROPPED_MARKS: Final = (
    (0x0300, 0x036F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE20, 0xFE2F),
    (0x0591, 0x05C7),
    (0x0610, 0x061A),
    (0x064B, 0x065F),
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x08D3, 0x08FF),
)
_IGNORABLE: Final = (
    (0x0000, 0x0000),
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x0640, 0x0640),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0x1F3FB, 0x1F3FF),
    *_TAGS,
)
_IDEOGRAPHS: Final = (
    (0x3005, 0x3007),
    (0x30A1, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)
_CLUSTERED: Final = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))

LETTERS: Final[dict[str, str]] = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n", "ŧ": "t",
    "ة": "ه", "ۀ": "ه", "ہ": "ه", "ۂ": "ه", "ھ": "ه", "ە": "ه", "ۃ": "ه",
    "ى": "ي", "ی": "ي", "ے": "ي", "ک": "ك", "ँ": "ं", "×": "x",
}  # fmt: skip
# White letters on black discs and squares, which Unicode does not take apart as it does their black counterparts.
LETTERS.update({chr(first + place): chr(97 + place) for first in (0x1F150, 0x1F170) for place in range(26)})


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)


def is_ideograph(character: str) -> bool:
    """Han and kana: each sign is a token of its own."""
    return _within(ord(character), _IDEOGRAPHS)


def is_clustered(character: str) -> bool:
    """Thai, Lao, Khmer, Myanmar: a base with its marks is a token of its own."""
    return _within(ord(character), _CLUSTERED)


def is_symbol(token: str) -> bool:
    """A token that an emoji or another symbol became."""
    return len(token) == 1 and unicodedata.category(token) == "So"


def _fold_part(character: str) -> str:
    """Fold one character that case folding and decomposition produced."""
    code = ord(character)
    character = LETTERS.get(character, character)
    if 0x3041 <= code <= 0x3096 or 0x309D <= code <= 0x309E:
        return chr(code + 0x60)
    if len(character) > 1 or character in SIGNS:
        return character
    kind = unicodedata.category(character)
    if kind in ("Nd", "No"):
        digit = unicodedata.digit(character, None)
        return character if digit is None else str(digit)
    if kind[0] == "M":
        dropped = _within(code, _DROPPED_MARKS) or unicodedata.combining(character) == 7
        return "" if dropped else character
    if kind[0] in "LN" or kind in ("Sc", "So"):
        return character
    return " "


def _fold_once(character: str) -> str:
    code = ord(character)
    if character in APOSTROPHES or _within(code, _IGNORABLE) or unicodedata.category(character) == "Cf":
        return ""
    if character in SPACING_ACCENTS or code in (0xFFFD, 0x2800) or 0xD800 <= code <= 0xDFFF:
        return " "
    # A letter of its own, which decomposition would take for и with an accent.
    if character in "йЙ":
        return "й"
    decomposed = unicodedata.normalize("NFKD", character.casefold())
    return unicodedata.normalize("NFC", "".join(map(_fold_part, decomposed)))


def fold_character(character: str) -> str:
    """Fold one code point to its final form: folding the result again changes nothing."""
    text = _fold_once(character)
    for _ in range(3):
        again = "".join(map(_fold_once, text))
        if again == text:
            break
        text = again
    if len(text) != 1:
        return text
    if is_ideograph(text) or unicodedata.category(text) == "So":
        return EDGE + text + EDGE
    return EDGE + text if is_clustered(text) and unicodedata.category(text)[0] != "M" else text


class CharacterTable(dict[int, str]):
    """A ``str.translate`` table that learns. Only the first two planes are kept, so that no sender can make it grow."""

    def __missing__(self, code: int) -> str:
        # Beyond them are ideographs, tags and nothing to read, which fold the same without being taken apart.
        if code > _LAST_IDEOGRAPH:
            return "" if _within(code, _TAGS) else " "
        if code > _CACHE_LIMIT:
            character = chr(code)
            is_letter = unicodedata.category(character) == "Lo"
            return EDGE + unicodedata.normalize("NFKC", character) + EDGE if is_letter else " "
        folded = self[code] = fold_character(chr(code))
        return folded


TABLE: Final = CharacterTable()

ASCII_TABLE: Final[dict[int, str | None]] = {code: fold_character(chr(code)) or None for code in range(128)}
"""The same foldings for ASCII, as single characters or None: the shape for which ``str.translate`` is fastest."""
