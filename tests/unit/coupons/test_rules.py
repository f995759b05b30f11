"""Uploads, and callers that guess."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from twoway_router.coupons.rules import read_csv, sort_upload

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ANN, BOB = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("A-1\nB-2\n", ["A-1", "B-2"]),
        ("\ufeffcode\r\nA-1\r\n\r\nB-2", ["A-1", "B-2"]),
        ("Code,note\nA-1,first\nB-2,second\n", ["A-1", "B-2"]),
        ('"A-1"\n" B-2 "\n', ["A-1", "B-2"]),
        ("", []),
        ("code", []),
    ],
)
def test_the_first_column_of_a_csv_holds_the_codes(text: str, codes: list[str]) -> None:
    assert read_csv(text) == codes


def test_an_upload_is_sorted() -> None:
    upload = sort_upload(["SAVE-1", "save1", " SAVE-2 ", "abc", "a/bcd", "ab\x07cd", "----", "SAVE-2"])

    assert upload.codes == ("SAVE-1", "SAVE-2")
    assert list(upload.duplicates) == ["save1", "SAVE-2"]
    assert list(upload.invalid) == ["abc", "a/bcd", "ab\x07cd", "----"]
