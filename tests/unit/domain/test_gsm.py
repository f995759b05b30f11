"""Segments: encodings, limits and pairs at the edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.domain.gsm import BASIC, EXTENSION, measure
from twoway_router.domain.messages import Encoding

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2

CASES = [
    ("", GSM7, 1, 0),
    ("a", GSM7, 1, 1),
    (" ", GSM7, 1, 1),
    ("@", GSM7, 1, 1),
    ("\n", GSM7, 1, 1),
    ("\r\n", GSM7, 1, 2),
    (BASIC, GSM7, 1, 127),
    (EXTENSION, GSM7, 1, 20),
    ("€", GSM7, 1, 2),
    ("\f", GSM7, 1, 2),
    ("[]", GSM7, 1, 4),
    ("{}~|^\\", GSM7, 1, 12),
    ("Pizza ¡gratis! ¿cuándo?", UCS2, 1, 23),
    ("à è é ì ò ù ñ ä ö ü å ø ß Ç Æ", GSM7, 1, 29),
    ("SÍ", UCS2, 1, 2),
    ("ç", UCS2, 1, 1),
    ("Ç", GSM7, 1, 1),
    ("á", UCS2, 1, 1),
    ("ó", UCS2, 1, 1),
    ("ú", UCS2, 1, 1),
    ("â", UCS2, 1, 1),
    ("ÀÈÌÒÙ", UCS2, 1, 5),
    ("ΔΦΓΛΩΠΨΣΘΞ", GSM7, 1, 10),
    ("ΑΒ", UCS2, 1, 2),
    ("ω", UCS2, 1, 1),
    ("§¤¡¿£¥", GSM7, 1, 6),
    ("¢", UCS2, 1, 1),
    ("`", UCS2, 1, 1),
    ("\t", UCS2, 1, 1),
    ("\u00a0", UCS2, 1, 1),
    ("“PIZZA”", UCS2, 1, 7),
    ("it’s", UCS2, 1, 4),
    ("…", UCS2, 1, 1),
    ("–", UCS2, 1, 1),
    ("привет", UCS2, 1, 6),
    ("你好", UCS2, 1, 2),
    ("مرحبا", UCS2, 1, 5),
    ("😀", UCS2, 1, 2),
    ("👨‍👩‍👧", UCS2, 1, 8),
    ("\x1b", UCS2, 1, 1),
    ("\x00", UCS2, 1, 1),
    ("\ud800", UCS2, 1, 1),
    ("e\u0301", UCS2, 1, 2),
    ("a" * 159, GSM7, 1, 159),
    ("a" * 160, GSM7, 1, 160),
    ("a" * 161, GSM7, 2, 161),
    ("a" * 306, GSM7, 2, 306),
    ("a" * 307, GSM7, 3, 307),
    ("a" * 459, GSM7, 3, 459),
    ("a" * 460, GSM7, 4, 460),
    ("a" * 918, GSM7, 6, 918),
    ("a" * 919, GSM7, 7, 919),
    ("€" * 80, GSM7, 1, 160),
    ("€" * 81, GSM7, 2, 162),
    ("€" * 152, GSM7, 2, 304),
    ("€" * 153, GSM7, 3, 306),
    ("a" * 152 + "€" + "a" * 152, GSM7, 3, 306),
    ("a" * 151 + "€" + "a" * 153, GSM7, 2, 306),
    ("a" * 158 + "€", GSM7, 1, 160),
    ("a" * 159 + "€", GSM7, 2, 161),
    ("ж" * 70, UCS2, 1, 70),
    ("ж" * 71, UCS2, 2, 71),
    ("ж" * 134, UCS2, 2, 134),
    ("ж" * 135, UCS2, 3, 135),
    ("ж" * 201, UCS2, 3, 201),
    ("ж" * 202, UCS2, 4, 202),
    ("😀" * 35, UCS2, 1, 70),
    ("😀" * 36, UCS2, 2, 72),
    ("😀" * 66, UCS2, 2, 132),
    ("😀" * 67, UCS2, 3, 134),
    ("ж" * 66 + "😀" + "ж" * 66, UCS2, 3, 134),
    ("ж" * 65 + "😀" + "ж" * 67, UCS2, 2, 134),
    ("a" * 69 + "ж", UCS2, 1, 70),
    ("a" * 70 + "ж", UCS2, 2, 71),
    ("a" * 160 + "ж", UCS2, 3, 161),
    ("a" * 1600, GSM7, 11, 1600),
    ("\u0301" * 200, UCS2, 3, 200),
]


@pytest.mark.parametrize(("text", "encoding", "segments", "units"), CASES)
def test_a_text_costs_its_segments(text: str, encoding: Encoding, segments: int, units: int) -> None:
    measured = measure(text)

    assert (measured.encoding, measured.segments, measured.units) == (encoding, segments, units)


def test_the_basic_table_has_every_letter_but_the_escape() -> None:
    assert len(BASIC) == len(set(BASIC)) == 127


@given(st.text(alphabet=st.sampled_from(BASIC + EXTENSION + "ж😀"), max_size=700))
def test_segments_hold_all_units_and_waste_at_most_one_each(text: str) -> None:
    measured = measure(text)

    single, part = (160, 153) if measured.encoding is GSM7 else (70, 67)
    assert measured.units <= (single if measured.segments == 1 else part * measured.segments)
    assert measured.segments == 1 or measured.units > (part - 1) * (measured.segments - 1)
