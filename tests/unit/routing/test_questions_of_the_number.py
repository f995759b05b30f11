"""A question of the number's own ("did you mean PIZZA?"): only its answer counts, it makes no context of the tenant's."""

from dataclasses import replace

import pytest

from tests.unit.routing.cast import GYM, NOON, PIZZERIA, SHARED, SHARED_RULES, a_keyword, a_question, a_table
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import AmbiguityPolicy, Decision, RouteRequest

QUESTION = replace(a_question(PIZZERIA, "yes_no"), is_asked_by_number=True)


def decide(text: str) -> Decision:
    request = RouteRequest(number_id=SHARED, sender="+34600000001", text=text, at=NOON, contexts=(QUESTION,))
    return choose_route(a_table(a_keyword("PIZZA")), request)


@pytest.mark.parametrize(
    ("text", "rule", "tenant"),
    [
        ("sí", "open_question", PIZZERIA),
        ("no", "offer_declined", None),
        ("y cuánto cuesta", "courtesy", None),
        ("ayuda", "help", None),
        ("pizza", "keyword_whole", PIZZERIA),
        ("#pizza", "keyword_weak", PIZZERIA),
    ],
)
def test_only_a_yes_hands_anything_over(text: str, rule: str, tenant: object) -> None:
    decision = decide(text)

    assert (decision.rule, decision.tenant_id) == (rule, tenant)


@pytest.mark.parametrize(("policy", "rule"), [("latest", "open_question"), ("ask", "quarantine")])
def test_a_number_does_not_ask_about_its_own_questions(policy: str, rule: str) -> None:
    numbers = [replace(SHARED_RULES, ambiguity=AmbiguityPolicy(policy))]
    table = RoutingTable.build(numbers, [a_keyword("PIZZA")])
    contexts = (QUESTION, a_question(GYM, "yes_no", age_seconds=90))
    request = RouteRequest(number_id=SHARED, sender="+34600000001", text="sí", at=NOON, contexts=contexts)

    assert choose_route(table, request).rule == rule


def test_a_no_names_the_question_to_close() -> None:
    assert decide("no").context_id == QUESTION.context_id
