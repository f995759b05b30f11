"""One number's keywords as a set of changes would leave them: every change judged beside the others. Pure.

Asked by ``bulk``, which then writes the changes, and by route diffs, which route messages by ``table``.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from twoway_router.domain.ids import KeywordId, TenantId
from twoway_router.keywords.rules import (
    Holder,
    Judgement,
    KeywordClaim,
    holder_problem,
    is_overtaken,
    judgement_problem,
    spellings_of,
)
from twoway_router.keywords.service import as_asked, judge_beside
from twoway_router.routing.barred_words import BarredWords
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.text import fold
from twoway_router.routing.types import ClaimState, KeywordRules, NumberRules


class Draft:
    """Words that are given up go first: ``release`` and ``give_up`` before the first ``admit``.

    ``holders`` are who has the keys that the changes want or give up; ``quarantine`` is how long a word rests there.
    """

    def __init__(
        self,
        number: NumberRules,
        keywords: Iterable[KeywordRules],
        holders: Iterable[Holder],
        *,
        barred_words: BarredWords,
        quarantine: timedelta,
        now: datetime,
    ) -> None:
        self.table = RoutingTable.build([number], keywords, barred_words=barred_words)
        self._quarantine = quarantine
        self._now = now
        self._holders: dict[str, list[Holder]] = {}
        for holder in holders:
            self._holders.setdefault(holder.key, []).append(holder)

    def holder_of(self, key: object) -> Holder | None:
        """Who has a key, a live keyword before one that rests."""
        return min(self._holders.get(str(key), ()), key=lambda holder: holder.is_released, default=None)

    def release(self, keyword_id: KeywordId, keys: Collection[str], *, is_to_rest: bool = True) -> None:
        """Give a keyword back; one that never was in use does not rest."""
        rules = self.table.keyword(keyword_id)
        if not is_to_rest:
            self._free([(keyword_id, key) for key in keys])
        elif rules is not None:
            self.table.put_keyword(replace(rules, state=ClaimState.RELEASED))
            self._rest(keyword_id, keys, keyword_id, rules.spellings[0])

    def give_up(self, keyword_id: KeywordId, keys: Collection[str], retired_id: KeywordId) -> None:
        """Take spellings from a keyword; they rest as a keyword of their own."""
        rules = self.table.keyword(keyword_id)
        if rules is None:
            return
        dropped = tuple(text for text in rules.spellings if fold(text).key in keys)
        kept = tuple(text for text in rules.spellings if fold(text).key not in keys)
        if kept:
            self.table.put_keyword(replace(rules, spellings=kept))
        else:
            self.table.remove_keyword(keyword_id)
        retired = KeywordRules(
            keyword_id=retired_id,
            tenant_id=rules.tenant_id,
            number_id=rules.number_id,
            spellings=dropped,
            state=ClaimState.RELEASED,
            active_from=rules.active_from,
            active_until=rules.active_until,
        )
        self.table.put_keyword(retired)
        self._rest(keyword_id, keys, retired_id, min(keys))

    def leave_out(self, rules: KeywordRules, retired_id: KeywordId) -> None:
        """Undo what a change gave up that was not admitted: the keyword is as it was."""
        self.table.remove_keyword(retired_id)
        self.table.put_keyword(rules)

    def admit(
        self, tenant_id: TenantId, wanted: KeywordClaim, rules: KeywordRules
    ) -> tuple[Judgement, list[tuple[UUID, str]]]:
        """Judge a new or changed keyword as a claim is judged, and let it in; raises why it is refused.

        Also gives the keys of released keywords that it takes over. ``rules`` is the keyword as it would be.
        """
        keyword_id = rules.keyword_id
        spellings = spellings_of(wanted.word, wanted.aliases)
        holders = [holder for each in spellings for holder in self._holders.get(each.key, ())]
        asked = as_asked(tenant_id, wanted, keyword_id)
        judgement = judge_beside([self.table], asked, has_catches=False)
        problem = holder_problem(
            holders,
            tenant_id,
            keyword_id=keyword_id,
            window=wanted.window,
            quarantine=self._quarantine,
            now=self._now,
            own_keys=judgement.own_keys,
        )
        problem = problem or judgement_problem(judgement, confirmed_moves=wanted.confirmed_moves)
        if problem is not None:
            raise problem
        overtaken = [
            (holder.keyword_id, holder.key)
            for holder in holders
            if is_overtaken(holder, tenant_id, quarantine=self._quarantine, now=self._now, own_keys=judgement.own_keys)
        ]
        self._free(overtaken)
        self.table.put_keyword(rules)
        for each in spellings:
            others = [holder for holder in self._holders.get(each.key, ()) if holder.keyword_id != keyword_id]
            own = Holder(
                key=each.key,
                tenant_id=tenant_id,
                keyword_id=keyword_id,
                word=wanted.word,
                is_released=False,
                changed_at=self._now,
                active_from=wanted.active_from,
                active_until=wanted.active_until,
            )
            self._holders[each.key] = [*others, own]
        return judgement, overtaken

    def _rest(self, keyword_id: KeywordId, keys: Collection[str], resting_id: KeywordId, word: str) -> None:
        for key in keys:
            self._holders[key] = [
                replace(holder, keyword_id=resting_id, word=word, is_released=True, changed_at=self._now)
                if holder.keyword_id == keyword_id
                else holder
                for holder in self._holders.get(key, ())
            ]

    def _free(self, spellings: Collection[tuple[UUID, str]]) -> None:
        """Take keys from keywords; one that has none left is gone."""
        for keyword_id, key in spellings:
            self._holders[key] = [each for each in self._holders.get(key, ()) if each.keyword_id != keyword_id]
            rules = self.table.keyword(KeywordId(keyword_id))
            if rules is None:
                continue
            kept = tuple(text for text in rules.spellings if fold(text).key != key)
            if kept:
                self.table.put_keyword(replace(rules, spellings=kept))
            else:
                self.table.remove_keyword(rules.keyword_id)
