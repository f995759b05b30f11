"""A draft of one number's keywords: what is given up rests, what is let in stands beside the others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from twoway_router.domain.errors import RouterError
from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.domain.messages import Sharing
from twoway_router.keywords.drafts import Draft
from twoway_router.keywords.rules import Holder, KeywordClaim, KeywordExists, KeywordResting, KeywordTaken
from twoway_router.routing.barred_words import NO_BARRED_WORDS
from twoway_router.routing.plan import choose_route
from twoway_router.routing.text import fold
from twoway_router.routing.types import KeywordRules, NumberRules, RouteRequest, WindowState

NOW = datetime(2027, 3, 1, tzinfo=UTC)
NUMBER = NumberRules(number_id=NumberId(UUID(int=1)), country="IT", address="12345", sharing=Sharing.SHARED)
PIZZERIA, GYM = TenantId(UUID(int=2)), TenantId(UUID(int=3))
RETIRED = KeywordId(UUID(int=9))
PIZZA = KeywordRules(
    keyword_id=KeywordId(UUID(int=4)),
    tenant_id=PIZZERIA,
    number_id=NUMBER.number_id,
    spellings=("PIZZA", "CALZONETTO"),
)


def a_draft(*keywords: KeywordRules, quarantine: timedelta = timedelta(days=90)) -> Draft:
    holders = [
        Holder(
            key=fold(text).key,
            tenant_id=rules.tenant_id,
            keyword_id=rules.keyword_id,
            word=rules.spellings[0],
            is_released=False,
            changed_at=NOW,
        )
        for rules in keywords
        for text in rules.spellings
    ]
    return Draft(NUMBER, keywords, holders, barred_words=NO_BARRED_WORDS, quarantine=quarantine, now=NOW)


def admit(draft: Draft, tenant_id: TenantId, word: str, place: int = 7) -> list[tuple[UUID, str]]:
    rules = replace(PIZZA, keyword_id=KeywordId(UUID(int=place)), tenant_id=tenant_id, spellings=(word,))
    wanted = KeywordClaim(number_id=NUMBER.number_id, word=word, aliases=(), definition={})
    return draft.admit(tenant_id, wanted, rules)[1]


def goes_to(draft: Draft, text: str) -> tuple[TenantId | None, WindowState]:
    decision = choose_route(draft.table, RouteRequest(number_id=NUMBER.number_id, sender="+391", text=text, at=NOW))
    return decision.tenant_id, decision.window


def test_a_released_keyword_rests_and_only_its_tenant_may_have_it() -> None:
    draft = a_draft(PIZZA)

    draft.release(PIZZA.keyword_id, {"pizza", "calzonetto"})

    assert goes_to(draft, "pizza") == (PIZZERIA, WindowState.RELEASED)
    with pytest.raises(KeywordResting):
        admit(draft, GYM, "PIZZA")
    assert admit(draft, PIZZERIA, "PIZZA") == [(PIZZA.keyword_id, "pizza")]
    assert goes_to(draft, "pizza") == (PIZZERIA, WindowState.OPEN)
    assert goes_to(draft, "calzonetto") == (PIZZERIA, WindowState.RELEASED)


def test_where_nothing_rests_a_released_word_is_free() -> None:
    draft = a_draft(PIZZA, quarantine=timedelta(0))

    draft.release(PIZZA.keyword_id, {"pizza", "calzonetto"})

    assert admit(draft, GYM, "PIZZA") == [(PIZZA.keyword_id, "pizza")]
    assert goes_to(draft, "pizza") == (GYM, WindowState.OPEN)


def test_a_keyword_that_never_was_in_use_does_not_rest() -> None:
    draft = a_draft(PIZZA)

    draft.release(PIZZA.keyword_id, {"pizza", "calzonetto"}, is_to_rest=False)

    assert admit(draft, GYM, "PIZZA") == []


def test_a_spelling_that_is_given_up_rests_beside_its_keyword() -> None:
    draft = a_draft(PIZZA)

    draft.give_up(PIZZA.keyword_id, {"calzonetto"}, RETIRED)

    assert goes_to(draft, "pizza") == (PIZZERIA, WindowState.OPEN)
    assert goes_to(draft, "calzonetto") == (PIZZERIA, WindowState.RELEASED)
    assert admit(draft, PIZZERIA, "CALZONETTO") == [(RETIRED, "calzonetto")]


def test_what_a_refused_change_gave_up_comes_back() -> None:
    draft = a_draft(PIZZA)
    draft.give_up(PIZZA.keyword_id, {"calzonetto"}, RETIRED)

    draft.leave_out(PIZZA, RETIRED)

    assert goes_to(draft, "calzonetto") == (PIZZERIA, WindowState.OPEN)


@pytest.mark.parametrize(("tenant_id", "error"), [(PIZZERIA, KeywordExists), (GYM, KeywordTaken)])
def test_what_was_let_in_stands_in_the_way_of_the_next(tenant_id: TenantId, error: type[RouterError]) -> None:
    draft = a_draft()
    admit(draft, PIZZERIA, "PIZZA")

    with pytest.raises(error):
        admit(draft, tenant_id, "pizza", place=8)
    holder = draft.holder_of("pizza")
    assert holder is not None
    assert holder.tenant_id == PIZZERIA
