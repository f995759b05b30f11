"""What stands around a keyword and says nothing by itself: courtesy, signatures, the words of adverts; one file a language.

Read by ``words``; ``tails`` and ``adverts`` ask it about texts that would reach nobody else.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import yaml

from twoway_router.routing.sentences import plain_words

_DATA: Final = files("twoway_router.routing") / "data" / "frames"


class Frame(NamedTuple):
    """The words of some languages, folded; ``subjects`` of all. Phrases of courtesy are keys, all others are tokens."""

    courtesy: frozenset[str]
    not_codes: frozenset[str]
    verbs: frozenset[str]
    small: frozenset[str]
    subjects: frozenset[str]


class Signatures(NamedTuple):
    """How people and telephones end a message, in all languages: a telephone speaks its owner's, not the number's."""

    sent: tuple[str, ...]
    sent_last: tuple[str, ...]
    wrote: tuple[str, ...]
    closings: tuple[str, ...]


@cache
def _lists(language: str) -> Mapping[str, list[str]]:
    path = _DATA / f"{language}.yaml"
    if not path.is_file():
        return {}
    # The base loader makes nothing but strings, so it is safe, and "no" and "on" stay words.
    lists: Mapping[str, list[str]] = yaml.load(path.read_text(encoding="utf-8"), yaml.CBaseLoader)  # noqa: S506
    return lists


def _phrases(kind: str, languages: Iterable[str]) -> list[str]:
    return [" ".join(plain_words(phrase)) for language in languages for phrase in _lists(language).get(kind, ())]


def _all_languages() -> list[str]:
    return sorted(entry.name.removesuffix(".yaml") for entry in _DATA.iterdir() if entry.name.endswith(".yaml"))


def frame_of(languages: tuple[str, ...]) -> Frame:
    """The words around keywords of a number with these languages."""
    return Frame(
        courtesy=frozenset(phrase.replace(" ", "") for phrase in _phrases("courtesy", languages)),
        not_codes=frozenset(_phrases("not_codes", languages)),
        verbs=frozenset(" ".join(_phrases("verbs", languages)).split()),
        small=frozenset(" ".join(_phrases("small", languages)).split()),
        subjects=frozenset(phrase.split()[0] for phrase in _phrases("subjects", _all_languages())),
    )


@cache
def signatures() -> Signatures:
    """Each phrase with a space where the rest of its line begins, so that it ends with a word."""
    sent, sent_last, wrote, closings = (
        tuple(sorted(set(_phrases(kind, _all_languages())))) for kind in ("sent", "sent_last", "wrote", "closings")
    )
    return Signatures(
        sent=tuple(f"{phrase} " for phrase in sent),
        sent_last=tuple(f" {phrase}" for phrase in sent_last),
        wrote=tuple(f" {phrase}" for phrase in wrote),
        # The longest first: of "best regards Ann" the name is Ann.
        closings=tuple(sorted((f"{phrase} " for phrase in closings), key=len, reverse=True)),
    )


@cache
def subject() -> re.Pattern[str]:
    """The start of a forwarded or answered message, in all languages: Re:, Fwd:, R:, AW:."""
    words = {word for language in _all_languages() for word in _lists(language).get("subjects", ())}
    any_of = "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))
    return re.compile(rf"\s*(?:(?:{any_of})\s?[:：]\s*)+", re.IGNORECASE)
