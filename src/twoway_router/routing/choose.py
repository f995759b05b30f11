"""The winner among the hits of a text, or nobody where two tenants may be meant. Called by ``plan`` and ``claims``.

Tenants may hold one word at different times. The one whose window is open wins, else the nearest in time answers.
"""

import unicodedata
from datetime import datetime
from typing import NamedTuple

from twoway_router.routing.activity_windows import nearest
from twoway_router.routing.adverts import read_adverts
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import (
    ADVERT,
    DERIVED,
    EXACT,
    GLUED,
    JOINED,
    LOOK_ALIKE,
    RANKS,
    RESPACED,
    Hit,
    direct_hits,
    guard_text_after,
    has_declared_sub_keyword,
    is_a_word,
    rests,
)
from twoway_router.routing.number_entries import HAS_WINDOW, NumberEntry
from twoway_router.routing.tails import has_harmless_tail
from twoway_router.routing.text import Folded, after, fold, locate
from twoway_router.routing.types import ClaimState, LostBecause, WindowState
from twoway_router.routing.weaker_matches import weak_hits

_SETTLED = (EXACT, LOOK_ALIKE, RESPACED)
_APART_IN_TIME = ({WindowState.OPEN, WindowState.TOO_EARLY}, {WindowState.OPEN, WindowState.TOO_LATE})
_OF_ONE_WORD = (GLUED, JOINED, DERIVED)


class Winner(NamedTuple):
    """The keyword that a text means: its hit, the spelling row that was met, and where its window stands.

    ``is_declared``: what stands behind the keyword is one of its sub-keywords, and nothing else. ``has_exact_start``: the
    text begins with the exact words of another keyword of this tenant. Only of an advert, which does not begin with
    the keyword: its ``span`` in the text, and the sub-keyword as it is written behind it.
    """

    hit: Hit
    spelling: int
    keyword: int
    window: WindowState
    is_declared: bool = False
    has_exact_start: bool = False
    span: tuple[int, int] | None = None
    sub_keyword: str = ""

    @property
    def is_strong(self) -> bool:
        return is_settled(self.hit)

    @property
    def is_exact(self) -> bool:
        """Its tenant's exact words stand at the start of the text."""
        return self.hit.match_class == EXACT or self.has_exact_start


def is_settled(hit: Hit) -> bool:
    """The whole message is the keyword, in a class that leaves no doubt."""
    return hit.is_whole and hit.match_class in _SETTLED


class Found(NamedTuple):
    """What matching came to. ``doubt``: the hit by which several tenants may be meant, so that nobody wins.

    ``is_contested``: it is one tenant's keyword with text behind it, and as a whole another one's; ``rivals`` are the two.
    """

    winner: Winner | None
    doubt: Hit | None
    hits: list[Hit]
    is_contested: bool = False
    rivals: tuple[Winner, ...] = ()


def find(
    entry: NumberEntry, table: RoutingTable, text: str, folded: Folded, at: datetime, *, all_hits: bool = False
) -> Found:
    """Match a folded text: best class first, within a class the longest; of one tenant, whole messages first.

    Where the exact words are one tenant's keyword with text behind it, and the whole text is another's, nobody wins.
    """
    hits = direct_hits(entry, table, folded)
    # An active keyword without options is the whole message: nearly every match ends here.
    if len(hits) == 1 and hits[0].is_whole and not hits[0].refusal and not all_hits:
        hit, columns = hits[0], table.columns
        keyword = columns.keyword[hit.rows[0]]
        if len(hit.rows) == 1 and not columns.flags[keyword] and hit.match_class in (EXACT, RESPACED):
            return Found(Winner(hit, hit.rows[0], keyword, WindowState.OPEN), None, hits)
    for place, hit in enumerate(hits):
        # Only where the guard refuses, for this needs the original text.
        is_common = hit.refusal is LostBecause.COMMON_WORD and hit.match_class == EXACT
        if is_common and has_harmless_tail(entry, table, text, folded, hit):
            hits[place] = hit._replace(refusal=guard_text_after(entry, table, folded, hit, is_harmless=True))
    best = _best(table, hits)
    # Behind exact words a weaker match counts only if it is the whole text, which a long text never is.
    is_sure = best is not None and (
        best.match_class in (EXACT, RESPACED) if best.is_whole else best.match_class == EXACT and folded.is_long
    )
    if all_hits or best is None or not is_sure or rests(table, best.rows):
        weak = weak_hits(entry, table, folded)
        if weak:
            hits += weak
            best = _best(table, hits)
    if best is None:
        return Found(None, None, hits)
    winner = _resolve(table, best, text, folded, at)
    if winner is not None and best.match_class in (GLUED, JOINED) and (rival := _rival(table, hits, winner)):
        return Found(None, rival, hits)
    if len(hits) > 1 and winner is not None and not best.is_whole and best.match_class == EXACT and not folded.is_long:
        return _against_the_whole(entry, table, text, folded, at, winner, hits)
    return Found(winner, best if winner is None else None, hits)


def _against_the_whole(
    entry: NumberEntry, table: RoutingTable, text: str, folded: Folded, at: datetime, winner: Winner, hits: list[Hit]
) -> Found:
    """A keyword with text behind it won, unless the whole text means another one: of its tenant that, else nobody."""
    whole = _best(table, [hit for hit in hits if hit.is_whole])
    # What rests takes nothing from a live keyword.
    whole = None if whole is not None and rests(table, whole.rows) else whole
    as_whole = None if whole is None else _resolve(table, whole, text, folded, at)
    if as_whole is not None and table.tenant_of(as_whole.spelling) == table.tenant_of(winner.spelling):
        # A weaker class alone would wait behind others' conversations, but the tenant is certain by its first words.
        return Found(winner if winner.is_declared else as_whole._replace(has_exact_start=True), None, hits)
    # Registration lets two in that are never open at the same time: the one that is open.
    if as_whole is not None and {winner.window, as_whole.window} in _APART_IN_TIME:
        return Found(winner if winner.window is WindowState.OPEN else as_whole, None, hits)
    if whole is not None and not _is_mere_split(entry, whole, winner.hit):
        rivals = (winner,) if as_whole is None else (winner, as_whole)
        return Found(None, whole, hits, is_contested=True, rivals=rivals)
    return Found(winner, None, hits)


