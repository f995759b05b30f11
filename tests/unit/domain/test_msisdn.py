"""Phone numbers as carriers write them."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.domain.messages import SenderKind
from twoway_router.domain.msisdn import read_address, read_msisdn

NUMBERS = [
    ("+393331230001", "IT", "+393331230001"),
    ("00393331230001", "IT", "+393331230001"),
    ("393331230001", "IT", "+393331230001"),
    ("333 123 0001", "IT", "+393331230001"),
    ("+39 (333) 123-0001", None, "+393331230001"),
    ("393331230001", None, "+393331230001"),
    ("07700900123", "GB", "+447700900123"),
    ("+4407700900123", "GB", "+447700900123"),
    ("447911123456", "IT", "+447911123456"),
    ("+12025550123", "US", "+12025550123"),
    ("12025550123", "US", "+12025550123"),
    ("2025550123", "US", "+12025550123"),
    ("+254711000001", "KE", "+254711000001"),
    ("12345", "IT", None),
    ("+12345", "US", None),
    ("PIZZERIA", "IT", None),
    ("", "IT", None),
    ("+999999999999999", None, None),
    ("+815 001 90000001002", "IT", None),
    ("8150019000000100", "JP", None),
    ("+٣٩٣٣٣١٢٣", None, None),
    ("1" * 500, "IT", None),
]

ADDRESSES = [
    ("12345", "IT", "12345", SenderKind.SHORT_CODE),
    ("+12345", "IT", "12345", SenderKind.SHORT_CODE),
    ("1204", "DK", "1204", SenderKind.SHORT_CODE),
    ("12345678", "IT", "12345678", SenderKind.SHORT_CODE),
    ("20123456", "DK", "+4520123456", SenderKind.MSISDN),
    ("PIZZERIA", "IT", "PIZZERIA", SenderKind.ALPHANUMERIC),
    (" Al Capone ", "IT", "Al Capone", SenderKind.ALPHANUMERIC),
    ("+393331230001", "IT", "+393331230001", SenderKind.MSISDN),
    ("12", "IT", "12", SenderKind.ALPHANUMERIC),
]


@pytest.mark.parametrize(("text", "country", "msisdn"), NUMBERS)
def test_a_number_is_read_into_e164_or_not_at_all(text: str, country: str | None, msisdn: str | None) -> None:
    assert read_msisdn(text, country) == msisdn


@pytest.mark.parametrize(("text", "country", "address", "kind"), ADDRESSES)
def test_an_address_keeps_what_it_is(text: str, country: str, address: str, kind: SenderKind) -> None:
    assert read_address(text, country) == (address, kind)


def test_digits_that_are_international_are_not_read_by_the_country_s_plan() -> None:
    assert read_msisdn("447700900123", "IT", is_international=True) == "+447700900123"


@given(st.text(max_size=80), st.sampled_from([None, "IT", "US", "KE"]))
def test_an_address_is_never_an_error_and_e164_is_stable(text: str, country: str | None) -> None:
    address, kind = read_address(text, country)

    assert kind is not SenderKind.MSISDN or read_address(address, country) == (address, kind)


CALLING_CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def as_the_library_reads(full: str) -> str | None:
    try:
        number = phonenumbers.parse(full, None)
    except phonenumbers.NumberParseException:
        return None
    read = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    is_e164 = len(read) <= len("+") + 15  # the library also knows longer numbers that only work at home
    return read if is_e164 and phonenumbers.is_possible_number(number) else None


@given(st.sampled_from(CALLING_CODES) | st.integers(1, 999), st.from_regex(r"[0-9]{4,14}", fullmatch=True))
def test_the_short_cut_for_plain_numbers_agrees_with_the_library(code: int, rest: str) -> None:
    full = f"+{code}{rest}"

    assert len(full) < 8 or read_msisdn(full, None) == as_the_library_reads(full)


@pytest.mark.parametrize("code", CALLING_CODES)
@pytest.mark.parametrize(
    "rest", ["0123456789", "1123456789", "151234567890", "33312300", "9112345678", "0044712345", "8005551234"]
)
def test_the_short_cut_agrees_for_every_calling_code(code: int, rest: str) -> None:
    assert read_msisdn(f"+{code}{rest}", None) == as_the_library_reads(f"+{code}{rest}")
