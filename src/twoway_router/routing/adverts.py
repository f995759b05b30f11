"""The advert of a keyword, copied as a whole: "text FREEBURGER to 66777", "Keyword: FREEBURGER", "Fwd: FREEBURGER".

Called by ``choose`` for texts whose first words reach nobody, and by ``collisions``. Whatever stands around the keyword is
known word for word, so that no sentence is taken for one.
"""

import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from twoway_router.routing.characters import EDGE, is_symbol
from twoway_router.routing.frames import subject
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import ADVERT, Hit, routable
from twoway_router.routing.number_entries import IS_WHOLE, NumberEntry, as_rows
from twoway_router.routing.other_spellings import without_signs
from twoway_router.routing.text import boundary_mask, fold_string, locate

_LONGEST: Final = 128
_MOST_TOKENS: Final = 24
_MOST_READINGS: Final = 8
_MOST_BEFORE: Final = 12
_AT_ONCE: Final = 3
_LONG_NUMBER: Final = 7
_MARKS: Final = frozenset(":：=")
_QUOTES: Final = frozenset('"“”„«»「」')


class Advert(NamedTuple):
    """A keyword that an advert names: where it stands in the text, and its sub-keyword as it is written behind it."""

    hit: Hit
    span: tuple[int, int]
    sub_keyword: str


class _Body(NamedTuple):
    """The text of an advert behind its subject (Fwd:), and its folded words."""

    text: str
    tokens: list[str]
    has_subject: bool


def read_adverts(entry: NumberEntry, table: RoutingTable, text: str) -> list[Advert]:
    """Every way to read the whole text as an advert, the longest keyword first."""
    if len(text) > _LONGEST:
        return []
    found = subject().match(text)
    skipped = found.end() if found else 0
    frame, address = entry.words.frame, _address(entry)
    tokens: list[str] = []
    for token in fold_string(text[skipped:]).replace(EDGE, " ").split():
        # Turkish and Korean put a word right behind the number: 66777'ye.
        ending = token.removeprefix(address) if address else token
        tokens += [address, ending] if ending != token and ending in frame.small else [token]
    if len(tokens) > _MOST_TOKENS:
        return []
    if found is None and frame.verbs.isdisjoint(tokens) and not any(map(str.isdecimal, tokens)):
        return []
    body = _Body(text[skipped:], tokens, has_subject=found is not None)
    adverts = [
        advert._replace(span=(advert.span[0] + skipped, advert.span[1] + skipped))
        for advert in islice(_readings(entry, table, body), _MOST_READINGS + 1)
    ]
    # What can be read in so many ways is no advert that anybody has written.
    if len(adverts) > _MOST_READINGS:
        return []
    return sorted(adverts, key=lambda advert: -len(advert.hit.key))


def _address(entry: NumberEntry) -> str:
    return "".join(filter(str.isdecimal, entry.rules.address))


def _readings(entry: NumberEntry, table: RoutingTable, body: _Body) -> Iterator[Advert]:
    """Keywords with nothing but words of adverts before them, and behind them or their sub-keywords."""
    frame, columns, tokens = entry.words.frame, table.columns, body.tokens
    is_around = [
        token in frame.small or token in frame.verbs or is_symbol(token) or without_signs(token).isdecimal()
        for token in tokens
    ]
    last = len(tokens) - next((place for place, is_one in enumerate(reversed(is_around)) if not is_one), len(tokens))
    for start in range(min(len(tokens), _MOST_BEFORE)):
        if not all(is_around[:start]):
            return
        key = ""
        for stop in range(start + 1, len(tokens) + 1):
            key += tokens[stop - 1]
            if len(key) > entry.longest:
                break
            mask = boundary_mask(tokens[start:stop])
            direct = routable(entry, table, [row for row in as_rows(entry.index.get(key)) if row >= 0])
            for row in direct:
                keyword = columns.keyword[row]
                # A tenant that wants nothing but its word does not want an advert either.
                if columns.masks[row] != mask or columns.flags[keyword] & IS_WHOLE:
                    continue
                subs = table.sub_keys.get(keyword, {})
                for end in range(max(stop, last), len(tokens) + 1):
                    if end == stop or "".join(tokens[stop:end]) in subs:
                        hit = Hit((row,), ADVERT, stop - start, False, key)
                        advert = _advert(entry, table, body, hit, start, end)
                        if advert is not None:
                            yield advert


def _advert(entry: NumberEntry, table: RoutingTable, body: _Body, hit: Hit, start: int, end: int) -> Advert | None:
    """One reading, if its number is this one's, and if it is no sentence that happens to consist of such words."""
    frame, tokens = entry.words.frame, body.tokens
    around = tokens[:start] + tokens[end:]
    digits = "".join(without_signs(token) for token in around if without_signs(token).isdecimal())
    address = _address(entry)
    is_long = len(digits) >= _LONG_NUMBER and address.endswith(digits.lstrip("0"))
    if digits and digits != address and not is_long:
        return None
    has_verb = not frame.verbs.isdisjoint(tokens[:start])
    if not digits and not has_verb and (around or not body.has_subject):
        return None
    before = _reach(body.text, tokens[:start])
    first, after = locate(body.text[before:], tokens[start : start + hit.tokens])
    span = before + first, before + after
    marks = set(body.text[before : span[0]])
    is_common = entry.words.is_common(hit.key)
    if not digits and around and _MARKS.isdisjoint(marks) and (is_common or _QUOTES.isdisjoint(marks)):
        # "send pizza" is a sentence, "send PIZZA" is copied.
        written = unicodedata.normalize("NFC", body.text[slice(*span)])
        if is_common or written != unicodedata.normalize("NFC", table.columns.display(hit.rows[0])):
            return None
    sub = body.text[span[1] : _reach(body.text, tokens[:end])] if end > start + hit.tokens else ""
    return Advert(hit, span, sub.strip())


def _reach(text: str, tokens: list[str]) -> int:
    """Where in the text its first tokens end. A few at a time, because only the head of a text is searched."""
    end = 0
    for place in range(0, len(tokens), _AT_ONCE):
        end += locate(text[end:], tokens[place : place + _AT_ONCE])[1]
    return end
