"""The words that the operator keeps back, from a file. Called once, when the management API is made."""

from pathlib import Path

from twoway_router.processes.frame import StartRefused
from twoway_router.routing.barred_words import NO_BARRED_WORDS, BarredWords, read_barred_words


def load_barred_words(path: Path | None) -> BarredWords:
    """The words of the file, none without one; a file that cannot be understood stops the start."""
    if path is None:
        return NO_BARRED_WORDS
    try:
        return read_barred_words(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StartRefused(f"TWOWAY_RESERVED_WORDS: {path}: {error}") from None
