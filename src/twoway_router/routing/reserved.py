"""Opt-out, help and start words at the start of a text, however they are written. Called by ``plan`` before anything else."""

from collections.abc import Container
from enum import StrEnum
from typing import Final, NamedTuple

from twoway_router.routing.characters import is_symbol
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.other_spellings import (
    cut_runs,
    digit_look_alikes,
    has_other_script,
    has_run,
    letters,
    skeleton,
    without_signs,
)
from twoway_router.routing.sentences import Sentences, plain_words
from twoway_router.routing.text import Folded
from twoway_router.routing.types import RouteOutcome, Rule
from twoway_router.routing.words import ReservedWord, Vocabulary

_LONGEST: Final = 48
_STRICT_COUNTRIES: Final = frozenset(("US", "CA"))
_MOST_AFTER_PHRASE: Final = 3
_MOST_LOOK_ALIKE_WORDS: Final = 8
_LONGEST_COURTESY: Final = 3
_MOST_UNKNOWN: Final = 1
_SHORTEST_NUMBER: Final = 4


class Force(StrEnum):
    """How firmly a reserved word is meant."""

    ALWAYS = "always"
    UNLESS_ASKED = "unless_asked"
    LAST_RESORT = "last_resort"


class Reading(NamedTuple):
    """A whole message read as a reserved word."""

    outcome: RouteOutcome
    word: ReservedWord
    rule: Rule
    force: Force


class Lead(NamedTuple):
    """A reserved word at the start with more text behind it; ``tokens`` is how many tokens it takes."""

    outcome: RouteOutcome
    word: ReservedWord
    tokens: int


def read_whole(entry: NumberEntry, folded: Folded, *, is_keyword: bool) -> Reading | None:
    """The whole message as a reserved word. A look-alike spelling counts only if the message is no keyword as it stands."""
    size = folded.size
    if folded.is_long or not size:
        return None
    tokens = folded.tokens[:size]
    key = "".join(tokens)
    if len(key) > _LONGEST:
        return None
    found = _look_up(entry, key, tokens) if key in entry.words.reserved else None
    if found is not None or is_keyword or size > _MOST_LOOK_ALIKE_WORDS:
        return found
    # Plain letters without a run look like nothing but themselves.
    return None if key.isascii() and key.isalpha() and not has_run(key) else _look_up_look_alikes(entry, key, tokens)


def _look_up(entry: NumberEntry, key: str, tokens: list[str]) -> Reading | None:
    """The list that a key stands in; opt-outs first, for one key may stand in the lists of several languages."""
    words = entry.words
    word = words.opt_out.get(key)
    if word is not None and _is_spelt(key, tokens, word):
        return Reading(RouteOutcome.OPT_OUT, word, Rule.OPT_OUT, Force.ALWAYS)
    if (word := words.opt_out_phrases.get(key)) is not None:
        return Reading(RouteOutcome.OPT_OUT, word, Rule.OPT_OUT_PHRASE, Force.ALWAYS)
    if (word := words.opt_out_unless_asked.get(key)) is not None and _is_spelt(key, tokens, word):
        # In the United States and Canada these words must opt out at once, whatever was asked.
        is_strict = entry.rules.country.upper() in _STRICT_COUNTRIES
        return Reading(RouteOutcome.OPT_OUT, word, Rule.OPT_OUT, Force.ALWAYS if is_strict else Force.UNLESS_ASKED)
    for known, outcome in ((words.help, RouteOutcome.HELP), (words.start, RouteOutcome.OPT_IN)):
        if (word := known.get(key)) is not None and _is_spelt(key, tokens, word):
            return Reading(outcome, word, Rule(outcome), Force.ALWAYS)
    if (word := words.foreign.get(key)) is not None and _is_spelt(key, tokens, word):
        return Reading(_FOREIGN[word.kind], word, Rule(_FOREIGN[word.kind]), Force.LAST_RESORT)
    return None


_FOREIGN: Final = {
    "help": RouteOutcome.HELP,
    "start": RouteOutcome.OPT_IN,
    "opt_out_unless_asked": RouteOutcome.OPT_OUT,
}


def _is_spelt(key: str, tokens: list[str], word: ReservedWord) -> bool:
    """Not pieced together from other words: as many words as the list has, or single letters, or long enough."""
    if len(tokens) <= 1 + word.word.count(" ") or not key.isascii():
        return True
    return all(len(token) == 1 for token in tokens) or len(key) >= 5


def _look_up_look_alikes(entry: NumberEntry, key: str, tokens: list[str]) -> Reading | None:
    """Drawn out (STOOOP), signs or emoji before it (*STOP*), look-alike letters or digits (ST0P)."""
    bare = [token for token in tokens if not is_symbol(token)]
    plain = without_signs("".join(bare))
    spellings = [plain, *digit_look_alikes(plain), *cut_runs(plain)]
    if has_other_script(plain):
        spellings += [skeleton(plain), *cut_runs(skeleton(plain))]
    for spelt in spellings:
        if spelt and spelt != key and (found := _look_up(entry, spelt, bare)):
            return found
    return None


