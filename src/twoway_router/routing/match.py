"""Which keywords the start of a text spells: everything found, sorted into classes, with the reason where a guard refuses.

Called by ``choose``. The classes and guards are tabled in docs/routing.md. What a message costs does not depend on how
many keywords exist: one look-up a word.
"""

from typing import Final, NamedTuple

from twoway_router.routing.characters import is_symbol
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.number_entries import HAS_SUBS, IS_GLUED, IS_WHOLE, NumberEntry, Rows
from twoway_router.routing.other_spellings import letters, skeleton
from twoway_router.routing.text import Folded, boundary_mask
from twoway_router.routing.types import ClaimState

EXACT: Final = "1"
LOOK_ALIKE: Final = "1.5"
RESPACED: Final = "2"
DERIVED: Final = "3"
GLUED: Final = "glued"
DIGIT_LOOK: Final = "4"
FUZZY: Final = "5"

RANKS: Final = {EXACT: 0, LOOK_ALIKE: 1, RESPACED: 2, GLUED: 3, DERIVED: 4, DIGIT_LOOK: 5, FUZZY: 6}
"""Classes, best first."""

_LONG: Final = 8
_FIVE: Final = 5
_THREE: Final = 3
_DORMANT: Final = frozenset((ClaimState.REQUESTED, ClaimState.APPROVED))
_TOO_SHORT: Final = "too short for text after it"
WHOLE_ONLY: Final = "whole messages only"


class Hit(NamedTuple):
    """Spelling rows of the keywords that the first ``tokens`` tokens of a text spell, all in one class.

    ``refusal`` says why a guard keeps it from winning; ``stem`` is the part of the last token that a glued match took.
    """

    rows: tuple[int, ...]
    match_class: str
    tokens: int
    is_whole: bool
    key: str
    refusal: str = ""
    stem: str = ""


def direct_hits(entry: NumberEntry, table: RoutingTable, folded: Folded) -> list[Hit]:
    """Everything that the text's first words spell as they stand, the shortest first."""
    hits: list[Hit] = []
    key = ""
    get, longest = entry.index.get, entry.longest
    for number, token in enumerate(folded.tokens, 1):
        key += token
        found = get(key)
        if found is not None:
            hits += judge(entry, table, folded, number, key, found)
        elif len(key) > longest:
            break
    return hits


def judge(entry: NumberEntry, table: RoutingTable, folded: Folded, tokens: int, key: str, found: Rows) -> list[Hit]:
    """Sort what was found under a key into classes and apply the guards."""
    columns = table.columns
    is_whole = tokens >= folded.size and not folded.is_long
    mask = 0 if tokens == 1 else boundary_mask(folded.tokens[:tokens])
    rows = (found,) if isinstance(found, int) else found
    if entry.is_shared and len(rows) == 1 and rows[0] >= 0 and not columns.flags[columns.keyword[rows[0]]]:
        hit = Hit(rows, EXACT if columns.masks[rows[0]] == mask else RESPACED, tokens, is_whole, key)
        is_sure = is_whole and hit.match_class is EXACT
        return [hit if is_sure else hit._replace(refusal=_refusal(entry, table, folded, hit, mask))]
    direct = routable(entry, table, [row for row in rows if row >= 0])
    if direct:
        sorted_rows = _by_mask(table, direct, mask)
    else:
        sorted_rows = _derived(table, routable(entry, table, [~row for row in rows if row < 0]), key, mask)
    hits = [Hit(of, name, tokens, is_whole, key) for name, of in sorted_rows.items()]
    if len(direct) > 1:
        return [guarded for hit in hits for guarded in _guard_each(entry, table, folded, hit, mask)]
    return [hit._replace(refusal=_refusal(entry, table, folded, hit, mask)) for hit in hits]


def _guard_each(entry: NumberEntry, table: RoutingTable, folded: Folded, hit: Hit, mask: int) -> list[Hit]:
    """One word at different times: a keyword that a guard refuses keeps none of the others from winning."""
    rows: dict[str, tuple[int, ...]] = {}
    for row in hit.rows:
        refusal = _refusal(entry, table, folded, hit._replace(rows=(row,)), mask)
        rows[refusal] = (*rows.get(refusal, ()), row)
    return [hit._replace(rows=of, refusal=refusal) for refusal, of in rows.items()]


def routable(entry: NumberEntry, table: RoutingTable, rows: list[int]) -> tuple[int, ...]:
    """Without claims that are not yet active, and on a dedicated number without those of others than its owner."""
    owner = None if entry.is_shared else entry.rules.owner
    keyword = table.columns.keyword
    return tuple(
        row
        for row in rows
        if not (
            (table.columns.flags[keyword[row]] >> 4 and table.state_of(keyword[row]) in _DORMANT)
            or (owner is not None and table.tenant_of(row) != owner)
        )
    )


