"""Derive routing/data/common/*.txt: the commonest words of each language, from the lists of the `wordfreq` package.

Run by hand, in a virtual environment of its own, when the lists should change (docs/routing.md, "Reserved words"):

    python -m venv /tmp/wordfreq && /tmp/wordfreq/bin/pip install wordfreq==3.1.1
    /tmp/wordfreq/bin/python scripts/derive_common_words.py
"""

import pathlib
import unicodedata

import wordfreq

TARGET = pathlib.Path(__file__).parents[1] / "src/twoway_router/routing/data/common"
COUNT = 2_000
LANGUAGES = {
    "ar": "ar", "bg": "bg", "ca": "ca", "cs": "cs", "da": "da", "de": "de", "el": "el", "en": "en", "es": "es", "fi": "fi",
    "fr": "fr", "he": "he", "hi": "hi", "hr": "sh", "hu": "hu", "it": "it", "ja": "ja", "ko": "ko", "lt": "lt", "lv": "lv",
    "nl": "nl", "no": "nb", "pl": "pl", "pt": "pt", "ro": "ro", "ru": "ru", "sk": "sk", "sl": "sl", "sv": "sv", "tr": "tr",
    "uk": "uk", "zh": "zh",
}  # fmt: skip
HEAD = """\
# The commonest words of one language ({language}), commonest first, one a line.
# Source: wordfreq {version} (list "{source}") by Robyn Speer and others, cut and filtered; data CC BY-SA 4.0, see NOTICE.
"""


def is_word(word: str) -> bool:
    """Letters, the marks that some scripts write vowels with, and apostrophes."""
    return all(unicodedata.category(character)[0] in "LM" or character in "'’" for character in word)


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for language, source in LANGUAGES.items():
        words = [word for word in wordfreq.top_n_list(source, COUNT * 2) if is_word(word)][:COUNT]
        head = HEAD.format(language=language, source=source, version="3.1.1")
        (TARGET / f"{language}.txt").write_text(head + "\n".join(words) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
