"""One word of several tenants at different times: who answers, and never anybody whose time it cannot be."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from tests.unit.routing.cast import GYM, NOON, PIZZERIA, RADIO, SHARED, a_keyword, a_table, route
from twoway_router.domain.ids import TenantId
from twoway_router.routing.types import ClaimState, KeywordRules, RouteOutcome, SubKeyword, WindowState

DAY = timedelta(days=1)


def a_season(tenant_id: TenantId, start: int | None, end: int | None, **options: object) -> KeywordRules:
    """PIZZA from one day to another, counted from noon of today."""
    return a_keyword("PIZZA", tenant_id, SHARED, active_from=_day(start), active_until=_day(end), **options)


def _day(number: int | None) -> datetime | None:
    return None if number is None else NOON + number * DAY


SUSPENDED = {"state": ClaimState.SUSPENDED}
RELEASED = {"state": ClaimState.RELEASED}
CASES = [
    ([a_season(PIZZERIA, None, -1), a_season(GYM, 0, None)], GYM, WindowState.OPEN),
    ([a_season(PIZZERIA, None, 1), a_season(GYM, 2, None)], PIZZERIA, WindowState.OPEN),
    ([a_season(PIZZERIA, None, -2), a_season(GYM, 3, None)], PIZZERIA, WindowState.TOO_LATE),
    ([a_season(PIZZERIA, None, -3), a_season(GYM, 2, None)], GYM, WindowState.TOO_EARLY),
    ([a_season(PIZZERIA, None, -2), a_season(GYM, 2, None)], PIZZERIA, WindowState.TOO_LATE),
    ([a_season(PIZZERIA, 9, 10), a_season(GYM, 2, 3)], GYM, WindowState.TOO_EARLY),
    ([a_season(PIZZERIA, -9, -8), a_season(GYM, -3, -2)], GYM, WindowState.TOO_LATE),
    ([a_season(PIZZERIA, -9, -8), a_season(GYM, -6, -5), a_season(RADIO, 3, None)], RADIO, WindowState.TOO_EARLY),
    ([a_season(PIZZERIA, -1, 1, **SUSPENDED), a_season(GYM, 2, None)], PIZZERIA, WindowState.SUSPENDED),
    ([a_season(PIZZERIA, -9, -8, **SUSPENDED), a_season(GYM, -1, None)], GYM, WindowState.OPEN),
    ([a_season(PIZZERIA, None, None, **RELEASED), a_season(GYM, 1, None)], PIZZERIA, WindowState.RELEASED),
    ([a_season(PIZZERIA, -9, -8, **RELEASED), a_season(GYM, 1, None)], PIZZERIA, WindowState.RELEASED),
    ([a_season(PIZZERIA, None, None, **RELEASED), a_season(GYM, -9, -1)], GYM, WindowState.TOO_LATE),
    ([a_season(PIZZERIA, None, None, **RELEASED), a_season(GYM, None, -1)], GYM, WindowState.TOO_LATE),
    ([a_season(PIZZERIA, -2, 2, **RELEASED), a_season(GYM, -9, -8)], PIZZERIA, WindowState.RELEASED),
]


@pytest.mark.parametrize(("keywords", "tenant_id", "window"), CASES)
def test_the_open_window_wins_else_the_nearest_answers(
    keywords: list[KeywordRules], tenant_id: TenantId, window: WindowState
) -> None:
    decisions = [route(a_table(*order), "pizza") for order in permutations(keywords)]

    assert {(each.tenant_id, each.window) for each in decisions} == {(tenant_id, window)}


@pytest.mark.parametrize("options", [SUSPENDED, {"active_until": NOON - DAY}])
def test_windows_that_overlap_make_a_word_nobodys(options: dict[str, object]) -> None:
    table = a_table(a_keyword("PIZZA", PIZZERIA, SHARED, **options), a_keyword("PIZZA", GYM, SHARED, **options))

    assert route(table, "pizza").outcome is RouteOutcome.NONE


def test_an_open_window_counts_more_than_accents() -> None:
    table = a_table(a_keyword("SÍBERIA", active_until=NOON - DAY), a_keyword("SIBERIA", GYM, active_from=NOON))

    assert route(table, "síberia").tenant_id == GYM


def test_a_keyword_for_whole_messages_leaves_text_to_the_one_that_takes_it() -> None:
    table = a_table(a_season(PIZZERIA, None, -1, is_whole_message=True), a_season(GYM, 0, None))

    assert route(table, "pizza para dos").tenant_id == GYM


def test_what_one_tenant_declares_behind_a_common_word_is_not_taken_by_the_other() -> None:
    rooms = (SubKeyword(name="ROSSA", spellings=("ROSSA",)),)
    past = a_keyword("CASA", active_until=NOON - DAY, sub_keywords=rooms)
    decisions = [
        route(a_table(*order), "casa rossa") for order in permutations([past, a_keyword("CASA", GYM, active_from=NOON)])
    ]

    assert {(each.tenant_id, each.window) for each in decisions} == {(PIZZERIA, WindowState.TOO_LATE)}


def test_a_stop_for_a_word_of_several_is_for_everyone_on_the_number() -> None:
    table = a_table(a_season(PIZZERIA, None, -1), a_season(GYM, 0, None))

    decision = route(table, "stop pizza")

    assert (decision.outcome, decision.tenant_id, decision.keyword_id) == (RouteOutcome.OPT_OUT, None, None)


def test_a_start_for_a_word_of_several_is_for_the_one_that_is_open() -> None:
    table = a_table(a_season(PIZZERIA, None, -1), a_season(GYM, 0, None))

    decision = route(table, "start pizza")

    assert (decision.outcome, decision.tenant_id) == (RouteOutcome.OPT_IN, GYM)
