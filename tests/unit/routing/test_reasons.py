"""Codes for programs, each with its sentence for people."""

import orjson
import pytest

from tests.unit.routing.cast import GYM, PIZZERIA, a_keyword, a_question, a_table, route
from twoway_router.routing.types import ClaimState, LostBecause, Reason, WindowState


@pytest.mark.parametrize("codes", [Reason, LostBecause])
def test_a_code_is_written_and_read_as_itself(codes: type[Reason | LostBecause]) -> None:
    for each in codes:
        assert codes(orjson.loads(orjson.dumps(each))) is each
        assert f"{each}" == each.value


@pytest.mark.parametrize("codes", [Reason, LostBecause])
def test_every_code_has_a_sentence_of_its_own(codes: type[Reason | LostBecause]) -> None:
    assert len({each.detail for each in codes}) == len(codes)


@pytest.mark.parametrize("window", [each for each in WindowState if each is not WindowState.OPEN])
def test_a_window_that_is_not_open_is_a_reason(window: WindowState) -> None:
    assert Reason(window).value == window.value


@pytest.mark.parametrize(
    ("text", "lost_because"),
    [
        ("pizza", {"PIZZA": None}),
        ("pizza roma", {"PIZZA": LostBecause.LONGER_KEYWORD, "PIZZA ROMA": None}),
        ("yes", {}),
    ],
)
def test_who_lost_says_why(text: str, lost_because: dict[str, LostBecause | None]) -> None:
    table = a_table(a_keyword("PIZZA"), a_keyword("PIZZA ROMA"))

    decision = route(table, text, explain=True)

    assert {each.word: each.lost_because for each in decision.candidates} == lost_because


def test_what_an_open_question_took_was_decided_before_keywords() -> None:
    table = a_table(a_keyword("GUITARRA"))

    decision = route(table, "guitarra 3", a_question(GYM, "text"), explain=True)

    assert decision.tenant_id == GYM != PIZZERIA
    assert [each.lost_because for each in decision.candidates] == [LostBecause.DECIDED_BEFORE]


def test_a_suspended_keyword_says_so() -> None:
    decision = route(a_table(a_keyword("PIZZA", state=ClaimState.SUSPENDED)), "pizza")

    assert (decision.reason, decision.window) == (Reason.SUSPENDED, WindowState.SUSPENDED)
