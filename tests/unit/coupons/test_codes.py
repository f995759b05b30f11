"""Coupon codes: readable, checkable, found however they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.coupons.codes import ALPHABET, RANDOM_BYTES, candidate_keys, is_valid_code, make_code, normalise_code

CODE = make_code(bytes(range(10)))
BYTES = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
PREFIXES = st.sampled_from(["", "BURGER", "OIL", "7UP"])


def test_the_alphabet_has_no_look_alikes() -> None:
    assert len(set(ALPHABET)) == 32
    assert not set("ILOU") & set(ALPHABET)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("abcd-efgh", "ABCDEFGH"),
        (" ABCD EFGH ", "ABCDEFGH"),
        ("ＡＢＣＤ－1234", "ABCD1234"),
        ("ab_cd.ef", "ABCDEF"),
        ("A\u00a0B\u200bC—D", "ABCD"),
        ("", ""),
        ("50%OFF", "50%OFF"),
    ],
)
def test_case_and_separators_do_not_matter(typed: str, key: str) -> None:
    assert normalise_code(typed) == key


@given(BYTES, PREFIXES)
def test_a_made_code_is_valid(random_bytes: bytes, prefix: str) -> None:
    code = make_code(random_bytes, prefix)

    assert is_valid_code(code, prefix)


def test_a_made_code_stands_in_groups_of_four() -> None:
    code = make_code(b"\xff" * 10, "BURGER")

    assert [len(group) for group in code.split("-")] == [6, 4, 4, 4, 4]


@given(BYTES, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_one_wrong_symbol_is_found(random_bytes: bytes, place: int, wrong: str) -> None:
    symbols = normalise_code(make_code(random_bytes))

    changed = symbols[:place] + wrong + symbols[place + 1 :]

    assert is_valid_code(changed) == (changed == symbols)


@given(BYTES, st.integers(0, 14))
def test_two_exchanged_neighbours_are_found(random_bytes: bytes, place: int) -> None:
    symbols = normalise_code(make_code(random_bytes))

    changed = symbols[:place] + symbols[place + 1] + symbols[place] + symbols[place + 2 :]

    assert is_valid_code(changed) == (changed == symbols)


@pytest.mark.parametrize("code", ["", "ABCD", CODE[:-1], CODE + "0", "ÄÖÜ" * 6, "🙂" * 16, "BURGER-" + CODE])
def test_what_cannot_be_a_code_is_not_valid(code: str) -> None:
    assert not is_valid_code(code)


@given(BYTES, PREFIXES)
def test_letters_read_for_digits_still_find_the_code(random_bytes: bytes, prefix: str) -> None:
    code = make_code(random_bytes, prefix)
    head, tail = code[:-19], code[-19:]

    typed = head + tail.replace("0", "o").replace("1", "l")

    assert normalise_code(code) in candidate_keys(typed)


def test_an_uploaded_code_is_looked_up_as_typed_only() -> None:
    assert candidate_keys("save-io") == ("SAVEIO",)


def test_too_little_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="10 random bytes"):
        make_code(b"short")
