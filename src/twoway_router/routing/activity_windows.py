"""Which of several tenants' keywords under one key answers while none of them is open. Called by ``choose``.

The last one that has begun (too late, suspended, given back) or the next one to begin, whichever is nearer in time. A
word that rests is still its former holder's until the next one begins.
"""

from datetime import datetime, timedelta
from itertools import combinations
from typing import NamedTuple

from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import ClaimState


class _Window(NamedTuple):
    """A keyword's activity window. ``is_held`` is false for a keyword that was given back."""

    row: int
    keyword_id: bytes
    start: datetime | None
    end: datetime | None
    is_held: bool

    @property
    def order(self) -> tuple[bool, float, bool, bytes]:
        """By beginning; of those that begin together the one that was given back comes first, so that it yields."""
        start = 0.0 if self.start is None else self.start.timestamp()
        return self.start is not None, start, self.is_held, self.keyword_id


def nearest(table: RoutingTable, rows: tuple[int, ...], at: datetime) -> tuple[int, ...]:
    """The rows of the nearest tenant; all of them where windows overlap, so that nobody is preferred."""
    if len({table.tenant_of(row) for row in rows}) == 1 or len({table.key_of(row) for row in rows}) > 1:
        return rows
    windows: list[_Window] = []
    for row in rows:
        keyword = table.columns.keyword[row]
        start, end = table.windows.get(keyword, (None, None))
        is_held = table.state_of(keyword) is not ClaimState.RELEASED
        windows.append(_Window(row, table.columns.keyword_id(keyword).bytes, start, end, is_held))
    windows.sort(key=lambda window: window.order)
    # Registration keeps the windows of two tenants a day apart. Should they overlap all the same, nobody is preferred.
    for one, other in combinations([window for window in windows if window.is_held], 2):
        is_apart = one.end is not None and other.start is not None and one.end <= other.start
        if not is_apart and table.tenant_of(one.row) != table.tenant_of(other.row):
            return rows
    begun = [window for window in windows if window.start is None or window.start <= at]
    if not begun:
        return (windows[0].row,)
    last = begun[-1]
    coming = windows[len(begun)] if len(begun) < len(windows) else None
    if coming is None or coming.start is None or last.end is None or not last.is_held:
        return (last.row,)
    is_nearer = coming.start - at < max(at - last.end, timedelta(0))
    return (coming.row if is_nearer else last.row,)