def read_lead(entry: NumberEntry, folded: Folded) -> Lead | None:
    """A reserved word before other text."""
    words = entry.words
    tokens = folded.tokens
    if not tokens or tokens[0] not in words.openers:
        return None
    for count in (4, 3, 2, 1):
        if folded.size <= count:
            continue
        key = "".join(tokens[:count])
        for known, outcome in (
            (words.opt_out, RouteOutcome.OPT_OUT),
            (words.opt_out_unless_asked, RouteOutcome.OPT_OUT),
            (words.help, RouteOutcome.HELP),
            (words.start, RouteOutcome.OPT_IN),
        ):
            word = known.get(key)
            if word is not None and (count == 1 + word.word.count(" ") or not key.isascii()):
                return Lead(outcome, word, count)
    return None


def is_plain_stop(entry: NumberEntry, folded: Folded, lead: Lead) -> bool:
    """An opt-out word with nothing but courtesy or the number itself behind it, or STOP with one word nobody knows."""
    words = entry.words
    # CANCEL begins too many sentences.
    if lead.word.kind != "opt_out":
        return False
    behind = folded.tokens[lead.tokens : folded.size]
    if folded.is_long:
        return all(token in words.opt_out for token in behind)
    if is_made_of(behind, words.polite, words.opt_out, words.opt_out_unless_asked) or _is_address(entry, behind):
        return True
    if lead.tokens != 1 or folded.tokens[0] != "stop" or len(behind) != 1:
        return False
    # "stop pizzza" is safer read as an opt-out than as nothing; "stop kidding" is neither.
    word = behind[0]
    return letters(word) >= 3 and not words.is_common(word) and not (word.isascii() and word.endswith("ing"))


def _is_address(entry: NumberEntry, tokens: list[str]) -> bool:
    """Whether these tokens are this number as people write it, with courtesy around it."""
    digits = "".join(token for token in tokens if token.isdecimal())
    if len(digits) < 3 or not entry.rules.address.endswith(digits):
        return False
    return is_made_of([token for token in tokens if not token.isdecimal()], entry.words.polite)


def is_made_of(tokens: list[str], *lists: Container[str]) -> bool:
    """Whether there is nothing but words and phrases of the lists, of at most three words each."""
    if not tokens:
        return True
    return any(
        any("".join(tokens[:count]) in words for words in lists) and is_made_of(tokens[count:], *lists)
        for count in range(1, min(len(tokens), _LONGEST_COURTESY) + 1)
    )


def read_phrase(entry: NumberEntry, folded: Folded) -> ReservedWord | None:
    """A phrase of any language that asks for an end, with a few words behind it at most, none of them common."""
    if folded.is_long or not folded.tokens or folded.tokens[0] not in entry.words.openers:
        return None
    words = entry.words
    key = ""
    for number, token in enumerate(folded.tokens, 1):
        key += token
        behind = folded.tokens[number : folded.size]
        if (
            number > 1
            and key in words.opt_out_phrases
            and len(behind) <= _MOST_AFTER_PHRASE
            and all(token in words.polite or not words.is_common(token) for token in behind)
        ):
            return words.opt_out_phrases[key]
    return None


class Wish(NamedTuple):
    """A wish for an end in a text. ``is_plain``: nothing in the text says that something else may be meant."""

    word: ReservedWord
    is_plain: bool


def read_wish(entry: NumberEntry, text: str, folded: Folded) -> Wish | None:
    """A sentence that asks for an end, or what only hints at one: that is for review, never a decision."""
    words = entry.words
    if not may_hold_a_wish(words, text, folded):
        return None
    tokens = plain_words(text)
    spelt = " ".join(tokens)
    mark: ReservedWord | None = None
    for sentences in words.sentences:
        if (found := sentences.requests.search(spelt)) is not None:
            word = ReservedWord(word=found[0], language=sentences.language, kind="sentence")
            around = sentences.requests.sub(" ", spelt).split()
            unknown = [token for token in around if not _may_stand_around(words, sentences, token)]
            is_turned = not sentences.negations.isdisjoint(around)
            if len(unknown) <= _MOST_UNKNOWN and not is_turned and not any(map(words.is_common, unknown)):
                return Wish(word, is_plain=True)
            mark = mark or word
        elif mark is None and (found := sentences.hints.search(spelt)) is not None:
            mark = ReservedWord(word=found[0], language=sentences.language, kind="hint")
    # The word itself, anywhere; where it is an ordinary word too, at one of the ends.
    leads = words.opt_out_leads
    for place, token in enumerate(tokens):
        if token in leads and (place in (0, len(tokens) - 1) or not words.is_common(token)):
            return Wish(leads[token], is_plain=False)
    return None if mark is None else Wish(mark, is_plain=False)


def may_hold_a_wish(words: Vocabulary, text: str, folded: Folded) -> bool:
    """Whether one of the words is there without which no wish is read; quick, for it is asked of every message."""
    if not words.triggers.isdisjoint(folded.tokens):
        return True
    return folded.is_long and not words.triggers.isdisjoint(plain_words(text))


def _may_stand_around(words: Vocabulary, sentences: Sentences, token: str) -> bool:
    is_number = token.isdecimal() and len(token) >= _SHORTEST_NUMBER
    return token in sentences.around or token in words.polite or token in words.opt_out or is_number