def find_advert(entry: NumberEntry, table: RoutingTable, text: str, at: datetime, found: Found) -> Found:
    """What matching came to, if it came to nothing and the text is the advert of one tenant's keyword: that keyword."""
    adverts = [] if found.doubt else read_adverts(entry, table, text)
    adverts = [advert for advert in adverts if not rests(table, advert.hit.rows)] or adverts
    if not adverts:
        return found
    best = adverts[0]
    of_best = [advert for advert in adverts if advert.span == best.span]
    hit = best.hit._replace(rows=tuple(sorted({row for advert in of_best for row in advert.hit.rows})))
    hits = [*found.hits, hit, *(advert.hit for advert in adverts if advert.span != best.span)]
    here = text[best.span[0] :]
    winner = _resolve(table, hit, here, fold(here), at)
    holders = {table.tenant_of(row) for advert in adverts if advert not in of_best for row in advert.hit.rows}
    if winner is None or not holders <= {table.tenant_of(winner.spelling)}:
        return Found(None, hit, hits)
    sub_keyword = next((advert.sub_keyword for advert in of_best if winner.spelling in advert.hit.rows), "")
    return Found(winner._replace(span=best.span, sub_keyword=sub_keyword), None, hits)


def _is_mere_split(entry: NumberEntry, whole: Hit, first: Hit) -> bool:
    """Whether a longer word is only spelt by a keyword and letters that are no word: WIN TER is WIN's, not WINTER's."""
    return whole.match_class == RESPACED and not is_a_word(entry, first.key, whole.key[len(first.key) :])


def _rival(table: RoutingTable, hits: list[Hit], winner: Winner) -> Hit | None:
    """Another tenant's reading of one word that is a keyword and its sub-keyword to one of the two: then nobody wins."""
    tenant = table.tenant_of(winner.spelling)
    for hit in hits:
        is_reading = hit.is_whole and not hit.refusal and hit.match_class in _OF_ONE_WORD
        if not is_reading or JOINED not in (hit.match_class, winner.hit.match_class) or hit is winner.hit:
            continue
        if not rests(table, hit.rows) and any(table.tenant_of(row) != tenant for row in hit.rows):
            return hit
    return None


def _best(table: RoutingTable, hits: list[Hit]) -> Hit | None:
    """The hit of the best class, the longest of them. A keyword that rests never stands before a live one."""
    eligible = [hit for hit in hits if not hit.refusal]
    if len(eligible) < 2:
        return eligible[0] if eligible else None
    return min(eligible, key=lambda hit: (rests(table, hit.rows), RANKS[hit.match_class], -hit.tokens))


def _resolve(table: RoutingTable, hit: Hit, text: str, folded: Folded, at: datetime) -> Winner | None:
    """The keyword of a hit; None if several tenants hold it and neither windows nor accents tell them apart."""
    keyword, rows = table.columns.keyword, hit.rows
    if len(rows) > 1:
        rows = tuple(row for row in hit.rows if window_of(table, keyword[row], at) is WindowState.OPEN)
        rows = rows or nearest(table, hit.rows, at)
        # SÍBERIA and SIBÉRIA fold to one key: of several that are open, those written exactly as the text writes it.
        if len(rows) > 1 and hit.match_class in (EXACT, ADVERT):
            start, end = locate(text, folded.tokens[: hit.tokens])
            typed = _bare(text[start:end])
            rows = tuple(row for row in rows if _bare(table.columns.display(row)) == typed) or rows
        if len({table.tenant_of(row) for row in rows}) > 1:
            return None
    # Among keywords of one tenant any will do, as long as it is the same one however the table was built.
    row = rows[0] if len(rows) == 1 else min(rows, key=lambda row: (table.columns.keyword_id(keyword[row]).bytes, row))
    is_declared = not hit.is_whole and has_declared_sub_keyword(table, folded, hit, keyword[row])
    return Winner(hit, row, keyword[row], window_of(table, keyword[row], at), is_declared)


def _bare(written: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", written).casefold()))


def window_of(table: RoutingTable, keyword: int, at: datetime) -> WindowState:
    """Where a moment stands in a keyword's activity window; its state counts first."""
    flags = table.columns.flags[keyword]
    if not flags:
        return WindowState.OPEN
    state = table.state_of(keyword)
    if state is ClaimState.SUSPENDED:
        return WindowState.SUSPENDED
    if state is ClaimState.RELEASED:
        return WindowState.RELEASED
    if flags & HAS_WINDOW:
        start, end = table.windows[keyword]
        if start is not None and at < start:
            return WindowState.TOO_EARLY
        if end is not None and at >= end:
            return WindowState.TOO_LATE
    return WindowState.OPEN


def span_and_rest(text: str, folded: Folded, hit: Hit) -> tuple[tuple[int, int], str]:
    """Where the match stands in the original text, and the original text after it."""
    tokens = folded.tokens[: hit.tokens]
    if hit.stem:
        tokens = [*tokens[:-1], hit.stem]
    span = locate(text, tokens)
    return span, after(text, span[1])
