"""Bytes to text in the charsets of SMS, never failing: a lying charset costs characters, not the message. For ``fields``."""

import codecs
import re
from collections.abc import Mapping
from typing import Final

from twoway_router.domain.gsm import BASIC

_ESCAPE: Final = 0x1B
_EXTENDED: Final[Mapping[int, str]] = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
# BASIC leaves out the escape, which stands at 0x1B.
_TABLE: Final = BASIC[:_ESCAPE] + "\u00a0" + BASIC[_ESCAPE:]

_ALIASES: Final[Mapping[str, str]] = {
    "": "utf-8",
    "utf8": "utf-8",
    "unicode": "utf-16-be",
    "ucs2": "utf-16-be",
    "ucs-2": "utf-16-be",
    "ucs-2be": "utf-16-be",
    "utf-16": "utf-16-be",
    "utf-16be": "utf-16-be",
    "utf16be": "utf-16-be",
    "utf-16le": "utf-16-le",
    "latin1": "iso-8859-1",
    "latin-1": "iso-8859-1",
    "8-bit": "iso-8859-1",
    "8bit": "iso-8859-1",
    "binary": "iso-8859-1",
    "gsm": "gsm",
    "gsm7": "gsm",
    "gsm-7": "gsm",
    "gsm0338": "gsm",
    "gsm 03.38": "gsm",
}
_ALLOWED: Final = re.compile(
    r"utf-8|utf-16-[bl]e|gsm|ascii|us-ascii|iso-8859-\d{1,2}|windows-\d{3,4}|cp\d{3,4}|koi8-[ru]"
    r"|iso-2022-jp|shift_jis|euc-jp|euc-kr|gb2312|gbk|gb18030|big5"
)


def codec_of(charset: str) -> str | None:
    """The name we use for a charset, or None for one we do not read."""
    lowered = charset.strip().lower().replace("_", "-")
    name = _ALIASES.get(lowered, lowered.replace("shift-jis", "shift_jis"))
    return name if _ALLOWED.fullmatch(name) and (name == "gsm" or _is_known(name)) else None


def _is_known(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def decode_bytes(raw: bytes, charset: str) -> str:
    """Text of bytes; what cannot be read becomes U+FFFD, an unknown charset is read as UTF-8."""
    codec = codec_of(charset) or "utf-8"
    if codec == "gsm":
        return decode_gsm(raw)
    if codec == "utf-16-be" and raw[:2] == b"\xff\xfe":
        codec = "utf-16-le"
    return raw.decode(codec, "replace").removeprefix("\ufeff")


def decode_gsm(raw: bytes) -> str:
    """GSM 03.38, one septet per byte, as gateways hand it over."""
    text: list[str] = []
    is_escaped = False
    for byte in raw:
        if is_escaped:
            text.append(_EXTENDED.get(byte, _TABLE[byte & 0x7F]))
            is_escaped = False
        elif byte == _ESCAPE:
            is_escaped = True
        else:
            text.append(_TABLE[byte] if byte < len(_TABLE) else "\ufffd")
    return "".join(text)


def to_bytes(text: str) -> bytes:
    """The bytes that a decoder kept as lone surrogates, and UTF-8 for everything else."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def clean(text: str) -> str:
    """Text that any database takes: no NUL, no lone surrogate."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = to_bytes(text).decode("utf-8", "replace")
    return text.replace("\x00", "") if "\x00" in text else text
