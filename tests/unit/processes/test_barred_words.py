"""The operator's own words are read at the start; what cannot be read stops it, by the setting's name."""

from pathlib import Path

import pytest

from twoway_router.processes.barred_words import load_barred_words
from twoway_router.processes.frame import StartRefused


def test_without_a_file_nothing_is_kept_back() -> None:
    assert not load_barred_words(None).barred


def test_the_words_of_the_file_are_kept_back(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("barred: [RULETA]", encoding="utf-8")

    assert load_barred_words(path).barred == {"ruleta": "RULETA"}


@pytest.mark.parametrize("content", [b"barred: 5", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "words.yaml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StartRefused, match="TWOWAY_RESERVED_WORDS"):
        load_barred_words(path)
