"""What is wrong with a word as a keyword, whoever else holds keywords. Called by ``claims``."""

import unicodedata
from typing import Final, NamedTuple

from twoway_router.routing.characters import is_symbol
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.other_spellings import (
    cut_runs,
    digit_look_alikes,
    has_run,
    letters,
    skeleton,
    weight,
    without_signs,
)
from twoway_router.routing.text import Folded
from twoway_router.routing.types import CampaignWords, VerdictCode
from twoway_router.routing.words import automatic_beginnings, words_of_all_languages

LONGEST: Final = 32
MOST_WORDS: Final = 4
_SHORTEST: Final = 3
_JOINERS: Final = "\ufe0f\u200d"
_EAST_ASIAN: Final = (
    frozenset(("CJK", "HIRAGANA", "KATAKANA")),
    frozenset(("CJK", "HANGUL")),
    frozenset(("CJK", "BOPOMOFO")),
)
_LONGEST_ABBREVIATED: Final = 2
_EXCLAIMED: Final = frozenset("aeiouyhmwz")
_NEVER_WITH_LATIN: Final = frozenset(("GREEK", "CYRILLIC"))


class Fault(NamedTuple):
    """Why a spelling is not to be had; ``is_final``: no operator can allow it."""

    code: VerdictCode
    detail: str
    is_final: bool = True


def fault_of(entry: NumberEntry, display: str, folded: Folded) -> Fault | None:
    """The first thing wrong with a spelling, the graver ones first."""
    found = _form_fault(display, folded)
    if found is not None:
        return found
    return _shared_fault(entry, folded) if entry.is_shared else _opt_out_fault(entry, folded)


def _form_fault(display: str, folded: Folded) -> Fault | None:
    """What nobody can type or read: faults on every number."""
    if not folded.tokens:
        return Fault(VerdictCode.UNREADABLE, "Nothing is left of this word once punctuation is taken away.")
    if len(display) > LONGEST:
        return Fault(VerdictCode.TOO_LONG, f"A keyword has at most {LONGEST} characters.")
    if word_count(folded) > MOST_WORDS:
        return Fault(VerdictCode.TOO_MANY_WORDS, f"A keyword has at most {MOST_WORDS} words.")
    if _has_invisibles(display, folded):
        return Fault(VerdictCode.INVISIBLE, "The word holds characters that nobody can see; type it anew.")
    if any(map(_mixes_scripts, folded.tokens)):
        return Fault(VerdictCode.MIXED_SCRIPTS, "One word mixes letters of scripts that are not written together.")
    return None


def _shared_fault(entry: NumberEntry, folded: Folded) -> Fault | None:
    """Words that belong to everybody on a shared number."""
    key, words = folded.key, entry.words
    reserved = _opt_out_fault(entry, folded) or _everybodys_fault(entry, folded)
    if reserved is not None:
        return reserved
    typical_reply = Fault(
        VerdictCode.TYPICAL_REPLY, "People send this word as an answer; only an operator can allow it.", is_final=False
    )
    if key.isdecimal() or _is_score(key):
        return Fault(VerdictCode.ONLY_DIGITS, "Digits alone are answers to questions.")
    if key in words.yes or key in words.no:
        return Fault(VerdictCode.ANSWER, "Yes and no words are answers to questions.")
    if key in words.replies and letters(key) >= _SHORTEST:
        return typical_reply
    if not words.offensive.isdisjoint(look_alikes_of(folded)):
        detail = "Many people find this word offensive; only an operator can allow it."
        return Fault(VerdictCode.OFFENSIVE, detail, is_final=False)
    if not any(map(is_symbol, folded.tokens)) and weight(key) < _SHORTEST:
        detail = "A keyword has at least 3 letters, digits and signs, and is no amount."
        return Fault(VerdictCode.TOO_SHORT, detail, is_final=len(key) < _SHORTEST)
    if key in words.replies:
        return typical_reply
    if key in words.needs_operator and not is_free_campaign_word(entry, key):
        detail = "A common word: only an operator can allow it, and then it matches whole messages only."
        return Fault(VerdictCode.COMMON_WORD, detail, is_final=False)
    return None


