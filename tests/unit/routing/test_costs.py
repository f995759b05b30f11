"""What a message or a claim costs does not grow with the number of keywords: ratios of medians of the same run."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from uuid import UUID

import pytest

from tests.unit.routing.cast import ANN, GYM, PIZZERIA, SHARED, SHARED_RULES
from twoway_router.domain.ids import KeywordId
from twoway_router.routing.claims import Claim, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import KeywordRules, RouteRequest

FEW, MANY = 500, 20_000
AT = datetime(2026, 6, 1, tzinfo=UTC)
SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprstvz" for vowel in "aeiou"]


def word(place: int) -> str:
    """A made-up word, another one for each place."""
    parts = [SYLLABLES[place // 70**power % 70] for power in range(3)]
    return "".join(parts).upper()


def a_table(count: int) -> RoutingTable:
    keywords = (
        KeywordRules(
            keyword_id=KeywordId(UUID(int=place + 1)), tenant_id=PIZZERIA, number_id=SHARED, spellings=(word(place),)
        )
        for place in range(count)
    )
    return RoutingTable.build([SHARED_RULES], keywords)


@pytest.fixture(scope="module")
def tables() -> tuple[RoutingTable, RoutingTable]:
    return a_table(FEW), a_table(MANY)


def route_one(table: RoutingTable, place: int) -> None:
    text = f"{word(place % FEW)} para dos" if place % 2 else f"{word(MANY + place)} hola"
    choose_route(table, RouteRequest(number_id=SHARED, sender=ANN, text=text, at=AT))


def judge_one(table: RoutingTable, place: int) -> None:
    judge_claim(table, Claim(number_id=SHARED, tenant_id=GYM, spellings=(word(MANY + place),)))


def time_of(text: str) -> float:
    """The median time of a decision on a number without keywords."""
    table = a_table(0)
    request = RouteRequest(number_id=SHARED, sender=ANN, text=text, at=AT)
    spent = []
    for _ in range(30):
        start = time.thread_time_ns()
        choose_route(table, request)
        spent.append(time.thread_time_ns() - start)
    return median(spent)


@pytest.mark.parametrize("character", ["\U000f0000", "\U0010fffd", "\U000e0041", "\U00020000", "\U00080000"])
def test_no_plane_of_unicode_costs_more_than_what_the_table_keeps_by_far(character: str) -> None:
    assert time_of(character * 570) <= 15 * time_of("\ue000" * 570)


@pytest.mark.parametrize(("call", "rounds"), [(route_one, 2_000), (judge_one, 100)])
def test_forty_times_the_keywords_cost_at_most_three_times_as_much(
    tables: tuple[RoutingTable, RoutingTable], call: Callable[[RoutingTable, int], None], rounds: int
) -> None:
    taken: tuple[list[int], list[int]] = ([], [])
    for table in tables:
        call(table, 0)

    for place in range(rounds):
        for table, spent in zip(tables, taken, strict=True):
            start = time.perf_counter_ns()
            call(table, place)
            spent.append(time.perf_counter_ns() - start)

    few, many = median(taken[0]), median(taken[1])
    assert many <= 3 * few
