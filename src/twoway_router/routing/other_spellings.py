"""Other spellings of a key: look-alikes, derived keys, cut runs, single edits. Used all over ``routing``."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from twoway_router.routing.characters import LETTERS, SIGNS

_LOOK_ALIKES: Final = str.maketrans(
    "αβεζηικμνορτυχ" + "авекмнорстухіјѕһԁԛԝүґ",
    "abezhikmnoptyx" + "abekmhopctyxijshdqwyr",
)
_GREEK_OR_CYRILLIC: Final = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "đ": "dj"})
_PLAIN: Final = str.maketrans(LETTERS)
_HAS_UMLAUT: Final = re.compile("[äöüåøđ]")
_DIGITS_AS_LETTERS: Final = str.maketrans("34578", "eastb")
_DIGIT_IN_WORD: Final = re.compile(r"(?:(?<=[^\W\d_])|^)[34578]+(?=[^\W\d_])")
_DIGIT_LOOKS: Final = (str.maketrans("01", "oi"), str.maketrans("01", "ol"))
_RUN: Final = re.compile(r"([^\W\d_])\1{2,}")
_WEIGHTY: Final = re.compile(
    "[\u30a1-\u30fa\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7a3\U0001b000-\U0001b16f\U00020000-\U0010ffff]"
)
_AMOUNT: Final = re.compile(r"[^\w/]*[0-9]*[^\w/]*[^\W\d_]{0,2}[^\w/]*")
_THRICE: Final = re.compile(r"(.)\1\1")
_MOST_RUNS: Final = 4
_SIGN_SET: Final = frozenset(SIGNS)


def letters(key: str) -> int:
    """How many letters a key has; a Han or kana sign or a Hangul syllable counts as two, because it says as much."""
    if key.isascii():
        return len(key) if key.isalpha() else sum(map(str.isalpha, key))
    return sum(2 if _WEIGHTY.match(character) else 1 for character in key if character.isalpha())


def weight(key: str) -> int:
    """How much a key says: its letters, digits and inner signs. In an amount (10, 50%, 5pm) only the letters count."""
    if key.isalpha() or _AMOUNT.fullmatch(key):
        return letters(key)
    return letters(key) + sum(1 for character in key if character.isdecimal() or is_sign(character))


def is_sign(character: str) -> bool:
    """A sign that folding keeps inside a token (``50%``)."""
    return character in _SIGN_SET or (not character.isascii() and unicodedata.category(character) == "Sc")


def skeleton(key: str) -> str:
    """The key with Greek and Cyrillic letters that look Latin (as capitals) replaced; the key itself if there are none."""
    return key if key.isascii() else key.translate(_LOOK_ALIKES)


def has_other_script(key: str) -> bool:
    """Greek or Cyrillic letters, which may look like Latin ones."""
    return not key.isascii() and _GREEK_OR_CYRILLIC.search(key) is not None


def without_signs(key: str) -> str:
    return "".join(character for character in key if not is_sign(character))


def digit_look_alikes(key: str) -> tuple[str, ...]:
    """The key with 0 and 1 read as letters, both ways; empty if it has neither."""
    if "0" not in key and "1" not in key:
        return ()
    first, second = (key.translate(table) for table in _DIGIT_LOOKS)
    return (first,) if first == second else (first, second)


def digit_readings(key: str) -> set[str]:
    """What a key could be taken for if its digits are read as letters: FREEBURG3R, P1ZZA, COFF33.

    One digit at the end is a number, as in VOTO5, unless it is 0 or 1.
    """
    if key.isalpha() or letters(key) < 2:
        return set()
    inside = _DIGIT_IN_WORD.sub(lambda found: found[0].translate(_DIGITS_AS_LETTERS), key)
    readings = {inside, *(digit_look_alikes(inside) if len(key) >= 5 else ())}
    if key[-2:].isdecimal():
        readings.add(key.translate(_DIGITS_AS_LETTERS))
    return readings - {key}


def derived_keys(key: str, display: str) -> set[str]:
    """The extra keys that a keyword claims beside its own."""
    found: set[str] = set()
    if not display.isascii():
        written = unicodedata.normalize("NFC", display).casefold()
        if _HAS_UMLAUT.search(written):
            found.add("".join(filter(str.isalnum, strip_marks(written.translate(_UMLAUTS).translate(_PLAIN)))))
        if has_other_script(key):
            found.add(skeleton(key))
    if not key.isalnum():
        bare = without_signs(key)
        if len(bare) >= 3 and letters(bare) >= 2:
            found.add(bare)
    if len(key) >= 5 and letters(key) >= 2:
        found.update(digit_look_alikes(key))
    found -= {key, ""}
    return found


def strip_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not "\u0300" <= c <= "\u036f")


def cut_runs(key: str) -> Iterator[str]:
    """Runs of three or more of one letter cut to two, then to one, the least cut first."""
    runs = [found.span() for found in _RUN.finditer(key)]
    if not runs or len(runs) > _MOST_RUNS:
        return
    choices = sorted(range(1 << len(runs)), key=lambda bits: (bits.bit_count(), bits))
    for bits in choices:
        parts: list[str] = []
        last = 0
        for position, (start, end) in enumerate(runs):
            keep = 1 if bits >> position & 1 else 2
            parts.append(key[last : start + keep])
            last = end
        yield "".join([*parts, key[last:]])


def has_run(key: str) -> bool:
    """Whether anything stands there three times; quick, for it is asked of every text that is no keyword."""
    return _THRICE.search(key) is not None


def single_edits(key: str, alphabet: str) -> Iterator[str]:
    """Every key one edit away (delete, swap neighbours, replace, insert); digits are never touched."""
    for at, old in enumerate(key):
        if not old.isalpha():
            continue
        before, behind = key[:at], key[at + 1 :]
        yield before + behind
        if behind and behind[0] != old and behind[0].isalpha():
            yield before + behind[0] + old + behind[1:]
        yield from [before + new + behind for new in alphabet if new != old]
    for at in range(len(key) + 1):
        before, behind = key[:at], key[at:]
        yield from [before + new + behind for new in alphabet]


def is_one_edit(first: str, second: str) -> bool:
    """Whether two different keys are one edit apart (optimal string alignment), with equal digits."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    if [c for c in first if c.isdigit()] != [c for c in second if c.isdigit()]:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    one, two = first[start:], second[start:]
    if len(one) == len(two):
        return one[1:] == two[1:] or (one[:2] == two[1::-1] and one[2:] == two[2:])
    return one[1:] == two or two[1:] == one