def _by_mask(table: RoutingTable, rows: tuple[int, ...], mask: int) -> dict[str, tuple[int, ...]]:
    exact = tuple(row for row in rows if table.columns.masks[row] == mask)
    respaced = tuple(row for row in rows if table.columns.masks[row] != mask)
    return ({EXACT: exact} if exact else {}) | ({RESPACED: respaced} if respaced else {})


def _derived(table: RoutingTable, rows: tuple[int, ...], key: str, mask: int) -> dict[str, tuple[int, ...]]:
    """Rows whose derived key this is. Where those of several tenants meet it is nobody's, so they stay together."""
    if not rows:
        return {}
    return {min((_kind(table, row, key, mask) for row in rows), key=RANKS.__getitem__): rows}


def _kind(table: RoutingTable, row: int, key: str, mask: int) -> str:
    own = table.key_of(row)
    if not own.isascii() and skeleton(own) == key:
        return LOOK_ALIKE if table.columns.masks[row] == mask else DERIVED
    if len(own) == len(key) and any(map(str.isdigit, own)):
        return DIGIT_LOOK
    return DERIVED


def _refusal(entry: NumberEntry, table: RoutingTable, folded: Folded, hit: Hit, mask: int) -> str:
    if hit.is_whole:
        if entry.is_shared and hit.match_class == RESPACED:
            return _guard_respaced(folded, hit, mask.bit_count() - table.columns.masks[hit.rows[0]].bit_count())
        return ""
    if has_declared_text(table, folded, hit):
        return ""
    return guard_text_after(entry, table, folded, hit)


def has_declared_text(table: RoutingTable, folded: Folded, hit: Hit) -> bool:
    """Whether a keyword spelt exactly is followed by what it declares, a sub-keyword or digits, and nothing else."""
    keyword = table.columns.keyword[hit.rows[0]]
    flags = table.columns.flags[keyword]
    if hit.match_class != EXACT or folded.is_long or not flags & (HAS_SUBS | IS_GLUED):
        return False
    behind = "".join(folded.tokens[hit.tokens : folded.size])
    if flags & IS_GLUED and behind.isdecimal():
        return True
    return behind in table.sub_keys.get(keyword, ())


def _guard_respaced(folded: Folded, hit: Hit, more_words: int) -> str:
    if more_words <= 0 or letters(hit.key) >= _FIVE or any(map(str.isdigit, hit.key)):
        return ""
    return "" if all(len(token) == 1 for token in folded.tokens[: hit.tokens]) else "too short to be spaced anew"


def guard_text_after(entry: NumberEntry, table: RoutingTable, folded: Folded, hit: Hit) -> str:
    """Why a keyword may not win when text follows it, or nothing. Guards of length are for shared numbers."""
    if all(table.columns.flags[table.columns.keyword[row]] & IS_WHOLE for row in hit.rows):
        return WHOLE_ONLY
    if not entry.is_shared:
        return ""
    if hit.match_class == DIGIT_LOOK:
        return WHOLE_ONLY
    if _is_common(entry, table, hit):
        return "a common word: whole messages only"
    if hit.match_class == EXACT:
        if letters(hit.key) < _THREE:
            return _TOO_SHORT
        return "too short for text glued to it" if _is_glued(folded, hit.tokens) else ""
    if hit.match_class == LOOK_ALIKE:
        return "" if len(hit.key) >= 4 else _TOO_SHORT
    if hit.key[-1].isdigit() and hit.tokens < len(folded.tokens) and folded.tokens[hit.tokens][0].isdigit():
        return "its digits go on"
    return "" if len(hit.key) >= _LONG else _TOO_SHORT


def _is_common(entry: NumberEntry, table: RoutingTable, hit: Hit) -> bool:
    """As it is spelt here, or as the keyword itself is: NIKH is as common as ΝΙΚΗ."""
    if entry.words.is_common(hit.key):
        return True
    return hit.match_class != EXACT and any(entry.words.is_common(table.key_of(row)) for row in hit.rows)


def _is_glued(folded: Folded, tokens: int) -> bool:
    """Whether text without a space follows fewer than three clusters; an emoji parts as a space does."""
    if not folded.glued >> (tokens - 1) & 1 or is_symbol(folded.tokens[tokens]):
        return False
    return _clusters(folded, tokens) < _THREE


def _clusters(folded: Folded, tokens: int) -> int:
    """How many tokens stand glued together before the edge."""
    count = 1
    while count < tokens and folded.glued >> (tokens - 1 - count) & 1:
        count += 1
    return count
