"""The quick ways to what a claim meets find the same as looking through everything, in any order of changes."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.routing import linear
from tests.unit.routing.cast import GYM, NUMBERS, PIZZERIA, RADIO, SHARED, a_keyword, a_table
from twoway_router.domain.ids import KeywordId, TenantId
from twoway_router.routing.claims import Claim, judge_claim
from twoway_router.routing.collisions import MetKeyword, collisions_of
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.text import fold
from twoway_router.routing.types import KeywordRules

WORDS = st.text("AEBC01% ÑЯА中天", min_size=1, max_size=8) | st.sampled_from(
    (
        "PIZZA",
        "PIZZA ROMA",
        "PIZZAS",
        "IPZZA",
        "PIZA",
        "AÑO NUEVO",
        "AÑO",
        "中天 A",
        "中天",
        "OFERTA1",
        "OFERTA2",
        "🍕 A",
        "P1ZZA",
        "PIZ3A",
        "PIZEA",
        "PIZZA99",
        "PIZZA SKI",
        "PIZZASKI",
        "SKI",
    )
)
TENANTS = st.sampled_from((PIZZERIA, GYM, RADIO))
CLAIMS = st.lists(st.tuples(WORDS, TENANTS), max_size=12)


def keywords_of(claims: list[tuple[str, TenantId]]) -> dict[object, KeywordRules]:
    return {keyword.keyword_id: keyword for keyword in (a_keyword(*claim) for claim in claims)}


def both_ways(table: RoutingTable, word: str) -> tuple[list[MetKeyword], list[MetKeyword]]:
    entry = table.entry(SHARED)
    assert entry is not None
    folded = fold(word)
    return sorted(collisions_of(table, entry, word, folded)), sorted(linear.collisions_of(table, entry, word, folded))


@settings(max_examples=400)
@given(CLAIMS, WORDS)
def test_a_claim_meets_what_a_look_through_all_keywords_finds(claims: list[tuple[str, TenantId]], word: str) -> None:
    table = RoutingTable.build(NUMBERS, keywords_of(claims).values())

    quick, slow = both_ways(table, word)

    assert quick == slow


@settings(max_examples=400)
@given(CLAIMS, CLAIMS, st.lists(WORDS, min_size=2, max_size=4))
def test_changes_after_the_first_claim_are_met_too(
    claims: list[tuple[str, TenantId]], later: list[tuple[str, TenantId]], words: list[str]
) -> None:
    first, second = keywords_of(claims), keywords_of(later)
    table = RoutingTable.build(NUMBERS, first.values())
    both_ways(table, words[0])
    for keyword in second.values():
        table.put_keyword(keyword)
    for keyword in list(first.values())[::2]:
        table.remove_keyword(keyword.keyword_id)

    found = [both_ways(table, word) for word in words]

    assert all(quick == slow for quick, slow in found)


@given(CLAIMS, WORDS)
def test_a_verdict_does_not_depend_on_what_was_judged_before(claims: list[tuple[str, TenantId]], word: str) -> None:
    keywords = list(keywords_of(claims).values())
    asked = Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,))
    grown = RoutingTable.build(NUMBERS, ())
    for keyword in keywords:
        judge_claim(grown, Claim(number_id=SHARED, tenant_id=keyword.tenant_id, spellings=keyword.spellings))
        grown.put_keyword(keyword)

    at_once, step_by_step = judge_claim(RoutingTable.build(NUMBERS, keywords), asked), judge_claim(grown, asked)

    assert sorted(at_once.collisions, key=repr) == sorted(step_by_step.collisions, key=repr)
    assert (at_once.kind, at_once.code) == (step_by_step.kind, step_by_step.code)


@pytest.mark.parametrize(
    ("key", "similar"),
    [
        ("pizza", ["piza", "pizzas", "pziza", "tizza"]),
        ("oferta1", ["oferto1"]),
        ("中天花", ["中地花"]),
        ("calzone", []),
        ("", []),
    ],
)
def test_keys_one_edit_away_are_found(key: str, similar: list[str]) -> None:
    words = ("PIZZA", "PIZA", "PIZZAS", "PZIZA", "TIZZA", "PIZZERIA", "OFERTO1", "OFERTA2", "中地花", "花花花")
    table = a_table(*map(a_keyword, words))
    entry = table.entry(SHARED)
    assert entry is not None

    found = table.similar_keys(entry).one_edit_from(key)

    assert sorted(found) == similar


@given(st.lists(st.text(st.characters(), max_size=40), max_size=4), st.text(st.characters(), max_size=40))
def test_any_text_can_be_claimed_whatever_is_there(held: list[str], word: str) -> None:
    keywords = (
        replace(a_keyword("PIZZA"), spellings=(each,), keyword_id=KeywordId(UUID(int=place)))
        for place, each in enumerate(held, start=1)
    )
    table = a_table(*keywords)

    verdict = judge_claim(table, Claim(number_id=SHARED, tenant_id=GYM, spellings=(word,)))

    assert verdict.code
