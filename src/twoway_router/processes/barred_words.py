"""Reads the words that the operator reserves, from the file of ``TWOWAY_RESERVED_WORDS``. Called by ``roles`` for the API."""

from pathlib import Path

from twoway_router.processes.frame import StartRefused
from twoway_router.routing.barred_words import NO_BARRED_WORDS, BarredWords, read_barred_words


def load_barred_words(path: Path | None) -> BarredWords:
    """The words of the file, none without a file; one with a mistake stops the start."""
    if path is None:
        return NO_BARRED_WORDS
    try:
        return read_barred_words(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StartRefused(f"TWOWAY_RESERVED_WORDS: {path}: {error}") from None
