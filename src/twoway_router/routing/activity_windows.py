"""Which of several tenants' keywords under one key answers while none of them is open. Called by ``choose``.

The last one that has begun (too late, suspended, given back) or the next one to begin, whichever is nearer in time. A
word that rests is still its former holder's until the next one begins.
"""

from datetime import datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import ClaimState


class _Season(NamedTuple):
    """A keyword's window. ``is_held`` is false for a keyword that was given back."""

    row: int
    keyword_id: bytes
    start: datetime | None
    end: datetime | None
    is_held: bool


def nearest(table: RoutingTable, rows: tuple[int, ...], at: datetime) -> tuple[int, ...]:
    """The rows of the nearest tenant; all of them where windows overlap, so that nobody is preferred."""
    if len({table.tenant_of(row) for row in rows}) == 1 or len({table.key_of(row) for row in rows}) > 1:
        return rows
    seasons = sorted((_season(table, row) for row in rows), key=_beginning)
    if _overlap([season for season in seasons if season.is_held], table):
        return rows
    begun = [season for season in seasons if season.start is None or season.start <= at]
    coming = seasons[len(begun)] if len(begun) < len(seasons) else None
    if not begun:
        return (seasons[0].row,)
    last = begun[-1]
    return (coming.row,) if coming is not None and _is_nearer(coming, last, at) else (last.row,)


def _season(table: RoutingTable, row: int) -> _Season:
    keyword = table.columns.keyword[row]
    start, end = table.windows.get(keyword, (None, None))
    return _Season(
        row, table.columns.keyword_id(keyword).bytes, start, end, table.state_of(keyword) is not ClaimState.RELEASED
    )


def _beginning(season: _Season) -> tuple[bool, float, bool, bytes]:
    """By beginning; of those that begin together the one that was given back comes first, so that it yields."""
    start = season.start
    return start is not None, 0.0 if start is None else start.timestamp(), season.is_held, season.keyword_id


def _overlap(seasons: list[_Season], table: RoutingTable) -> bool:
    return any(
        (one.end is None or other.start is None or one.end > other.start)
        and table.tenant_of(one.row) != table.tenant_of(other.row)
        for one, other in combinations(seasons, 2)
    )


def _is_nearer(coming: _Season, last: _Season, at: datetime) -> bool:
    if not last.is_held or last.end is None or coming.start is None:
        return False
    return coming.start - at < max(at - last.end, timedelta(0))
