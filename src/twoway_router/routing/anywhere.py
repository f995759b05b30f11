"""On a dedicated number: the keyword that stands anywhere in a text, else the one for any text. Asked by ``plan``.

Only where nothing else fits, before the owner's default. Whose the text is, is certain then, so this is lenient: of
several keywords the one in force counts, then the one that stands first, then the longest.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from twoway_router.routing.choose import Winner, window_of
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import Hit, rests, routable
from twoway_router.routing.number_entries import LooseKeywords, NumberEntry
from twoway_router.routing.text import HEAD, after, locate, tokens_of
from twoway_router.routing.types import WindowState

CONTAINS: Final = "contains"
ANY_WORD: Final = "any_word"

_LOOKED_AT: Final = 320
"""Code points of a text, so that the worst one costs no more than a millisecond."""
_MOST_MARKS: Final = 8

_LAST_SPACE: Final = re.compile(r"\s(?=\S*\Z)")


class Loose(NamedTuple):
    """The keyword, and where it stands in the text; at the very start, with no length, where it stands for any text."""

    winner: Winner
    span: tuple[int, int]


def find_anywhere(entry: NumberEntry, table: RoutingTable, text: str, at: datetime) -> Loose | None:
    """The keyword that the text holds, else the one for any text; on a shared number none. One for any text has to be open."""
    loose = entry.loose
    if entry.is_shared or loose is None:
        return None
    best: Loose | None = None
    for hit, span in _phrases_in(loose, text) if loose.phrases else ():
        for row in _eligible(entry, table, hit.rows):
            keyword = table.columns.keyword[row]
            found = Loose(Winner(hit, row, keyword, window_of(table, keyword, at)), span)
            if found.winner.window is WindowState.OPEN:
                return found
            best = best or found
    if best is not None:
        return best
    for row in _eligible(entry, table, loose.any_word):
        keyword = table.columns.keyword[row]
        if window_of(table, keyword, at) is WindowState.OPEN:
            hit = Hit((row,), ANY_WORD, 0, is_whole=False, key="")
            return Loose(Winner(hit, row, keyword, WindowState.OPEN), (0, 0))
    return None


def _eligible(entry: NumberEntry, table: RoutingTable, rows: tuple[int, ...]) -> list[int]:
    """The owner's that were not given back, in an order that does not depend on the table's."""
    found = [row for row in routable(entry, table, list(rows)) if not rests(table, (row,))]
    return sorted(found, key=lambda row: (table.columns.keyword_id(table.columns.keyword[row]).bytes, row))


def _phrases_in(loose: LooseKeywords, text: str) -> Iterator[tuple[Hit, tuple[int, int]]]:
    """Every phrase of the text that is a keyword's, the first one first, of those that begin together the longest."""
    pieces = list(_pieces(text))
    tokens = [token for _, piece in pieces for token in piece]
    for place, token in enumerate(tokens):
        for size in sorted(loose.sizes.get(token, ()), reverse=True):
            phrase = tuple(tokens[place : place + size])
            if rows := loose.phrases.get(phrase):
                hit = Hit(rows, CONTAINS, size, is_whole=False, key="".join(phrase))
                begins = len(text) - len(after(text, _end_of(text, pieces, place)))
                yield hit, (begins, _end_of(text, pieces, place + size))


def _pieces(text: str) -> Iterator[tuple[int, list[str]]]:
    """The text in pieces that are short enough to be folded, each with its place: cut at spaces, or between letters."""
    start, end_of_all = 0, min(len(text), _LOOKED_AT)
    while start < end_of_all:
        end = min(start + HEAD, end_of_all)
        if end < end_of_all:
            space = _LAST_SPACE.search(text, start + 1, end)
            end = space.start() if space else end
            # A letter keeps its marks, unless there are so many that it is no letter of any language.
            marks = 0
            while marks <= _MOST_MARKS and unicodedata.category(text[end - marks])[0] == "M":
                marks += 1
            end -= marks if marks <= _MOST_MARKS else 0
        yield start, tokens_of(text[start:end])
        start = end


def _end_of(text: str, pieces: list[tuple[int, list[str]]], count: int) -> int:
    """Where the first tokens of the text end."""
    for start, tokens in pieces:
        if count <= len(tokens):
            return start + locate(text[start : start + HEAD], tokens[:count])[1] if count else start
        count -= len(tokens)
    return len(text)