def is_free_campaign_word(entry: NumberEntry, key: str) -> bool:
    """A word that adverts like, on a number whose operator leaves these to the first claimant."""
    return entry.rules.campaign_words is CampaignWords.FREE and key in entry.words.campaign


def ends_messages(entry: NumberEntry, folded: Folded) -> bool:
    """Whether the word is an opt-out word, looks like one, or begins with one."""
    return bool(folded.tokens) and _opt_out_fault(entry, folded) is not None


def _is_score(key: str) -> bool:
    """So many of so many (7/10); 24/7 is none."""
    first, _, second = key.partition("/")
    return first.isdecimal() and second.isdecimal() and int(first) <= int(second)


def _opt_out_fault(entry: NumberEntry, folded: Folded) -> Fault | None:
    # Also where the word is ordinary in one of the number's languages: its languages may change.
    stops = words_of_all_languages("opt_out")
    for key in _look_alikes(folded.key):
        if word := stops.get(key) or entry.words.opt_out_unless_asked.get(key):
            return Fault(VerdictCode.RESERVED, f"{word.word} ends messages.")
    first = folded.tokens[0]
    if first in stops:
        return Fault(VerdictCode.RESERVED, f"A keyword cannot begin with {stops[first].word}, which ends messages.")
    return None


def _everybodys_fault(entry: NumberEntry, folded: Folded) -> Fault | None:
    words = entry.words
    for key in _look_alikes(folded.key):
        if word := words.help.get(key) or words.start.get(key) or words.operator.get(key):
            return Fault(VerdictCode.RESERVED, f"{word.word} is a word that every sender may use.")
    beginnings, first = automatic_beginnings(), folded.tokens[0]
    # RE is a king in Italian: two letters that are a common word may begin a phrase.
    begins = first in beginnings and (len(first) > _LONGEST_ABBREVIATED or not words.is_common(first))
    if begins or not beginnings.isdisjoint(_look_alikes(folded.key)):
        return Fault(VerdictCode.RESERVED, "Links, mails and automatic replies begin with it, whatever they say.")
    if _is_drawn_out(folded.key):
        return Fault(VerdictCode.RESERVED, "People begin any message with it.")
    return None


def _is_drawn_out(key: str) -> bool:
    """An exclamation such as OOO, AAAH, HMMM: at most two letters, one of them drawn out."""
    return _EXCLAIMED.issuperset(key) and len(set(key)) <= 2 and has_run(key)


def look_alikes_of(folded: Folded) -> set[str]:
    """What the whole or one of its longer words could be taken for; short words mean something else elsewhere."""
    parts = (folded.key, *(token for token in folded.tokens if letters(token) > _SHORTEST))
    return {look for part in parts for look in _look_alikes(part)}


def _look_alikes(key: str) -> set[str]:
    """The key and what it could be taken for."""
    plain = without_signs(key)
    return {key, plain, skeleton(plain), *digit_look_alikes(plain), *cut_runs(plain)}


def word_count(folded: Folded) -> int:
    """Words as a person counts them: signs written together are one."""
    return len(folded.tokens) - folded.glued.bit_count()


def _has_invisibles(display: str, folded: Folded) -> bool:
    has_symbol = any(map(is_symbol, folded.tokens))
    # Arabic, Persian and the Indic scripts cannot be written right without joiners.
    needs_joiners = any("\u0600" <= character <= "\u06ff" or "\u0900" <= character <= "\u0dff" for character in display)
    return any(
        unicodedata.category(character) in ("Cf", "Cc", "Co", "Cs", "Cn")
        and not (character in "\u200c\u200d" and (has_symbol or needs_joiners))
        for character in display
        if character not in _JOINERS or not has_symbol
    )


def _mixes_scripts(token: str) -> bool:
    """Against "moderately restrictive" (UTS 39): one script and Latin, but never Latin with Greek or Cyrillic."""
    if token.isascii():
        return False
    names = (unicodedata.name(character, "UNKNOWN") for character in token if character.isalpha())
    scripts = {name.split(" ")[0].removeprefix("KATAKANA-") for name in names}
    if scripts & _NEVER_WITH_LATIN:
        return len(scripts) > 1
    scripts.discard("LATIN")
    return len(scripts) > 1 and not any(scripts <= together for together in _EAST_ASIAN)
