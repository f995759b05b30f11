"""Where a text goes, by docs/routing.md alone: slow, keyword by keyword, and written without a look at the router.

Used by test_sequences.py. It knows what the words of that test need: no windows, no dedicated numbers, a few answers. Where the
page leaves more than one reading, or a weaker class may as well find nothing, it allows each of them.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final, NamedTuple

NOBODY: Final = ""
EVERYONE: Final = "everyone on the number"
SIGNS: Final = "%&@#*+$€£¥"
APOSTROPHES: Final = "'’‘ʼ`´"
ANSWERS: Final = {"yes_no": {"si", "yes", "no"}, "0-10": {str(digit) for digit in range(11)}}
LETTERS_OF_DIGITS: Final = {"0": "o", "1": "il", "3": "e"}


@dataclass(frozen=True, kw_only=True)
class Held:
    """A keyword of a tenant, with what it takes behind it."""

    tenant: str
    spellings: tuple[str, ...]
    sub_keywords: tuple[str, ...] = ()
    takes_digits: bool = False
    is_whole_only: bool = False
    is_at_rest: bool = False


@dataclass(frozen=True, kw_only=True)
class Open:
    """A question, or a recent exchange if it expects nothing."""

    tenant: str
    expects: str | None


class Token(NamedTuple):
    """A word, or one sign of a script without spaces; ``is_glued`` to the one before it."""

    text: str
    is_glued: bool


class Found(NamedTuple):
    """One way to read a text as a keyword. What is not ``sure`` may as well be nothing."""

    held: Held
    match_class: float
    length: int
    is_whole: bool
    rest: tuple[str, ...]
    is_sure: bool


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of the number's languages, and those of which a reader could not say it without the lists."""

    sure: frozenset[str]
    doubtful: frozenset[str]

    def hold(self, rest: Sequence[str], registry: Sequence[Held] = ()) -> bool | None:
        """Whether what is left of a text is a word or digits; None if in doubt, as for several or for a keyword."""
        written = "".join(rest)
        if written in self.sure or written.isdigit():
            return True
        keys = {joined(fold(spelling)) for held in registry for spelling in held.spellings}
        known = self.sure | self.doubtful | keys
        return None if written in known or all(one in known or one.isdigit() for one in rest) else False


def recipients(registry: Sequence[Held], words: Words, text: str, contexts: Sequence[Open]) -> set[str]:
    """Who may get it; ``contexts`` are the freshest first."""
    tokens = fold(text)
    whole = " ".join(token.text for token in tokens if not is_emoji(token.text))
    if whole == "stop":
        return {EVERYONE}
    if tokens and tokens[0].text == "stop":
        named = {found.held.tenant for found in find(registry, text.split(" ", 1)[1]) if found.is_whole}
        return named | {EVERYONE, NOBODY} | {one.tenant for one in contexts}
    for question in contexts:
        if whole in ANSWERS.get(question.expects or "", ()):
            return {question.tenant}

    found = find(registry, text)
    live = [one for one in found if not one.held.is_at_rest]
    allowed = by_keyword(live, registry, words, contexts)
    # What rests is met only where no live keyword is.
    return allowed if any(one.is_sure for one in live) else allowed | by_keyword(found, registry, words, contexts)


def by_keyword(every: Sequence[Found], registry: Sequence[Held], words: Words, contexts: Sequence[Open]) -> set[str]:
    """Rows 4 to 9 of the decision."""
    sure = [found for found in every if found.is_sure]
    allowed: set[str] = set()
    # Each reading that is not sure may be there or not; the best one decides.
    doubtful = sorted((found for found in every if not found.is_sure), key=_rank)
    for readings in (sure, *([*sure, one] for one in doubtful), every):
        allowed |= _decide(readings, registry, words, contexts)
    return allowed


def _rank(found: Found) -> tuple[float, int]:
    return found.match_class, -found.length


