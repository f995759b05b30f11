"""Whether a text answers an open question: yes or no in the sender's language, a digit in any script, a choice.

Called for every open question by ``contexts``, and by the executor for a message that waited; knows nothing of keywords.
"""

import re
from collections.abc import Sequence
from typing import Final

from twoway_router.routing.other_spellings import cut_runs
from twoway_router.routing.text import Folded, fold
from twoway_router.routing.types import Context, ContextKind
from twoway_router.routing.words import Vocabulary, answers

KNOWN_ANSWERS: Final = "yes_no, digit, 0-10 or another range, a-e, choice, number, pin, text"
"""What a question may expect, for whoever asks."""

_YES_NO: Final = frozenset(
    ("yes_no", "yesno", "yes/no", "yes-no", "y/n", "si/no", "sí/no", "boolean", "confirm", "confirmation")
)
_CHOICE: Final = frozenset(("choice", "choices"))
_NUMBER: Final = frozenset(("number", "integer"))
_FREE: Final = frozenset(("", "text", "free_text", "free-text", "freetext", "free", "open", "any"))
_PIN: Final = frozenset(("pin", "otp", "code"))
_SCALES: Final = {"digit": (0, 9), "scale": (0, 10), "nps": (0, 10), "score": (0, 10)}
_RANGE: Final = re.compile(r"(\d{1,4})\s*(?:-|–|_|\.\.|to)\s*(\d{1,4})")
_BELOW_ZERO: Final = re.compile(r"(?<!\w)[-\u2010-\u2013\u2212\ufe63\uff0d]\d")
_LETTER_RANGE: Final = re.compile(r"([a-z])\s*(?:-|–)\s*([a-z])")
_LETTERS: Final = frozenset("abcde")
_SYMBOLS: Final = {"👍": "yes", "👌": "yes", "✅": "yes", "👎": "no", "❌": "no"}


def is_free_text(context: Context) -> bool:
    """An open question that takes any text."""
    if context.kind is not ContextKind.QUESTION:
        return False
    return not _is_closed((context.expected or "").lower())


def is_known(expected: str) -> bool:
    """Whether this is a way to say what a question expects; anything else is taken for free text."""
    return expected.lower() in _FREE or _is_closed(expected.lower())


def _is_closed(kind: str) -> bool:
    return (
        kind in _YES_NO | _CHOICE | _NUMBER | _PIN
        or kind in _SCALES
        or _RANGE.fullmatch(kind) is not None
        or _LETTER_RANGE.fullmatch(kind) is not None
    )


def read_answer(context: Context, text: str, folded: Folded, words: Vocabulary) -> str | None:
    """The answer in a plain form (``yes``, ``7``, a choice as declared); None if the text is not in the expected set.

    ``text`` is asked only for what folding takes away: the sign of a number.
    """
    if context.kind is not ContextKind.QUESTION or folded.is_long or not folded.tokens:
        return None
    kind = (context.expected or "").lower()
    tokens = _without_courtesy(folded, words)
    key = "".join(tokens)
    if kind in _YES_NO:
        return _yes_or_no(key, tokens[0], context, words)
    if kind in _CHOICE:
        return _choice(key, context)
    if found := _LETTER_RANGE.fullmatch(kind):
        return key if len(key) == 1 and found[1] <= key <= found[2] else None
    if kind in _PIN:
        return key if len(key) >= 4 and key.isascii() and key.isdigit() else None
    return None if len(tokens) > 1 or _BELOW_ZERO.search(text) else _numeric(kind, key)


def _without_courtesy(folded: Folded, words: Vocabulary) -> list[str]:
    """ "Yes please" is a yes: courtesy behind an answer is no part of it."""
    tokens = folded.tokens[: folded.size]
    while len(tokens) > 1 and tokens[-1] in words.polite:
        tokens = tokens[:-1]
    return tokens


def plain_key(folded: Folded, words: Vocabulary) -> str:
    """What an answer is compared by."""
    return "".join(_without_courtesy(folded, words))


def _numeric(kind: str, key: str) -> str | None:
    """A number written as one: what is in pieces (7-8, 1.0) may be any of them."""
    if not (key.isascii() and key.isdigit()):
        return None
    if kind in _NUMBER:
        return key
    limits = _SCALES.get(kind)
    if limits is None and (found := _RANGE.fullmatch(kind)):
        limits = (int(found[1]), int(found[2]))
    if limits is None or len(key) > len(str(limits[1])):
        return None
    return str(int(key)) if limits[0] <= int(key) <= limits[1] else None


def _yes_or_no(key: str, first: str, context: Context, words: Vocabulary) -> str | None:
    if first in _SYMBOLS:
        return _SYMBOLS[first]
    yes, no = words.yes, words.no
    if context.language:
        yes, no = (answers(kind, context.language) | answers(kind, "en") for kind in ("yes_words", "no_words"))
    for spelt in (key, *cut_runs(key)):
        if (spelt in yes) != (spelt in no):
            return "yes" if spelt in yes else "no"
    return None


def _choice(key: str, context: Context) -> str | None:
    if not context.choices:
        return key if key in _LETTERS or (len(key) == 1 and key in "123456789") else None
    for spelt in (key, *cut_runs(key)):
        for choice in context.choices:
            if fold(choice).key == spelt:
                return choice
    return next(iter(names_place(key, context.choices)), None)


def names_place(key: str, choices: Sequence[str]) -> Sequence[str]:
    """The choice that a number from 1 or a letter from a stands for; none where a choice is such a sign itself."""
    keys = [fold(choice).key for choice in choices]
    if not key.isascii() or len(key) > 2:
        return ()
    if key.isdecimal() and not any(map(str.isdecimal, keys)):
        place = int(key)
    elif len(key) == 1 and key.isalpha() and all(len(each) > 1 for each in keys):
        place = ord(key) - ord("a") + 1
    else:
        return ()
    return choices[place - 1 : place] if place else ()
