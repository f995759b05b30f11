"""Which existing keywords a new spelling meets on its number, and how. Called by ``claims``."""

from collections.abc import Iterator
from typing import NamedTuple

from twoway_router.routing.characters import is_symbol
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.number_entries import NumberEntry, as_rows
from twoway_router.routing.other_spellings import derived_keys, has_other_script, letters, skeleton
from twoway_router.routing.text import Folded
from twoway_router.routing.types import ClaimState

_SHORTEST_EDIT = 4
_SHORTEST_STEM = 3


class MetKeyword(NamedTuple):
    """An existing keyword's row, and the rule by which the new spelling meets it."""

    keyword: int
    code: str


def collisions_of(table: RoutingTable, entry: NumberEntry, display: str, folded: Folded) -> list[MetKeyword]:
    """Every keyword that a spelling meets, each once, by the gravest rule. A dedicated number knows only equal keys."""
    codes: dict[int, str] = {}
    for keyword, code in _meetings(table, entry, display, folded):
        codes.setdefault(keyword, code)
    return [MetKeyword(keyword, code) for keyword, code in codes.items()]


def _meetings(table: RoutingTable, entry: NumberEntry, display: str, folded: Folded) -> Iterator[tuple[int, str]]:
    key = folded.key
    if not key:
        return
    for row in as_rows(entry.index.get(key)):
        if row >= 0:
            keyword = table.columns.keyword[row]
            yield keyword, "resting" if table.state_of(keyword) is ClaimState.RELEASED else "taken"
    if not entry.is_shared:
        return
    yield from _look_alikes(table, entry, key)
    yield from _phrases_around(table, entry, folded)
    # Phrases whose first words are this keyword.
    below = (1 << len(key)) - 1
    for row in table.similar_keys(entry).phrases(key):
        if table.columns.masks[row] & below == folded.mask:
            yield table.columns.keyword[row], "prefix_of_theirs"
    for probe in (key, *sorted(derived_keys(key, display))):
        for row in as_rows(entry.index.get(probe)):
            yield table.columns.keyword[row if row >= 0 else ~row], "derived"
    yield from _one_edit_away(table, entry, key)
    yield from _shorter_words(table, entry, key)


def _look_alikes(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that look the same in another script, whether it is theirs or this one's."""
    seen = skeleton(key)
    for probe in {key, seen}:
        for row in as_rows(entry.index.get(probe)):
            spelling = row if row >= 0 else ~row
            own = table.key_of(spelling)
            if own != key and skeleton(own) == seen and (has_other_script(own) or has_other_script(key)):
                yield table.columns.keyword[spelling], "look_alike"


def _phrases_around(table: RoutingTable, entry: NumberEntry, folded: Folded) -> Iterator[tuple[int, str]]:
    """Keywords that are the first words of this one, with and without the symbols before it."""
    tokens = folded.tokens
    lead = next((place for place, token in enumerate(tokens) if not is_symbol(token)), 0)
    for start in {0, lead}:
        for end in range(start + 1, len(tokens) + (start > 0)):
            if end < len(tokens) and not folded.parts_words(end - 1):
                continue
            head = Folded(tokens[start:end], end - start, 0, False)
            for row in as_rows(entry.index.get(head.key)):
                if row >= 0 and table.columns.masks[row] == head.mask:
                    yield table.columns.keyword[row], "inside_phrase"


def _one_edit_away(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords one edit away, for words that are long enough to be mistyped rather than meant."""
    if letters(key) < _SHORTEST_EDIT:
        return
    for other in table.similar_keys(entry).one_edit_from(key):
        for row in as_rows(entry.index.get(other)):
            if row >= 0:
                yield table.columns.keyword[row], "one_edit"


def _shorter_words(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that are the beginning of this word: written as two words, the text is theirs."""
    for length in range(_SHORTEST_STEM, len(key)):
        for row in as_rows(entry.index.get(key[:length])):
            if row >= 0:
                yield table.columns.keyword[row], "longer_word"
