"""Which existing keywords a new spelling meets on its number, and how. Called by ``claims``.

A claim must not change where a text goes that reaches another tenant now. So the text of the claim is matched as a
message is, and the keys around it are looked up; how many is bounded, however many keywords there are.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from twoway_router.domain.ids import TenantId
from twoway_router.routing.adverts import read_adverts
from twoway_router.routing.characters import is_symbol
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import (
    DERIVED,
    DIGIT_LOOK,
    EXACT,
    GLUED,
    JOINED,
    LOOK_ALIKE,
    RESPACED,
    direct_hits,
    is_a_word,
)
from twoway_router.routing.number_entries import IS_GLUED, NumberEntry, as_rows
from twoway_router.routing.other_spellings import (
    derived_keys,
    digit_readings,
    has_other_script,
    letters,
    skeleton,
    weight,
)
from twoway_router.routing.text import Folded, fold
from twoway_router.routing.types import ClaimState, CollisionCode
from twoway_router.routing.weaker_matches import weak_hits

_SHORTEST_EDIT: Final = 4
_SHORTEST_STEM: Final = 3
_MOST_LONGER: Final = 300


# Its own key, and look-alikes of other scripts, are looked up apart.
_AS_A_WHOLE: Final = {
    EXACT: "",
    RESPACED: "",
    LOOK_ALIKE: "",
    JOINED: "with_their_sub_keyword",
    DERIVED: "derived",
    DIGIT_LOOK: "look_alike",
}


class MetKeyword(NamedTuple):
    """An existing keyword's row, and the rule by which the new spelling meets it."""

    keyword: int
    code: CollisionCode


def collisions_of(
    table: RoutingTable, entry: NumberEntry, display: str, folded: Folded, sub_keys: Collection[str] = ()
) -> list[MetKeyword]:
    """Every keyword that a spelling meets, each once, by the gravest rule. A dedicated number knows only equal keys.

    ``sub_keys`` are those of the claim's own sub-keywords.
    """
    codes: dict[int, str] = {}
    for keyword, code in _meetings(table, entry, display, folded, sub_keys):
        codes.setdefault(keyword, code)
    return [MetKeyword(keyword, CollisionCode(code)) for keyword, code in codes.items()]


def is_like_own(table: RoutingTable, entry: NumberEntry, tenant_id: TenantId, display: str, key: str) -> bool:
    """Whether a spelling could be taken for a word that the tenant holds: in another script, by digits, or derived."""
    if not entry.is_shared or not key:
        return False
    alike = (
        *_look_alikes(table, entry, key),
        *_digits_for_letters(table, entry, key),
        *_derived(table, entry, display, key),
    )
    return any(
        table.tenants[table.columns.tenant[keyword]] == tenant_id and table.state_of(keyword) is not ClaimState.RELEASED
        for keyword, _ in alike
    )


def _meetings(
    table: RoutingTable, entry: NumberEntry, display: str, folded: Folded, sub_keys: Collection[str]
) -> Iterator[tuple[int, str]]:
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
    yield from _joined_texts(table, entry, display, key, sub_keys)
    yield from _longer_keys(table, entry, folded, sub_keys)
    shorter = list(_shorter_keys(table, entry, key))
    yield from (met for met in shorter if met[1] != "longer_word")
    # Phrases whose first words are this keyword.
    below = (1 << len(key)) - 1
    for row in table.similar_keys(entry).phrases(key):
        if table.columns.masks[row] & below == folded.mask:
            yield table.columns.keyword[row], "prefix_of_theirs"
    yield from _derived(table, entry, display, key)
    yield from _one_edit_away(table, entry, key)
    yield from shorter


def _derived(table: RoutingTable, entry: NumberEntry, display: str, key: str) -> Iterator[tuple[int, str]]:
    """A derived key that two tenants derive is nobody's, and a keyword's own key takes it from whoever derives it."""
    for probe in (key, *sorted(derived_keys(key, display))):
        for row in as_rows(entry.index.get(probe)):
            yield table.columns.keyword[row if row >= 0 else ~row], "own_beside_derived" if row >= 0 else "derived"