def _decide(readings: Sequence[Found], registry: Sequence[Held], words: Words, contexts: Sequence[Open]) -> set[str]:
    asking = [one.tenant for one in contexts if one.expects == "text"]
    # The freshest, or the one whose question takes any text.
    fallback = {contexts[0].tenant, *asking[:1]} if contexts else {NOBODY}
    if not readings:
        return fallback
    best = min(readings, key=_rank)
    equal = {found.held.tenant for found in readings if _rank(found) == _rank(best)}
    if len(equal) > 1:
        return {NOBODY, *asking[:1], *fallback}

    tenant = best.held.tenant
    if any(found.is_whole and found.match_class <= 2 for found in readings if found.held.tenant == tenant):
        return {tenant}
    is_anothers = any(found.is_whole and found.held.tenant != tenant for found in readings)
    if best.match_class == 1 and is_anothers and (is_word := words.hold(best.rest, registry)) is not False:
        return {NOBODY} if is_word else {NOBODY, tenant, *asking[:1]}
    if asking and tenant not in asking:
        return {asking[0]}
    if asking and asking[0] != tenant:
        return {asking[0], tenant}
    if best.match_class == 1:
        return {tenant}
    return fallback if contexts else {tenant}


def find(registry: Sequence[Held], text: str) -> list[Found]:
    """Every way to read the beginning of the text as a keyword that the page allows."""
    tokens = fold(text)
    lead = next((place for place, token in enumerate(tokens) if not is_passed_over(token.text)), 0)
    spellings = [(held, spelling) for held in registry for spelling in held.spellings]
    found = [one for held, spelling in spellings for one in _readings(held, spelling, tokens)]
    if lead:
        # Emoji and signs before a keyword are passed over, in class 3.
        behind = [one for held, spelling in spellings for one in _readings(held, spelling, tokens[lead:])]
        found += [one._replace(match_class=max(3, one.match_class), is_sure=False) for one in behind]
    return found


def _readings(held: Held, spelling: str, tokens: tuple[Token, ...]) -> Iterator[Found]:
    keyword = fold(spelling)
    subs = {joined(fold(sub)) for sub in held.sub_keywords}
    for length in range(1, len(tokens) + 1):
        head = tokens[:length]
        rest = tuple(token for token in tokens[length:] if not is_emoji(token.text))
        is_whole = not rest or joined(rest) in subs
        is_glued = bool(rest) and rest[0].is_glued
        is_parted = not is_glued or len(head) >= 3 or not is_sign_of_script_without_spaces(head[-1].text[0])
        may_have_text = not held.is_whole_only and is_parted
        if joined(head) == joined(keyword):
            found = _same_letters(keyword, head, rest, is_whole, may_have_text)
        else:
            found = _other_letters(joined(keyword), joined(head), held, is_whole, bool(rest), may_have_text)
        if found is not None:
            match_class, is_sure = found
            behind = tuple(token.text for token in rest)
            yield Found(held, match_class, length, is_whole, behind, is_sure and not is_glued)


def _same_letters(
    keyword: tuple[Token, ...], head: tuple[Token, ...], rest: tuple[Token, ...], is_whole: bool, may_have_text: bool
) -> tuple[float, bool] | None:
    """Classes 1 and 2, and whether they are sure."""
    key = joined(keyword)
    if [token.text for token in head] == [token.text for token in keyword]:
        same_edges = [token.is_glued for token in head] == [token.is_glued for token in keyword]
        is_long_enough = not rest or sum(map(str.isalpha, key)) >= 3
        # A common word takes a harmless tail, so it may be read with text behind it, too.
        return 1, (is_whole or may_have_text) and same_edges and is_long_enough
    is_clustered = any(map(is_sign_of_script_without_spaces, key))
    if not is_whole:
        return (2, not is_clustered) if len(key) >= 8 and may_have_text else None
    is_letter_by_letter = all(len(token.text) == 1 for token in head) and len(key) <= 12
    may_be_spaced = len(key) >= 5 or any(map(str.isdigit, key)) or is_letter_by_letter
    # Only the first six words are read.
    is_sure = not rest and not is_clustered and len(head) <= 6
    return (2, is_sure) if len(head) <= len(keyword) or may_be_spaced else None


