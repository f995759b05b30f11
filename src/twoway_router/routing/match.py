"""Which keywords the start of a text spells: everything found, sorted into classes, with the reason where a guard refuses.

Called by ``choose``. The classes and guards are tabled in docs/routing.md. What a message costs does not depend on how
many keywords exist: one look-up a word.
"""

from typing import Final, NamedTuple

from twoway_router.routing.characters import is_symbol
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.number_entries import HAS_SUBS, IS_GLUED, IS_WHOLE, STATES, NumberEntry, Rows
from twoway_router.routing.other_spellings import letters, skeleton, weight
from twoway_router.routing.text import Folded, boundary_mask
from twoway_router.routing.types import ClaimState, LostBecause

EXACT: Final = "1"
LOOK_ALIKE: Final = "1.5"
RESPACED: Final = "2"
DERIVED: Final = "3"
GLUED: Final = "glued"
JOINED: Final = "joined"
DIGIT_LOOK: Final = "4"
FUZZY: Final = "5"
ADVERT: Final = "advert"

RANKS: Final = {
    EXACT: 0,
    LOOK_ALIKE: 1,
    RESPACED: 2,
    GLUED: 3,
    JOINED: 4,
    DERIVED: 5,
    DIGIT_LOOK: 6,
    FUZZY: 7,
    ADVERT: 8,
}
"""Classes, best first."""

_LONG: Final = 8
_FIVE: Final = 5
_THREE: Final = 3
_FOUR: Final = 4
_MOST_WORDS: Final = 3
_DORMANT: Final = frozenset((ClaimState.REQUESTED, ClaimState.APPROVED))
_RELEASED: Final = STATES.index(ClaimState.RELEASED)


class Hit(NamedTuple):
    """Spelling rows of the keywords that the first ``tokens`` tokens of a text spell, all in one class.

    ``refusal`` says why a guard keeps it from winning; ``stem`` is the part of the last token that a glued match took.
    """

    rows: tuple[int, ...]
    match_class: str
    tokens: int
    is_whole: bool
    key: str
    refusal: LostBecause | None = None
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
            hits += _judge(entry, table, folded, number, key, found)
        elif len(key) > longest:
            break
    return hits


def _judge(entry: NumberEntry, table: RoutingTable, folded: Folded, tokens: int, key: str, found: Rows) -> list[Hit]:
    """Sort what was found under a key into classes and apply the guards."""
    columns = table.columns
    is_whole = tokens >= folded.size and not folded.is_long
    mask = 0 if tokens == 1 else boundary_mask(folded.tokens[:tokens])
    rows = (found,) if isinstance(found, int) else found
    # One active keyword without options on a shared number: nearly every match ends here.
    if entry.is_shared and len(rows) == 1 and rows[0] >= 0 and not columns.flags[columns.keyword[rows[0]]]:
        hit = Hit(rows, EXACT if columns.masks[rows[0]] == mask else RESPACED, tokens, is_whole, key)
        is_sure = is_whole and hit.match_class is EXACT
        return [hit if is_sure else hit._replace(refusal=_refusal(entry, table, folded, hit, mask))]
    groups: list[tuple[str, tuple[int, ...]]]
    direct = routable(entry, table, [row for row in rows if row >= 0])
    derived = routable(entry, table, [~row for row in rows if row < 0])
    if direct and (not derived or not rests(table, direct) or rests(table, derived)):
        groups = [
            (EXACT, tuple(row for row in direct if columns.masks[row] == mask)),
            (RESPACED, tuple(row for row in direct if columns.masks[row] != mask)),
        ]
    else:
        # A derived key that several tenants derive is nobody's, so their rows stay in one hit, which nobody can win.
        derived = live_before_resting(table, derived)
        direct = ()
        classes = (_derived_class(table, row, key, mask) for row in derived)
        groups = [(min(classes, key=RANKS.__getitem__, default=DERIVED), derived)]
    hits = []
    for match_class, of in groups:
        # Tenants that hold one word at different times are guarded apart: where one keyword is refused, another may win.
        by_refusal: dict[LostBecause | None, tuple[int, ...]] = {}
        for part in ((row,) for row in of) if len(direct) > 1 else filter(None, [of]):
            refusal = _refusal(entry, table, folded, Hit(part, match_class, tokens, is_whole, key), mask)
            by_refusal[refusal] = by_refusal.get(refusal, ()) + part
        hits += [Hit(part, match_class, tokens, is_whole, key, refusal) for refusal, part in by_refusal.items()]
    return hits


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


def rests(table: RoutingTable, rows: tuple[int, ...]) -> bool:
    """Whether all of the keywords were given back and only rest."""
    columns = table.columns
    if len(rows) == 1:
        return columns.flags[columns.keyword[rows[0]]] >> 4 == _RELEASED
    return all(columns.flags[columns.keyword[row]] >> 4 == _RELEASED for row in rows)


def live_before_resting(table: RoutingTable, rows: tuple[int, ...]) -> tuple[int, ...]:
    """Without the rows of keywords that rest, unless all of them do."""
    return tuple(row for row in rows if not rests(table, (row,))) or rows


def _derived_class(table: RoutingTable, row: int, key: str, mask: int) -> str:
    own = table.key_of(row)
    if not own.isascii() and skeleton(own) == key:
        return LOOK_ALIKE if table.columns.masks[row] == mask else DERIVED
    if len(own) == len(key) and any(map(str.isdigit, own)):
        return DIGIT_LOOK
    return DERIVED


