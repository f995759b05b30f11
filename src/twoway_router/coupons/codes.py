"""Coupon codes people can read aloud: no look-alikes, a check character, groups of four. Used by ``coupons``.

The alphabet is Crockford's: without I, L, O and U. A generated code is 15 random symbols (75 bits) and a check symbol
that finds every single wrong symbol and every exchange of two.
"""

import re
import unicodedata
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BYTES: Final = 10
"""How many random bytes ``make_code`` needs."""

_PAYLOAD: Final = 15
_LENGTH: Final = _PAYLOAD + 1
_VALUES: Final = {symbol: value for value, symbol in enumerate(ALPHABET)}
_LOOK_ALIKES: Final = str.maketrans("ILO", "110")
_SEPARATORS: Final = re.compile(r"[\s\-_.\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff]+")


def normalise_code(code: str) -> str:
    """The key by which a code is looked up: full-width folded, upper case, without separators."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", code)).upper()


def make_code(random_bytes: bytes, prefix: str = "") -> str:
    """A code for display, such as ``BURGER-7K3M-…``, from at least ``RANDOM_BYTES`` random bytes."""
    if len(random_bytes) < RANDOM_BYTES:
        raise ValueError(f"a code needs {RANDOM_BYTES} random bytes")
    number = int.from_bytes(random_bytes[:RANDOM_BYTES], "big")
    payload = "".join(ALPHABET[number >> (5 * place) & 31] for place in range(_PAYLOAD))
    symbols = payload + _check_symbol(payload)
    groups = [symbols[start : start + 4] for start in range(0, _LENGTH, 4)]
    return "-".join([prefix, *groups] if prefix else groups)


def is_valid_code(code: str, prefix: str = "") -> bool:
    """Whether a code, however it was typed, could have been made by ``make_code`` with this prefix."""
    key, start = normalise_code(code), normalise_code(prefix)
    symbols = key.removeprefix(start).translate(_LOOK_ALIKES)
    return key.startswith(start) and len(symbols) == _LENGTH and _is_checked(symbols)


def candidate_keys(code: str) -> tuple[str, ...]:
    """Keys to look a typed code up by: as typed, then with O, I and L read as 0 and 1 where the check symbol agrees."""
    key = normalise_code(code)
    symbols = key[-_LENGTH:].translate(_LOOK_ALIKES)
    corrected = key[:-_LENGTH] + symbols
    if corrected != key and len(symbols) == _LENGTH and _is_checked(symbols):
        return key, corrected
    return (key,)


def _is_checked(symbols: str) -> bool:
    return set(symbols) <= _VALUES.keys() and _check_symbol(symbols[:-1]) == symbols[-1]


def _check_symbol(payload: str) -> str:
    """Horner's rule in the field of 32 elements, at its generator, so that every place has its own weight."""
    total = 0
    for symbol in payload:
        total = (total ^ _VALUES[symbol]) << 1  # times x, modulo the primitive polynomial x⁵ + x² + 1
        total = total ^ 0b100101 if total & 32 else total
    return ALPHABET[total]
