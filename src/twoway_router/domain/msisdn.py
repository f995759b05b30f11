"""Phone numbers as carriers write them, turned into E.164; short codes and names recognised. Used by carriers and the API.

A short code is an address only together with its country and never gets a plus.
"""

import re
from functools import cache, lru_cache
from typing import Final

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
)

from twoway_router.domain.ids import Msisdn
from twoway_router.domain.messages import SenderKind

MAX_LENGTH: Final = 64

_ORNAMENTS: Final = re.compile(r"[\s().\-/\u00a0\u2010-\u2015\u200b-\u200f]+")
_DIGITS: Final = re.compile(r"\+?[0-9]{3,20}")
_SHORT_CODE: Final = re.compile(r"[0-9]{3,8}")
_LONGEST: Final = len("+") + 15
"""Of E.164. Some countries' plans have longer numbers, which nobody can call from abroad."""

_SURELY_SHORT: Final = 6
"""So many digits are a short code whatever the country's numbering plan says."""


@lru_cache(maxsize=65_536)
def read_msisdn(text: str, country: str | None, *, is_international: bool = False) -> Msisdn | None:
    """The number in E.164, or None when this is no plausible phone number.

    ``country`` (ISO 3166 alpha-2) reads national numbers; ``is_international`` says that digits without a plus already
    begin with a calling code, as many carriers write them. No calling code begins with 0: such digits are national.
    """
    if len(text) > MAX_LENGTH:
        return None
    digits = _ORNAMENTS.sub("", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if _DIGITS.fullmatch(digits) is None or len(digits.lstrip("+")) <= _SURELY_SHORT:
        return None
    if digits.startswith("+") or country is None or (is_international and not digits.startswith("0")):
        full = "+" + digits.lstrip("+")
        return Msisdn(full) if _is_plain(full) else _e164([_parse(full, None)])
    return _e164([_parse(digits, country), _parse("+" + digits, None)])


@lru_cache(maxsize=65_536)
def read_address(text: str, country: str | None, *, is_international: bool = False) -> tuple[str, SenderKind]:
    """An address in the form we store it, and what it is: E.164 with plus, a bare short code, or a name as it came."""
    bare = text.strip()
    digits = _ORNAMENTS.sub("", bare) if len(bare) <= MAX_LENGTH else bare
    code = digits.removeprefix("+")
    is_short = _SHORT_CODE.fullmatch(code) is not None
    if is_short and len(code) <= _SURELY_SHORT:
        return code, SenderKind.SHORT_CODE
    if msisdn := _of_kind(digits, code, country, is_international=is_international):
        return msisdn, SenderKind.MSISDN
    return (code, SenderKind.SHORT_CODE) if is_short else (bare[:MAX_LENGTH], SenderKind.ALPHANUMERIC)


def _is_plain(full: str) -> bool:
    """Whether the library would hand this number back as it is: a possible length and no national prefix in it.

    Nearly every number on the message path is plain, and the library takes ten times as long to say so.
    """
    if len(full) > _LONGEST:
        return False
    for end in (2, 3, 4):
        if (plan := _plan(int(full[1:end]))) is not None:
            lengths, prefix = plan
            rest = full[end:]
            return len(rest) in lengths and (prefix is None or prefix.match(rest) is None)
    return False


@cache
def _plan(calling_code: int) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """Possible lengths behind a calling code and the prefix that would be cut off, None for a code that nobody has."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(calling_code)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(calling_code, regions[0]) if regions else None
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None


def _of_kind(digits: str, code: str, country: str | None, *, is_international: bool) -> Msisdn | None:
    """Seven or eight bare digits are a number only where the country's plan has such numbers; else they are a short code."""
    if digits == code and _SHORT_CODE.fullmatch(code):
        number = _parse(code, country) if country else None
        return _format(number) if number and phonenumbers.is_valid_number(number) else None
    return read_msisdn(digits, country, is_international=is_international)


def _e164(readings: list[PhoneNumber | None]) -> Msisdn | None:
    """The first valid reading, else the first possible one: reserved ranges are possible but not valid."""
    possible = [
        number
        for number in readings
        if number is not None and phonenumbers.is_possible_number(number) and len(_format(number)) <= _LONGEST
    ]
    if len(possible) <= 1:
        return _format(possible[0]) if possible else None
    return _format(next((number for number in possible if phonenumbers.is_valid_number(number)), possible[0]))


def _parse(text: str, country: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException:
        return None


def _format(number: PhoneNumber) -> Msisdn:
    return Msisdn(phonenumbers.format_number(number, PhoneNumberFormat.E164))