def _refusal(entry: NumberEntry, table: RoutingTable, folded: Folded, hit: Hit, mask: int) -> LostBecause | None:
    """Why a guard keeps a hit from winning, or None."""
    if not hit.is_whole:
        return None if _has_declared_text(table, folded, hit) else guard_text_after(entry, table, folded, hit)
    if not entry.is_shared or hit.match_class != RESPACED:
        return None
    # "no te" is not NOTE: a short word that is parted into more words must be written letter by letter.
    more_words = mask.bit_count() - table.columns.masks[hit.rows[0]].bit_count()
    if more_words <= 0 or letters(hit.key) >= _FIVE or any(map(str.isdigit, hit.key)):
        return None
    is_by_letters = all(len(token) == 1 for token in folded.tokens[: hit.tokens])
    return None if is_by_letters else LostBecause.TOO_SHORT_SPACED


def _has_declared_text(table: RoutingTable, folded: Folded, hit: Hit) -> bool:
    """Whether a keyword spelt exactly is followed by what it declares, a sub-keyword or digits, and nothing else."""
    keyword = table.columns.keyword[hit.rows[0]]
    if has_declared_sub_keyword(table, folded, hit, keyword):
        return True
    is_glued = table.columns.flags[keyword] & IS_GLUED and hit.match_class == EXACT and not folded.is_long
    return bool(is_glued) and "".join(folded.tokens[hit.tokens : folded.size]).isdecimal()


def has_declared_sub_keyword(table: RoutingTable, folded: Folded, hit: Hit, keyword: int) -> bool:
    """Whether a keyword spelt exactly is followed by one of its sub-keywords, and nothing else."""
    if not table.columns.flags[keyword] & HAS_SUBS or hit.match_class != EXACT or folded.is_long:
        return False
    return "".join(folded.tokens[hit.tokens : folded.size]) in table.sub_keys.get(keyword, ())


def is_a_word(entry: NumberEntry, before: str, rest: str) -> bool:
    """Whether the rest of a compound may be meant as words of its own, so that nobody can say whose the text is.

    A word of the number's languages, two or three of four letters or more, or digits behind a letter: SKI PASS, SPA WEEKEND
    PASS, OFERTA 99.
    """
    if rest.isdecimal():
        return not before[-1].isdecimal()
    return (letters(rest) >= _THREE and entry.words.is_common(rest)) or _is_made_of_words(entry, rest, _MOST_WORDS)


def _is_made_of_words(entry: NumberEntry, text: str, most: int) -> bool:
    """Shorter words are found in too many that are none: SMORGASBORD is not SMOR, gas and bord."""
    if letters(text) < _FOUR:
        return False
    if entry.words.is_common(text):
        return True
    return most > 1 and any(
        entry.words.is_common(text[:end]) and _is_made_of_words(entry, text[end:], most - 1)
        for end in range(_FOUR, len(text) - _FOUR + 1)
    )


def guard_text_after(
    entry: NumberEntry, table: RoutingTable, folded: Folded, hit: Hit, *, is_harmless: bool = False
) -> LostBecause | None:
    """Why a keyword may not win when text follows it, or None. Guards of length are for shared numbers.

    ``is_harmless``: the text is one that a common word may have behind it (``tails``).
    """
    if all(table.columns.flags[table.columns.keyword[row]] & IS_WHOLE for row in hit.rows):
        return LostBecause.WHOLE_ONLY
    if not entry.is_shared:
        return None
    if hit.match_class == DIGIT_LOOK:
        return LostBecause.WHOLE_ONLY
    # As it is written here, or as the keyword itself is: NIKH is as common as the Greek word that it looks like.
    keys = [hit.key] if hit.match_class == EXACT else [hit.key, *map(table.key_of, hit.rows)]
    if not is_harmless and any(map(entry.words.is_common, keys)):
        return LostBecause.COMMON_WORD
    if hit.match_class == EXACT:
        if weight(hit.key) < _THREE:
            return LostBecause.TOO_SHORT
        return None if _is_apart(folded, hit.tokens) else LostBecause.TOO_SHORT_GLUED
    if hit.match_class == LOOK_ALIKE:
        return None if len(hit.key) >= 4 else LostBecause.TOO_SHORT
    if hit.key[-1].isdigit() and hit.tokens < len(folded.tokens) and folded.tokens[hit.tokens][0].isdigit():
        return LostBecause.DIGITS_GO_ON
    if _ends_in_a_letter(folded, hit.tokens):
        return LostBecause.LAST_LETTER
    return None if len(hit.key) >= _LONG else LostBecause.TOO_SHORT


def _ends_in_a_letter(folded: Folded, tokens: int) -> bool:
    """Whether the last piece of a spelling is one letter, which may be the text's: "Discussion I mean", "P I Z Z A S"."""
    last, behind = folded.tokens[tokens - 1], folded.tokens[tokens : tokens + 1]
    if tokens == 1 or len(last) > 1 or not last.isalpha() or folded.glued >> (tokens - 2) & 1:
        return False
    # Letter by letter it is no word, unless the letters go on.
    return any(len(token) > 1 for token in folded.tokens[:tokens]) or any(len(t) == 1 and t.isalnum() for t in behind)


def _is_apart(folded: Folded, tokens: int) -> bool:
    """Whether a space or an emoji parts a keyword from the text after it, or the keyword is long enough to do without.

    Han or Thai is written without spaces: three signs together are a word of their own, two stand inside too many words.
    """
    last = tokens - 1
    if not folded.glued >> last & 1 or is_symbol(folded.tokens[tokens]):
        return True
    signs = 1
    while signs < tokens and folded.glued >> (last - signs) & 1:
        signs += 1
    return signs >= _THREE