def _other_letters(
    key: str, written: str, held: Held, is_whole: bool, has_rest: bool, may_have_text: bool
) -> tuple[float, bool] | None:
    """The weaker classes, none of them sure."""
    behind = written.removeprefix(key) if written.startswith(key) else ""
    if held.takes_digits and behind[:1].isdigit() and (is_whole or may_have_text):
        return 2.5, False
    if behind and not has_rest and behind in {joined(fold(sub)) for sub in held.sub_keywords}:
        return 2, False
    is_another_spelling = written in derived(key) or stripped(written) in {key, stripped(key)}
    if is_another_spelling and (is_whole or (len(key) >= 8 and may_have_text)):
        return 3, False
    return (4, False) if is_whole and look_alike(written.strip(SIGNS), key) else None


@lru_cache(20_000)
def fold(text: str) -> tuple[Token, ...]:
    """The tokens of a text, by the table of normalisation."""
    plain = "".join(character for character in text if character not in APOSTROPHES)
    plain = unicodedata.normalize("NFKC", plain).casefold()
    plain = "".join(
        character
        for character in unicodedata.normalize("NFKD", plain)
        # Kana keep their marks; they are composed again below.
        if not "\u0300" <= character <= "\u036f"
    )
    plain = "".join(
        chr(ord(character) + 0x60) if "\u3041" <= character <= "\u3096" else character
        for character in unicodedata.normalize("NFC", plain)
    )
    tokens: list[Token] = []
    is_word_open = False
    is_after_letter = False
    for character in plain:
        category = unicodedata.category(character)
        if is_sign_of_script_without_spaces(character):
            if category.startswith("M") and is_after_letter:
                tokens[-1] = Token(tokens[-1].text + character, tokens[-1].is_glued)
                continue
            tokens.append(Token(character, is_glued=is_after_letter))
            is_word_open, is_after_letter = False, True
        elif is_emoji(character):
            tokens.append(Token(character, is_glued=False))
            is_word_open = is_after_letter = False
        elif character.isalnum() or character in SIGNS:
            if is_word_open:
                tokens[-1] = Token(tokens[-1].text + character, tokens[-1].is_glued)
            else:
                tokens.append(Token(character, is_glued=is_after_letter))
            is_word_open = is_after_letter = True
        else:
            is_word_open = is_after_letter = False
    return tuple(tokens)


def joined(tokens: Sequence[Token]) -> str:
    """The key: the tokens without what parts them."""
    return "".join(token.text for token in tokens)


def is_sign_of_script_without_spaces(character: str) -> bool:
    """Han, kana or Thai."""
    return "\u0e00" <= character <= "\u0e7f" or "\u3041" <= character <= "\u30ff" or "\u4e00" <= character <= "\u9fff"


def is_emoji(text: str) -> bool:
    return all(unicodedata.category(character) == "So" for character in text)


def is_passed_over(text: str) -> bool:
    """Emoji and signs that stand apart."""
    return is_emoji(text) or all(character in SIGNS for character in text)


def stripped(key: str) -> str:
    """Without its signs, if enough is left."""
    left = "".join(character for character in key if character not in SIGNS)
    return left if len(left) >= 3 and sum(map(str.isalpha, left)) >= 2 else key


def derived(key: str) -> set[str]:
    """The other spellings that a keyword claims: 0 and 1 as letters."""
    if len(key) < 5 or sum(map(str.isalpha, key)) < 2:
        return set()
    spelled = ("".join(way) for way in product(*({"0": "o", "1": "il"}.get(character, character) for character in key)))
    return set(spelled) - {key}


def look_alike(written: str, key: str) -> bool:
    """Digits that look like letters, or three and more of one letter cut to two or one."""
    if len(written) == len(key) and all(
        mine == theirs or theirs in LETTERS_OF_DIGITS.get(mine, "") for mine, theirs in zip(written, key, strict=True)
    ):
        return True
    return any(run_cut(written, left) == run_cut(key, left) and len(written) > len(key) for left in (1, 2))


def run_cut(text: str, left: int) -> str:
    cut = ""
    for character in text:
        if character.isalpha() and cut[-left:] == character * left:
            continue
        cut += character
    return cut
