"""Collisions found by looking through all keys of a number: slow and plain, to compare the quick way with."""

from collections.abc import Iterator

from twoway_router.routing.characters import is_symbol
from twoway_router.routing.collisions import MetKeyword
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import direct_hits, is_a_word
from twoway_router.routing.number_entries import NumberEntry, as_rows
from twoway_router.routing.other_spellings import (
    derived_keys,
    digit_readings,
    has_other_script,
    is_one_edit,
    letters,
    skeleton,
    weight,
)
from twoway_router.routing.text import Folded, fold
from twoway_router.routing.types import ClaimState, CollisionCode
from twoway_router.routing.weaker_matches import weak_hits

_SHORTEST_EDIT = 4
_SHORTEST_STEM = 3


def collisions_of(table: RoutingTable, entry: NumberEntry, display: str, folded: Folded) -> list[MetKeyword]:
    """Every keyword that a spelling meets, each once, by the gravest rule. A dedicated number knows only equal keys."""
    codes: dict[int, str] = {}
    for keyword, code in _meetings(table, entry, display, folded):
        codes.setdefault(keyword, code)
    return [MetKeyword(keyword, CollisionCode(code)) for keyword, code in codes.items()]


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
    yield from _digits_for_letters(table, entry, key)
    yield from _phrases_around(table, entry, folded)
    yield from _texts_taken(table, entry, display, key)
    yield from _longer_keys(table, entry, folded)
    yield from (met for met in _shorter_keys(table, entry, key) if met[1] == "compound")
    yield from _phrases_inside(table, entry, folded)
    yield from _derived(table, entry, display, key)
    yield from _near(table, entry, key)
    yield from _shorter_keys(table, entry, key)


def _look_alikes(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    seen = skeleton(key)
    for probe in {key, seen}:
        for row in as_rows(entry.index.get(probe)):
            spelling = row if row >= 0 else ~row
            own = table.key_of(spelling)
            if own != key and skeleton(own) == seen and (has_other_script(own) or has_other_script(key)):
                yield table.columns.keyword[spelling], "look_alike"


def _digits_for_letters(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that may be read as this one, digits as letters; all keys are looked through."""
    mine = {key, *digit_readings(key)}
    for other, rows in entry.index.items():
        for row in as_rows(rows):
            if row >= 0 and other != key and mine & {other, *digit_readings(other)}:
                yield table.columns.keyword[row], "look_alike"


def _phrases_around(table: RoutingTable, entry: NumberEntry, folded: Folded) -> Iterator[tuple[int, str]]:
    """Keywords that are the first words of this one, with or without the symbols before it; all keywords are looked through."""
    tokens = folded.tokens
    bare = tokens
    while bare and is_symbol(bare[0]):
        bare = bare[1:]
    heads = [(tokens[: place + 1], _is_parted(folded, place)) for place in range(len(tokens) - 1)]
    if bare and bare != tokens:
        skipped = len(tokens) - len(bare)
        heads += [(tokens[skipped : place + 1], _is_parted(folded, place)) for place in range(skipped, len(tokens) - 1)]
        heads.append((bare, True))
    for head, is_parted in sorted(heads, key=lambda each: not each[1]):
        for row in as_rows(entry.index.get("".join(head))):
            if row >= 0 and fold(table.columns.display(row)).tokens == head:
                yield table.columns.keyword[row], "inside_phrase" if is_parted else "begins_with_theirs"


def _texts_taken(table: RoutingTable, entry: NumberEntry, display: str, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that the claim's text reaches as a message."""
    for text in (display, key):
        folded = fold(text)
        for hit in direct_hits(entry, table, folded) + weak_hits(entry, table, folded):
            if hit.refusal or (hit.is_whole and hit.match_class in ("1", "1.5", "2")):
                continue
            for row in hit.rows:
                if hit.match_class == "glued":
                    yield table.columns.keyword[row], "with_their_digits"
                elif hit.is_whole:
                    yield table.columns.keyword[row], "derived" if hit.match_class == "3" else "look_alike"
                else:
                    yield table.columns.keyword[row], "inside_phrase"


def _longer_keys(table: RoutingTable, entry: NumberEntry, folded: Folded) -> Iterator[tuple[int, str]]:
    """Keywords that are this one with a word behind it, written together; all keys are looked through."""
    key = folded.key
    if weight(key) < _SHORTEST_STEM:
        return
    for other, rows in entry.index.items():
        rest = other.removeprefix(key)
        if not rest or rest == other:
            continue
        for row in as_rows(rows):
            if row < 0:
                continue
            tokens = fold(table.columns.display(row)).tokens
            ends = ["".join(tokens[: place + 1]) for place in range(len(tokens) - 1)]
            if key in ends:
                if tokens[: ends.index(key) + 1] != folded.tokens:
                    yield table.columns.keyword[row], "compound"
            elif is_a_word(entry, key, rest) or _is_key(entry, rest):
                yield table.columns.keyword[row], "compound"


def _is_key(entry: NumberEntry, key: str) -> bool:
    return letters(key) >= _SHORTEST_STEM and any(row >= 0 for row in as_rows(entry.index.get(key)))


def _is_parted(folded: Folded, place: int) -> bool:
    return not folded.glued >> place & 1 or any(map(is_symbol, folded.tokens[place : place + 2]))


def _phrases_inside(table: RoutingTable, entry: NumberEntry, folded: Folded) -> Iterator[tuple[int, str]]:
    """Keywords whose first words are this one; all keys are looked through."""
    key, mask, length = folded.key, folded.mask, len(folded.key)
    below = (1 << length) - 1
    for other, rows in entry.index.items():
        if len(other) <= length or not other.startswith(key):
            continue
        for row in as_rows(rows):
            if row < 0 or not table.columns.masks[row] >> length & 1 or table.columns.masks[row] & below != mask:
                continue
            if _is_parted(fold(table.columns.display(row)), len(folded.tokens) - 1):
                yield table.columns.keyword[row], "prefix_of_theirs"


def _derived(table: RoutingTable, entry: NumberEntry, display: str, key: str) -> Iterator[tuple[int, str]]:
    for probe in (key, *sorted(derived_keys(key, display))):
        for row in as_rows(entry.index.get(probe)):
            yield table.columns.keyword[row if row >= 0 else ~row], "own_beside_derived" if row >= 0 else "derived"


def _near(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords one edit away, for words that are long enough to be mistyped rather than meant."""
    if letters(key) < _SHORTEST_EDIT:
        return
    for other, rows in entry.index.items():
        if abs(len(other) - len(key)) <= 1 and is_one_edit(other, key):
            for row in as_rows(rows):
                if row >= 0:
                    yield table.columns.keyword[row], "one_edit"


def _shorter_keys(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that this one goes on from inside a word: written apart, the text is theirs."""
    for length in range(_SHORTEST_STEM, len(key)):
        rest = key[length:]
        is_compound = is_a_word(entry, key[:length], rest) or _is_key(entry, rest)
        for row in as_rows(entry.index.get(key[:length])):
            if row >= 0:
                yield table.columns.keyword[row], "compound" if is_compound else "longer_word"
