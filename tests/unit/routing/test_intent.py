"""An opt-out word inside a longer text: it goes where it would go, and is kept for somebody to read."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.unit.routing.cast import GYM, a_keyword, a_question, a_table, route
from twoway_router.routing.route_details import RouteDetails
from twoway_router.routing.types import Context

TABLE = a_table(a_keyword("PIZZA"), a_keyword("TAXI STOP PISTA", GYM))
QUESTION = replace(a_question(GYM, "yes_no"), context_id=str(UUID(int=7)))


@pytest.mark.parametrize(
    ("text", "contexts", "rule"),
    [
        ("please I want you to stop", (), "courtesy"),
        ("please I want you to stop", (QUESTION,), "conversation"),
        ("pizza and then unsubscribe", (), "keyword"),
    ],
)
def test_a_text_that_may_ask_for_an_end_is_kept_for_review(text: str, contexts: tuple[Context, ...], rule: str) -> None:
    decision = route(TABLE, text, *contexts)

    assert (decision.rule, RouteDetails.of(decision).opt_out_intent is not None) == (rule, True)


@pytest.mark.parametrize("text", ["pizza para dos", "taxi stop pista", "taxi stop pista 5", "stopwatch please", "STOP"])
def test_a_text_without_one_or_with_one_in_its_keyword_is_not(text: str) -> None:
    assert "opt_out_intent" not in RouteDetails.of(route(TABLE, text)).write()
