"""What a courtesy reply may ask about: looked for only where there is one, and never a change of the decision."""

import pytest

from tests.unit.routing.cast import ANN, GYM, NOON, OWNED, SHARED, a_keyword, a_table
from twoway_router.domain.ids import NumberId
from twoway_router.routing.plan import choose_route
from twoway_router.routing.suggest import with_suggestion
from twoway_router.routing.types import RouteRequest

GUITARRA = a_keyword("GUITARRA")
TABLE = a_table(GUITARRA, a_keyword("TALLER", GYM, OWNED))


def a_request(text: str, number_id: NumberId = SHARED) -> RouteRequest:
    return RouteRequest(number_id=number_id, sender=ANN, text=text, at=NOON)


def test_the_decision_alone_suggests_nothing() -> None:
    assert choose_route(TABLE, a_request("gutiarra")).suggestion is None


def test_a_suggestion_is_added_and_nothing_else_is_changed() -> None:
    decision = choose_route(TABLE, a_request("gutiarra"))

    suggested = with_suggestion(TABLE, a_request("gutiarra"), decision)

    assert suggested == decision._replace(suggestion=GUITARRA.keyword_id)


@pytest.mark.parametrize(("text", "number_id"), [("guitarra", SHARED), ("STOP", SHARED), ("tallar", OWNED)])
def test_what_gets_no_courtesy_reply_gets_no_suggestion(text: str, number_id: NumberId) -> None:
    request = a_request(text, number_id)
    decision = choose_route(TABLE, request)

    assert with_suggestion(TABLE, request, decision) is decision


def test_an_explained_decision_has_its_suggestion() -> None:
    assert choose_route(TABLE, a_request("gutiarra"), explain=True).suggestion == GUITARRA.keyword_id
