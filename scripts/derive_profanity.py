"""Derive routing/data/profanity/*.txt from the lists of the npm package `naughty-words`.

Run by hand when the lists should change (docs/registry.md, "Words that need an operator"):

    npm pack naughty-words@1.2.0 && tar xzf naughty-words-1.2.0.tgz
    python scripts/derive_profanity.py package
"""

import json
import pathlib
import sys

TARGET = pathlib.Path(__file__).parents[1] / "src/twoway_router/routing/data/profanity"
LANGUAGES = (
    "ar", "cs", "da", "de", "en", "es", "fi", "fr", "hi", "hu", "it", "ja", "ko", "nl", "no", "pl", "pt", "ru", "sv", "th",
    "tr", "zh",
)  # fmt: skip
HEAD = """\
# Words that many people find offensive ({language}), one a line. They are here so that nobody advertises them by accident.
# Source: naughty-words 1.2.0 (List of Dirty, Naughty, Obscene, and Otherwise Bad Words), Shutterstock and contributors;
# CC BY 4.0, see NOTICE; sorted, otherwise unchanged.
"""


def main(package: str) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        words: list[str] = json.loads((pathlib.Path(package) / f"{language}.json").read_text(encoding="utf-8"))
        (TARGET / f"{language}.txt").write_text(
            HEAD.format(language=language) + "\n".join(sorted(set(words))) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main(sys.argv[1])