def _look_alikes(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that look the same in another script, whether it is theirs or this one's."""
    seen = skeleton(key)
    for probe in {key, seen}:
        for row in as_rows(entry.index.get(probe)):
            spelling = row if row >= 0 else ~row
            own = table.key_of(spelling)
            if own != key and skeleton(own) == seen and (has_other_script(own) or has_other_script(key)):
                yield table.columns.keyword[spelling], "look_alike"


def _digits_for_letters(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that look the same once digits are read as letters, theirs or this one's."""
    readings = {key, *digit_readings(key)}
    similar = table.similar_keys(entry)
    for reading in sorted(readings):
        for row in (*as_rows(entry.index.get(reading)), *similar.read_as(reading)):
            if row >= 0 and table.key_of(row) != key:
                yield table.columns.keyword[row], "look_alike"


def _phrases_around(table: RoutingTable, entry: NumberEntry, folded: Folded) -> Iterator[tuple[int, str]]:
    """Keywords that are the first words of this one, with and without the symbols before it.

    In a script without spaces a word ends at any sign: 健身房优惠 written apart is 健身房 with text behind it.
    """
    tokens = folded.tokens
    lead = next((place for place, token in enumerate(tokens) if not is_symbol(token)), 0)
    for start in {0, lead}:
        for end in range(start + 1, len(tokens) + (start > 0)):
            is_apart = end >= len(tokens) or folded.parts_words(end - 1)
            head = Folded(tokens[start:end], end - start, 0, False)
            for row in as_rows(entry.index.get(head.key)):
                if row >= 0 and table.columns.masks[row] == head.mask:
                    yield table.columns.keyword[row], "inside_phrase" if is_apart else "begins_with_theirs"


def _texts_taken(table: RoutingTable, entry: NumberEntry, display: str, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that the claim's own text reaches now, as it is written and joined."""
    for text in dict.fromkeys((display, key)):
        folded = fold(text)
        for hit in (*direct_hits(entry, table, folded), *weak_hits(entry, table, folded)):
            if hit.refusal:
                continue
            code = "inside_phrase"
            if hit.match_class == GLUED:
                code = "with_their_digits"
            elif hit.is_whole:
                code = _AS_A_WHOLE.get(hit.match_class, "derived")
            yield from ((table.columns.keyword[row], code) for row in hit.rows if code)
    # TEXT PIZZA and PIZZA TO would take "text PIZZA to 66777" from PIZZA.
    for text in (display, f"{display} {entry.rules.address}"):
        for advert in read_adverts(entry, table, text):
            yield from ((table.columns.keyword[row], "in_their_advert") for row in advert.hit.rows)


def _joined_texts(
    table: RoutingTable, entry: NumberEntry, display: str, key: str, sub_keys: Collection[str]
) -> Iterator[tuple[int, str]]:
    """Keywords met in one word: theirs with a sub-keyword behind it, or this one with its own."""
    texts: dict[str, tuple[str, ...]] = {}
    if entry.with_subs:
        texts = dict.fromkeys(derived_keys(key, display), (JOINED,))
    texts |= {key + sub: (GLUED, JOINED, DERIVED, DIGIT_LOOK) for sub in sub_keys}
    codes = {GLUED: "with_their_digits", JOINED: "with_their_sub_keyword", DERIVED: "derived", DIGIT_LOOK: "look_alike"}
    for text, classes in sorted(texts.items()):
        folded = fold(text)
        for hit in (*direct_hits(entry, table, folded), *weak_hits(entry, table, folded)):
            if hit.is_whole and not hit.refusal and hit.match_class in classes:
                yield from ((table.columns.keyword[row], codes[hit.match_class]) for row in hit.rows)


def _longer_keys(
    table: RoutingTable, entry: NumberEntry, folded: Folded, sub_keys: Collection[str]
) -> Iterator[tuple[int, str]]:
    """Keywords that begin with this one: SKIPASS written as two words would be SKI with text behind it."""
    key, masks = folded.key, table.columns.masks
    below = (1 << len(key)) - 1
    if weight(key) < _SHORTEST_STEM:
        return
    longer = table.similar_keys(entry).longer_than(key, _MOST_LONGER)
    for other in longer:
        rest = other[len(key) :]
        for row in as_rows(entry.index.get(other)):
            if row < 0:
                continue
            is_phrase = bool(masks[row] >> len(key) & 1)
            # Of a phrase that begins with these very words the longer one goes on winning.
            if is_phrase and masks[row] & below == folded.mask:
                continue
            if is_phrase or rest in sub_keys or is_a_word(entry, key, rest) or _is_key(entry, rest):
                yield table.columns.keyword[row], "compound"
            elif len(longer) == _MOST_LONGER:
                yield table.columns.keyword[row], "begins_many"


def _is_key(entry: NumberEntry, key: str) -> bool:
    return letters(key) >= _SHORTEST_STEM and any(row >= 0 for row in as_rows(entry.index.get(key)))


def _shorter_keys(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords that are the beginning of this word: written as two words, the text is theirs."""
    for length in range(_SHORTEST_STEM, len(key)):
        rest = key[length:]
        for row in as_rows(entry.index.get(key[:length])):
            if row < 0:
                continue
            keyword = table.columns.keyword[row]
            if rest in table.sub_keys.get(keyword, ()):
                yield keyword, "with_their_sub_keyword"
            elif rest[0].isdigit() and table.columns.flags[keyword] & IS_GLUED:
                yield keyword, "with_their_digits"
            elif is_a_word(entry, key[:length], rest) or _is_key(entry, rest):
                yield keyword, "compound"
            else:
                yield keyword, "longer_word"


def _one_edit_away(table: RoutingTable, entry: NumberEntry, key: str) -> Iterator[tuple[int, str]]:
    """Keywords one edit away, for words that are long enough to be mistyped rather than meant."""
    if letters(key) < _SHORTEST_EDIT:
        return
    for other in table.similar_keys(entry).one_edit_from(key):
        for row in as_rows(entry.index.get(other)):
            if row >= 0:
                yield table.columns.keyword[row], "one_edit"
