"""Which texts a claim would take from a keyword that it meets: what an operator confirms who allows it. Called by ``claims``.

A text is matched in the table as it stands, and once more with nothing but the claim and the keywords that it meets.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from twoway_router.routing.choose import find
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.number_entries import IS_GLUED, NumberEntry
from twoway_router.routing.other_spellings import derived_keys
from twoway_router.routing.text import fold
from twoway_router.routing.types import CollisionCode, KeywordRules

AND_TEXT: Final = " …"
"""In a list of texts: with any text behind it."""
ANY_DIGITS: Final = "<digits>"
"""In a list of texts: any digits in this place."""

ANY_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)
_SOME_TEXT: Final = " xyzzyx"


class Moves:
    """A claim, and the keywords that it meets."""

    def __init__(self, table: RoutingTable, entry: NumberEntry, claimed: KeywordRules, met: Sequence[int]) -> None:
        self._table, self._entry, self._claimed = table, entry, claimed
        self._after = RoutingTable.build([entry.rules], [claimed, *map(table.rules_of, met)])
        after = self._after.entry(entry.rules.number_id)
        assert after is not None
        self._after_entry = after

    def of(self, spelling: str, met: int, code: CollisionCode) -> tuple[str, ...]:
        """Texts that reach the met keyword now and would not with the claim beside it.

        Tried are both words: derived, parted in any place, with their sub-keywords, with text behind them (``AND_TEXT``), and
        with digits (``ANY_DIGITS``) where the keyword takes digits without a space.
        """
        start, end = self._table.windows.get(met, (None, None))
        at = start or (ANY_TIME if end is None else end - timedelta(seconds=1))
        moved: list[str] = []
        seen: set[tuple[str, ...]] = set()
        for text in self._texts(spelling, met, code):
            tokens = tuple(fold(text).tokens)
            if tokens in seen:
                continue
            seen.add(tokens)
            if self._is_moved(text, met, at):
                moved.append(text)
                moved += [text + AND_TEXT] if self._is_moved(text + _SOME_TEXT, met, at) else ()
        return (*moved, *self._with_digits(spelling, met, at))

    def _is_moved(self, text: str, met: int, at: datetime) -> bool:
        folded = fold(text)
        winner = find(self._entry, self._table, text, folded, at).winner
        if winner is None or winner.keyword != met:
            return False
        after = find(self._after_entry, self._after, text, folded, at).winner
        tenant_id = self._table.tenant_of(winner.spelling)
        return after is None or self._after.tenant_of(after.spelling) != tenant_id

    def _texts(self, spelling: str, met: int, code: CollisionCode) -> Iterator[str]:
        table = self._table
        key = fold(spelling).key
        held = [table.columns.display(row) for row in table.columns.spellings(met)]
        # Of very many keywords that begin with the word only the plainest is tried: each is one of hundreds.
        if code is not CollisionCode.BEGINS_MANY:
            yield from _written(spelling)
            yield from (f"{spelling} {sub}" for each in self._claimed.sub_keywords for sub in each.spellings)
        for word in held:
            own = fold(word).key
            if own.startswith(key):
                yield f"{spelling} {own[len(key) :]}"
            if code is CollisionCode.BEGINS_MANY:
                continue
            yield from (f"{spelling} {rest}" for rest in _parted(own[len(key) :]) if own.startswith(key))
            yield from (f"{word} {rest}" for rest in _parted(key[len(own) :]) if key.startswith(own))
            yield from _written(word)
            for each in table.sub_keywords.get(met, ()):
                for sub in each.spellings:
                    yield f"{word} {sub}"
                    yield own + fold(sub).key

    def _with_digits(self, spelling: str, met: int, at: datetime) -> Iterator[str]:
        """VOTE6 is nobody's once VOTE5 is another tenant's, and so are all other digits."""
        table = self._table
        key = fold(spelling).key
        for row in table.columns.spellings(met) if table.columns.flags[met] & IS_GLUED else ():
            own = table.key_of(row)
            others = (f"{own}{digit}" for digit in range(10) if not key.startswith(f"{own}{digit}"))
            if any(self._is_moved(text, met, at) for text in others):
                yield table.columns.display(row) + ANY_DIGITS


def _written(word: str) -> Iterator[str]:
    """A word and its derived keys, each as it stands and in two parts."""
    key = fold(word).key
    yield word
    for spelt in (key, *sorted(derived_keys(key, word))):
        yield spelt
        yield from _parted(spelt)


def _parted(key: str) -> Iterator[str]:
    """A key as it stands, and with a space in every place."""
    if key:
        yield key
    yield from (f"{key[:place]} {key[place:]}" for place in range(1, len(key)))
