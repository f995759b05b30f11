"""The reserved words of every language, from the data files beside this module. Read by ``plan``, ``match`` and ``claims``.

Opt-out words of the first kind always opt out, on every number and in every language, but for what is an ordinary word
in another language of the number. Those of the second kind opt out unless an open question expects them. Help and start
words count at once in the number's languages and English, and elsewhere when nothing else fits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Final

import yaml

from twoway_router.routing.frames import Frame, frame_of
from twoway_router.routing.other_spellings import derived_keys
from twoway_router.routing.sentences import Sentences, sentences_of
from twoway_router.routing.text import fold

_DATA: Final = files("twoway_router.routing") / "data"
_COMMONEST: Final = 1_000
_SAME_LIST: Final = {"nb": "no", "nn": "no", "sr": "hr", "bs": "hr", "gl": "ca", "iw": "he"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservedWord:
    """One reserved word as the data file spells it. ``kind`` is the list that it stands in.

    ``language`` is the one to answer in: the number's first language that has the word, else the word's own; of a word
    that several other languages share, the number's first.
    """

    word: str
    language: str
    kind: str


Words = Mapping[str, ReservedWord]


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """The reserved words as one set of languages sees them, by folded key.

    ``reserved`` has the keys of all lists of compliance; ``openers`` the first tokens of their words; ``triggers`` the words
    without which a text holds no wish for an end; ``operator`` what a sender may ask the number itself; ``offensive`` what
    nobody should advertise without an operator's consent; ``frame`` what stands around a keyword and says nothing.
    """

    languages: tuple[str, ...]
    opt_out: Words
    opt_out_unless_asked: Words
    opt_out_leads: Words
    opt_out_phrases: Words
    help: Words
    start: Words
    foreign: Words
    operator: Words
    offensive: frozenset[str]
    yes: frozenset[str]
    no: frozenset[str]
    replies: frozenset[str]
    campaign: frozenset[str]
    """Words that adverts like: an operator may leave them to the first claimant."""
    needs_operator: frozenset[str]
    """Common words that only an operator can allow as a keyword; rarer ones of ``common`` are merely guarded."""
    polite: frozenset[str]
    common: frozenset[str]
    reserved: frozenset[str]
    openers: frozenset[str]
    sentences: tuple[Sentences, ...]
    triggers: frozenset[str]
    frame: Frame

    def is_common(self, key: str) -> bool:
        """A word so common, or so typical an answer, that only a whole message may mean a keyword by it."""
        return key in self.common

    def is_reserved(self, key: str) -> bool:
        """A common word, an answer, or a word of compliance in any language."""
        return key in self.reserved or self.is_common(key)


def primary(language: str) -> str:
    """The name of the data file for a BCP 47 tag."""
    tag = language.replace("_", "-").split("-")[0].lower()
    return _SAME_LIST.get(tag, tag)


@cache
def all_languages() -> tuple[str, ...]:
    """Every language with a list of reserved words."""
    names = (entry.name for entry in (_DATA / "reserved").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@cache
def _lists(language: str) -> Mapping[str, list[str]]:
    path = _DATA / "reserved" / f"{language}.yaml"
    if not path.is_file():
        return {}
    loaded: dict[str, list[str]] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return loaded


@cache
def common_words(language: str) -> frozenset[str]:
    """The folded keys of the commonest words of a language; empty where there is no list."""
    return _listed("common", language)


@cache
def chat_words(language: str) -> frozenset[str]:
    """The folded keys of words with which people begin messages to each other; empty where there is no list."""
    return _listed("chat", language)


@cache
def campaign_words(language: str) -> frozenset[str]:
    """The folded keys of words that adverts like; empty where there is no list."""
    return _listed("campaign", language)


@cache
def automatic_beginnings() -> frozenset[str]:
    """The folded keys of what links, mails and automatic replies begin with, in all languages."""
    names = (entry.name.removesuffix(".txt") for entry in (_DATA / "automatic").iterdir())
    return frozenset[str]().union(*(_listed("automatic", name) for name in names))


@cache
def offensive_words(language: str) -> frozenset[str]:
    """The folded keys of words that many find offensive; empty where there is no list."""
    return _listed("profanity", language)


def _listed(kind: str, language: str, at_most: int | None = None) -> frozenset[str]:
    path = _DATA / kind / f"{primary(language)}.txt"
    if not path.is_file():
        return frozenset()
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return frozenset(fold(line).key for line in lines[:at_most])


def _words(kind: str, languages: Iterable[str]) -> dict[str, ReservedWord]:
    found: dict[str, ReservedWord] = {}
    for language in languages:
        for word in _lists(language).get(kind, ()):
            reserved = ReservedWord(word=word, language=language, kind=kind)
            key = fold(word).key
            found.setdefault(key, reserved)
            for derived in derived_keys(key, word):
                found.setdefault(derived, reserved)
    return found


@cache
def words_of_all_languages(kind: str) -> Words:
    """The words of one list in all languages; where two languages share a word, English names it, then the alphabet."""
    return _words(kind, ("en", *all_languages()))


@cache
def _languages_of(kind: str) -> Mapping[str, frozenset[str]]:
    """Which languages have a word in this list, by folded key."""
    found: dict[str, set[str]] = {}
    for language in all_languages():
        for key in _words(kind, (language,)):
            found.setdefault(key, set()).add(language)
    return {key: frozenset(languages) for key, languages in found.items()}


def _everywhere(kind: str, declared: tuple[str, ...]) -> dict[str, ReservedWord]:
    """The words of one list in all languages, as a number with these languages answers them."""
    found = _words(kind, (*declared, "en", *all_languages()))
    shared = _languages_of(kind)
    return {
        key: replace(word, language=declared[0]) if word.language not in declared and len(shared[key]) > 1 else word
        for key, word in found.items()
    }


def _without_ordinary(words: Words, declared: tuple[str, ...]) -> dict[str, ReservedWord]:
    """The opt-out words that nobody on such a number says in another language: BASTA is Spanish, FINE is English.

    English opt-out words count everywhere, and so does a word that the other language has as an opt-out too.
    """
    stops = [_keys("opt_out", (language,)) | _keys("opt_out_unless_asked", (language,)) for language in declared]
    everywhere = _keys("opt_out", ("en",)) | _keys("opt_out_unless_asked", ("en",))
    ordinary = set[str]()
    for language, own in zip(declared, stops, strict=True):
        ordinary |= (common_words(language) | chat_words(language)) - own
    return {key: word for key, word in words.items() if key not in ordinary or key in everywhere}


@cache
def _keys(kind: str, languages: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_words(kind, languages))


@cache
def vocabulary(languages: tuple[str, ...]) -> Vocabulary:
    """The reserved words for a number with these languages; English always counts."""
    declared = tuple(dict.fromkeys(map(primary, languages))) or ("en",)
    own = tuple(dict.fromkeys([*declared, "en"]))
    opt_out = _without_ordinary(_everywhere("opt_out", declared), declared)
    # Misspelt, STOP is no word of any language: it is answered as STOP is.
    opt_out |= {fold(word).key: opt_out["stop"] for word in _lists("en")["misspelt"]}
    unless_asked = _without_ordinary(_words("opt_out_unless_asked", own), declared)
    helping, starting = (_words(kind, own) for kind in ("help", "start"))
    known = {*unless_asked, *helping, *starting}
    answers_and_replies = (_keys(kind, own) for kind in ("yes_words", "no_words", "replies"))
    frame = frame_of(own)
    # The words with which adverts begin, too: a keyword SMS would take "sms PIZZA to 66777".
    common = frame.verbs.union(*map(common_words, own), *map(chat_words, own), *answers_and_replies)
    foreign = {
        key: word
        for kind in ("help", "start", "opt_out_unless_asked")
        for key, word in _everywhere(kind, declared).items()
        if key not in known and key not in common
    }
    lists = (
        opt_out,
        words_of_all_languages("opt_out_phrases"),
        unless_asked,
        helping,
        starting,
        foreign,
    )
    openers: set[str] = set()
    for words in lists:
        for key, word in words.items():
            openers.add(fold(word.word).tokens[0])
            # A word with a space is recognised by its first token; a single one also by a spelling derived from it.
            if " " not in word.word:
                openers.add(key)
    leads = words_of_all_languages("opt_out_leads")
    sentences = tuple(found for language in own if (found := sentences_of(language)) is not None)
    return Vocabulary(
        languages=own,
        opt_out=opt_out,
        opt_out_unless_asked=unless_asked,
        opt_out_leads=leads,
        opt_out_phrases=words_of_all_languages("opt_out_phrases"),
        help=helping,
        start=starting,
        foreign=foreign,
        operator=_words("operator", own),
        offensive=frozenset[str]().union(*map(offensive_words, own)),
        yes=_keys("yes_words", own),
        no=_keys("no_words", own),
        replies=_keys("replies", own),
        campaign=frozenset[str]().union(*map(campaign_words, own)),
        needs_operator=frame.verbs.union(
            *(_listed("common", language, _COMMONEST) for language in own),
            *map(chat_words, own),
            *(_keys(kind, own) for kind in ("yes_words", "no_words", "replies")),
        ),
        polite=_keys("polite", own),
        common=common,
        reserved=frozenset(key for words in lists for key in words),
        openers=frozenset(openers),
        sentences=sentences,
        triggers=frozenset(leads).union(*(each.triggers for each in sentences)),
        frame=frame,
    )


@cache
def answers(kind: str, language: str) -> frozenset[str]:
    """The folded words of one list (``yes_words``, ``no_words``) of one language."""
    return _keys(kind, (primary(language),))
