"""How a wish for an end is put into words, one data file a language: blocks of words, and requests made of blocks.

Read by ``words``; ``reserved`` asks it about texts that hold one of its trigger words.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import yaml

from twoway_router.routing.characters import EDGE, is_symbol
from twoway_router.routing.text import fold_string

_DATA: Final = files("twoway_router.routing") / "data" / "sentences"
_LONGEST: Final = 160
_MOST_SMALL: Final = 4


class Sentences(NamedTuple):
    """The requests of one language: what asks for an end, what may stand around it, and what only hints at it."""

    language: str
    requests: re.Pattern[str]
    hints: re.Pattern[str]
    around: frozenset[str]
    negations: frozenset[str]
    triggers: frozenset[str]


def plain_words(text: str) -> list[str]:
    """The folded words of a text beyond its head, without signs."""
    spelt = fold_string(text[:_LONGEST]).replace(EDGE, " ")
    return spelt.split() if spelt.isascii() else [word for word in spelt.split() if not is_symbol(word)]


@cache
def sentences_of(language: str) -> Sentences | None:
    """The requests of a language; None where there is no file."""
    path = _DATA / f"{language}.yaml"
    if not path.is_file():
        return None
    # The base loader makes nothing but strings, so it is safe, and "no" and "on" stay words.
    data: Mapping[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CBaseLoader)  # noqa: S506
    small = _phrases(data["small"])
    blocks = {name: _phrases(phrases) for name, phrases in data["blocks"].items()}
    bare, hints = _phrases(data["bare"]), _phrases(data["hints"])
    gap = rf"(?: {_any_of(small)}){{0,{_MOST_SMALL}}} "
    requests = [[name.strip("*") for name in request.split()] for request in data["requests"]]
    patterns = [gap.join(_any_of(blocks[name]) for name in names) for names in requests]
    # The rarest word of every request: reading a text costs most where one of them is found.
    rare = [next((name for name in each.split() if name[0] == "*"), each.split()[0]) for each in data["requests"]]
    telling = [*bare, *hints, *(phrase for name in rare for phrase in blocks[name.strip("*")])]
    return Sentences(
        language=language,
        requests=_whole_words([*patterns, _any_of(bare)]),
        hints=_whole_words([_any_of(hints)]),
        around=frozenset(" ".join((*small, *_phrases(data["courtesy"]))).split()),
        negations=frozenset(_phrases(data["negations"])),
        triggers=frozenset(max(phrase.split(), key=len) for phrase in telling),
    )


def _phrases(listed: Iterable[str]) -> list[str]:
    return [" ".join(plain_words(phrase)) for phrase in listed]


def _any_of(phrases: list[str]) -> str:
    return f"(?:{'|'.join(map(re.escape, sorted(set(phrases), key=len, reverse=True)))})"


def _whole_words(patterns: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{'|'.join(patterns)})(?!\S)")
