"""What of a question, and of a limit, is refused and where; and which steps an answer runs."""

from typing import Any

import pytest
from tests.unit.keywords.test_checks import POOL, problems

from twoway_router.actions.registry import plan_answer
from twoway_router.domain.ids import NumberId, new_id
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.schemas import KeywordPut

REPLY = [{"kind": "reply", "text": "You said {{ answer }}"}]


def a_question(expected: str, **more: Any) -> dict[str, Any]:
    return {"kind": "ask", "text": "Well?", "expected": expected, **more}


@pytest.mark.parametrize(
    "question",
    [
        a_question("yes_no", on_answer={"yes": REPLY, "any": REPLY}),
        a_question("choice", choices=["big", "small"], on_answer={"big": REPLY}),
        a_question("scale", on_answer={"0-6": REPLY, "7": REPLY, "8-10": REPLY}),
        a_question("free_text", on_answer={"any": REPLY}),
        a_question("free_text"),
    ],
)
def test_a_question_may_be_closed_or_open(question: dict[str, Any]) -> None:
    assert problems(actions=[question]) == []


@pytest.mark.parametrize(
    ("question", "pointer"),
    [
        (a_question("yes_no", on_answer={"maybe": REPLY}), "/actions/0/on_answer/maybe"),
        (a_question("yes_no", choices=["a", "b"]), "/actions/0/choices"),
        (a_question("choice", choices=["one"]), "/actions/0/choices"),
        (a_question("choice", choices=["BIG", "big!"]), "/actions/0/choices"),
        (a_question("choice", choices=["big", "small"], on_answer={"huge": REPLY}), "/actions/0/on_answer/huge"),
        (a_question("scale", on_answer={"0-11": REPLY}), "/actions/0/on_answer/0-11"),
        (a_question("scale", on_answer={"0-6": REPLY, "6-10": REPLY}), "/actions/0/on_answer/6-10"),
        (a_question("free_text", on_answer={"yes": REPLY}), "/actions/0/on_answer/yes"),
        (
            a_question("yes_no", on_answer={"yes": [{"kind": "reply", "text": "{{ nobody }}"}]}),
            "/actions/0/on_answer/yes/0/text",
        ),
    ],
)
def test_a_question_that_cannot_work_is_refused_where_it_is_wrong(question: dict[str, Any], pointer: str) -> None:
    assert [place for place, _ in problems(actions=[question])] == [pointer]


def test_only_an_answer_can_be_quoted_as_one() -> None:
    assert [place for place, _ in problems(actions=REPLY)] == ["/actions/0/text"]


@pytest.mark.parametrize("limit", [{"limit": 5}, {"sold_out_text": "Sold out."}])
def test_a_limit_and_its_text_go_together(limit: dict[str, Any]) -> None:
    assert [place for place, _ in problems(**limit)] == ["/sold_out_text"]


def test_pools_of_answers_are_checked_like_any_other() -> None:
    coupon = [{"kind": "issue_coupon", "pool_id": POOL}]
    wanted = KeywordPut.model_validate({"word": "PIZZA", "actions": [a_question("yes_no", on_answer={"yes": coupon})]})

    claim = wanted.to_claim(NumberId(new_id()))

    assert [at for at, _ in claim.actions] == ["/actions/0", "/actions/0/on_answer/yes/0"]


@pytest.mark.parametrize(
    ("expected", "answer", "steps"),
    [("yes_no", "yes", 1), ("yes_no", "no", 2), ("scale", "7", 1), ("scale", "3", 2), ("free_text", "Roma", 2)],
)
def test_an_answer_runs_its_own_steps_or_those_for_any(expected: str, answer: str, steps: int) -> None:
    own = {"yes_no": "yes", "scale": "7-10"}.get(expected)
    groups = {"any": REPLY * 2} | ({own: REPLY} if own else {})
    definition = KeywordDefinition.model_validate(
        {"word": "PIZZA", "actions": [a_question(expected, on_answer=groups)]}
    )

    assert len(plan_answer(definition.actions[0], answer)) == steps


def test_an_answer_to_what_is_no_question_runs_nothing() -> None:
    definition = KeywordDefinition.model_validate({"word": "PIZZA", "actions": REPLY})

    assert plan_answer(definition.actions[0], "yes") == ()
