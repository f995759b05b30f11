"""Which keywords a number has, by their keys: one dictionary a number. Made by ``keywords.follower``; read by ``match``.

A change takes effect for the next message of the same thread of control; it is never seen half done. Key values are
spelling rows, ``~row`` for a derived key, a tuple where several meet; what order they came in never matters.
"""

import gc
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.routing.barred_words import NO_BARRED_WORDS, BarredWords
from twoway_router.routing.keyword_columns import Columns, Ids
from twoway_router.routing.number_entries import (
    IS_GLUED,
    IS_WHOLE,
    STATES,
    STEM,
    LooseKeywords,
    NumberEntry,
    as_rows,
    pack,
    put,
    take,
)
from twoway_router.routing.other_spellings import derived_keys
from twoway_router.routing.similar_keys import SimilarKeys
from twoway_router.routing.text import Folded, fold
from twoway_router.routing.types import ClaimState, KeywordRules, MatchMode, NumberRules, SubKeyword


class RoutingTable:
    """All numbers and their keywords, as routing needs them. ``version`` grows with every change."""

    def __init__(self, barred_words: BarredWords = NO_BARRED_WORDS) -> None:
        self.version = 0
        self.barred_words = barred_words
        self.columns = Columns()
        self.tenants: list[TenantId] = []
        self.sub_keywords: dict[int, tuple[SubKeyword, ...]] = {}
        self.sub_keys: dict[int, dict[str, str]] = {}
        self.windows: dict[int, tuple[datetime | None, datetime | None]] = {}
        self.match_modes: dict[int, MatchMode] = {}
        self._tenant_rows: dict[TenantId, int] = {}
        self._numbers: dict[NumberId, NumberEntry] = {}
        self._entries: list[NumberEntry] = []
        self._ids = Ids()

    @classmethod
    def build(
        cls,
        numbers: Iterable[NumberRules],
        keywords: Iterable[KeywordRules],
        *,
        version: int = 0,
        barred_words: BarredWords = NO_BARRED_WORDS,
    ) -> "RoutingTable":
        """A table of these numbers and keywords; keywords of unknown numbers are left out. ``keywords`` may be a stream."""
        table = cls(barred_words)
        # Millions of small objects come to stay and none goes: the collector would walk through them again and again.
        was_collecting = gc.isenabled()
        gc.disable()
        try:
            for number in numbers:
                table.put_number(number)
            for keyword in keywords:
                table._insert(keyword)
            table._ids.settle(table.columns.ids)
        finally:
            if was_collecting:
                gc.enable()
        table.version = version
        return table

    def __len__(self) -> int:
        return sum(1 for row in range(len(self.columns)) if self.entry_of(row) is not None)

    def entry(self, number_id: NumberId) -> NumberEntry | None:
        return self._numbers.get(number_id)

    def number(self, number_id: NumberId) -> NumberRules | None:
        entry = self._numbers.get(number_id)
        return None if entry is None else entry.rules

    def numbers(self) -> Iterator[NumberRules]:
        return (entry.rules for entry in self._numbers.values())

    def put_number(self, number: NumberRules) -> None:
        """Add a number, or change its rules; its keywords stay."""
        entry = self._numbers.get(number.number_id)
        if entry is None:
            entry = NumberEntry(number, len(self._entries))
            self._entries.append(entry)
            self._numbers[number.number_id] = entry
        else:
            entry.take(number)
        self.version += 1

    def put_keyword(self, keyword: KeywordRules) -> None:
        """Add a keyword, or put it in the place of its earlier self."""
        self._remove(keyword.keyword_id)
        row = self._insert(keyword)
        self._ids.put(keyword.keyword_id, row)
        self.version += 1

    def remove_keyword(self, keyword_id: KeywordId) -> None:
        """Forget a keyword; nothing happens if it is not known."""
        if self._remove(keyword_id):
            self._ids.put(keyword_id, None)
        self.version += 1

    def keyword(self, keyword_id: KeywordId) -> KeywordRules | None:
        row = self._ids.find(keyword_id, self.columns.ids)
        return None if row is None or self.entry_of(row) is None else self.rules_of(row)

    def keywords(self, number_id: NumberId) -> Iterator[KeywordRules]:
        """All keywords of a number; slow, meant for registration and reports."""
        entry = self._numbers.get(number_id)
        if entry is None:
            return
        rows = {self.columns.keyword[row] for row in self._direct_rows(entry)}
        yield from (self.rules_of(row) for row in sorted(rows))

    def _direct_rows(self, entry: NumberEntry) -> Iterator[int]:
        return (row for rows in entry.index.values() for row in as_rows(rows) if row >= 0)

    def similar_keys(self, entry: NumberEntry) -> SimilarKeys:
        """The number's keys for the search of similar ones; made when it is first asked for."""
        if entry.similar is None:
            entry.similar = SimilarKeys()
            for row in self._direct_rows(entry):
                entry.similar.add_unsorted(fold(self.columns.display(row)), row)
            entry.similar.settle()
        return entry.similar

    def entry_of(self, row: int) -> NumberEntry | None:
        """The number that a keyword row belongs to; None for a removed keyword."""
        entry = self._entries[self.columns.number[row]]
        return entry if any(self.columns.ids[16 * row : 16 * row + 16]) else None

    def key_of(self, spelling: int) -> str:
        """The key that a spelling row stands for, folded anew from its display text."""
        return fold(self.columns.display(spelling)).key

    def tenant_of(self, spelling: int) -> TenantId:
        return self.tenants[self.columns.tenant[self.columns.keyword[spelling]]]

    def state_of(self, row: int) -> ClaimState:
        return STATES[self.columns.flags[row] >> 4]

    def rules_of(self, row: int) -> KeywordRules:
        """A keyword row as the value that it was made of."""
        columns = self.columns
        entry = self._entries[columns.number[row]]
        flags = columns.flags[row]
        active_from, active_until = self.windows.get(row, (None, None))
        return KeywordRules(
            keyword_id=KeywordId(columns.keyword_id(row)),
            tenant_id=self.tenants[columns.tenant[row]],
            number_id=entry.rules.number_id,
            spellings=tuple(columns.display(spelling) for spelling in columns.spellings(row)),
            sub_keywords=self.sub_keywords.get(row, ()),
            revision=columns.revision[row],
            state=self.state_of(row),
            active_from=active_from,
            active_until=active_until,
            is_glued=bool(flags & IS_GLUED),
            is_whole_message=bool(flags & IS_WHOLE),
            match=self.match_modes.get(row, MatchMode.START),
        )

    def _insert(self, keyword: KeywordRules) -> int | None:
        entry = self._numbers.get(keyword.number_id)
        if entry is None:
            return None
        tenant = self._tenant_rows.setdefault(keyword.tenant_id, len(self.tenants))
        if tenant == len(self.tenants):
            self.tenants.append(keyword.tenant_id)
        folded = [fold(spelling) for spelling in keyword.spellings]
        spellings = [(display, form.mask) for display, form in zip(keyword.spellings, folded, strict=True)]
        row = self.columns.add(
            keyword.keyword_id,
            tenant,
            entry.position,
            keyword.revision,
            pack(keyword),
            spellings,
        )
        if keyword.sub_keywords:
            entry.with_subs += 1
            self.sub_keywords[row] = keyword.sub_keywords
            self.sub_keys[row] = {
                fold(spelling).key: sub.name for sub in reversed(keyword.sub_keywords) for spelling in sub.spellings
            }
        if keyword.active_from or keyword.active_until:
            self.windows[row] = (keyword.active_from, keyword.active_until)
        for spelling, form, display in zip(self.columns.spellings(row), folded, keyword.spellings, strict=True):
            self._index(entry, spelling, form, display, is_glued=keyword.is_glued)
        if keyword.match is not MatchMode.START:
            self.match_modes[row] = keyword.match
            entry.loose = entry.loose or LooseKeywords()
            for spelling, form in zip(self.columns.spellings(row), folded, strict=True):
                entry.loose.put(keyword.match, spelling, form.tokens)
        return row

    def _index(self, entry: NumberEntry, spelling: int, form: Folded, display: str, *, is_glued: bool) -> None:
        key = form.key
        if not key:
            return
        put(entry.index, key, spelling)
        if len(key) > entry.longest:
            entry.longest = len(key)
        entry.alphabet.update(key)
        # Under a derived key stands the complement of the row, so that one look-up tells own keys from derived ones.
        for derived in derived_keys(key, display):
            put(entry.index, derived, ~spelling)
            if len(derived) > entry.longest:
                entry.longest = len(derived)
        if entry.similar is not None:
            entry.similar.add(form, spelling)
        if is_glued:
            entry.glued[key] = (*entry.glued.get(key, ()), spelling)
            if entry.stems is None:
                self._find_stems(entry)
                return
        self._add_stem(entry, key, spelling)

    def _find_stems(self, entry: NumberEntry) -> None:
        """Collect which keys go on with a digit; done when a number gets its first keyword with glued digits."""
        entry.stems = {}
        for key, rows in entry.index.items():
            for row in as_rows(rows):
                if row >= 0:
                    self._add_stem(entry, key, row)

    def _add_stem(self, entry: NumberEntry, key: str, spelling: int) -> None:
        if entry.stems is not None and (found := STEM.match(key)):
            entry.stems.setdefault(found[1], []).append(self.columns.tenant[self.columns.keyword[spelling]])

    def _remove(self, keyword_id: UUID) -> bool:
        row = self._ids.find(keyword_id, self.columns.ids)
        if row is None:
            return False
        entry = self._entries[self.columns.number[row]]
        for spelling in self.columns.spellings(row):
            self._unindex(entry, spelling)
        if self.sub_keywords.pop(row, None):
            entry.with_subs -= 1
        self.sub_keys.pop(row, None)
        self.windows.pop(row, None)
        self.match_modes.pop(row, None)
        self.columns.drop(row)
        return True

    def _unindex(self, entry: NumberEntry, spelling: int) -> None:
        display = self.columns.display(spelling)
        form = fold(display)
        key = form.key
        if not key:
            return
        take(entry.index, key, spelling)
        if entry.loose is not None:
            entry.loose.take(spelling, form.tokens)
        for derived in derived_keys(key, display):
            take(entry.index, derived, ~spelling)
        if entry.similar is not None:
            entry.similar.remove(form, spelling, is_last=not any(row >= 0 for row in as_rows(entry.index.get(key))))
        if key in entry.glued:
            left = tuple(row for row in entry.glued[key] if row != spelling)
            entry.glued[key] = left
            if not left:
                del entry.glued[key]
        if entry.stems is not None and (found := STEM.match(key)):
            entry.stems[found[1]].remove(self.columns.tenant[self.columns.keyword[spelling]])
