"""What is stored of a route: it reads back as it was written, and says no more than is known."""

from uuid import UUID

import orjson
import pytest

from tests.unit.routing.cast import GYM, PIZZERIA, a_keyword, a_table, route
from twoway_router.domain.ids import KeywordId
from twoway_router.routing.route_details import AskedTenant, RouteDetails
from twoway_router.routing.types import AskChoice, Decision, Reason, RouteOutcome, Rule, WindowState

CONTEXT = UUID(int=7)
OTHER_CONTEXT = UUID(int=8)
PIZZA = KeywordId(UUID(int=9))
EVERYTHING = RouteDetails(
    word="PIZZA",
    match_class="1",
    span=(0, 5),
    key="pizza",
    reason=Reason.SUSPENDED,
    language="es",
    window=WindowState.SUSPENDED,
    suggestion=PIZZA,
    opt_out_intent="STOP",
    context_id=CONTEXT,
    answer="yes",
    asks=(AskedTenant(PIZZERIA, CONTEXT), AskedTenant(GYM, OTHER_CONTEXT)),
    answered_by=UUID(int=10),
)


@pytest.mark.parametrize("details", [RouteDetails(), EVERYTHING])
def test_details_read_back_as_they_were_written(details: RouteDetails) -> None:
    assert RouteDetails.read(orjson.loads(orjson.dumps(details.write()))) == details


def test_every_field_is_stored_by_its_own_name() -> None:
    assert list(EVERYTHING.write()) == list(RouteDetails._fields)


def test_what_is_not_known_is_not_stored() -> None:
    assert RouteDetails().write() == {}


def test_an_open_window_is_not_stored() -> None:
    assert RouteDetails.of(route(a_table(a_keyword("PIZZA")), "pizza grande")).write() == {
        "word": "PIZZA",
        "match_class": "1",
        "span": (0, 5),
        "key": "pizza",
    }


@pytest.mark.parametrize(
    ("decision", "stored"),
    [
        (
            Decision(outcome=RouteOutcome.KEYWORD, rule=Rule.KEYWORD, word="PIZZA", window=WindowState.TOO_LATE),
            {"word": "PIZZA", "window": "too_late"},
        ),
        (
            Decision(
                outcome=RouteOutcome.CONTEXT, rule=Rule.OPEN_QUESTION, context_id=str(CONTEXT), details={"answer": "0"}
            ),
            {"context_id": str(CONTEXT), "answer": "0"},
        ),
        (
            Decision(
                outcome=RouteOutcome.NONE, rule=Rule.ASK, asks=(AskChoice(context_id=str(CONTEXT), tenant_id=GYM),)
            ),
            {"asks": [{"context_id": str(CONTEXT), "tenant_id": str(GYM)}]},
        ),
        (
            Decision(outcome=RouteOutcome.DEFAULT, rule=Rule.COURTESY, suggestion=PIZZA),
            {"suggestion": str(PIZZA)},
        ),
        (
            Decision(outcome=RouteOutcome.KEYWORD, rule=Rule.KEYWORD, word="PIZZA", details={"spelling": "PIZZE"}),
            {"word": "PIZZA"},
        ),
    ],
)
def test_what_is_kept_of_a_decision(decision: Decision, stored: dict[str, object]) -> None:
    assert RouteDetails.of(decision).write() == stored


def test_a_stored_field_of_another_name_is_left_out() -> None:
    assert RouteDetails.read({"word": "PIZZA", "colour": "red"}) == RouteDetails(word="PIZZA")


def test_a_tenant_does_not_see_which_keyword_was_suggested() -> None:
    seen = EVERYTHING.for_tenant()

    assert (seen.suggestion, seen.word) == (None, "PIZZA")
