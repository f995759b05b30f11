"""What a number answers itself: its operator's own texts first, then sentences in the sender's language."""

from dataclasses import replace

import pytest

from tests.unit.actions.messages import MESSAGE, NUMBER
from twoway_router.actions.context import PlannedAction, RunMessage
from twoway_router.actions.notices import NoticeSpec, plan_courtesy, plan_help, plan_opt_in, plan_opt_out
from twoway_router.domain.gsm import measure
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.numbers.default_texts import (
    COURTESY,
    HELP,
    OPT_IN,
    OPT_IN_KEYWORD,
    OPT_OUT,
    OPT_OUT_KEYWORD,
    default_text,
)

PLANS = {"opt_out": plan_opt_out, "opt_in": plan_opt_in, "help": plan_help, "default": plan_courtesy}


def plan_notice(message: RunMessage) -> tuple[PlannedAction, ...]:
    return PLANS[message.route](message)


def texts(plan: tuple[PlannedAction, ...]) -> list[str]:
    """What notices would say."""
    return [action.spec.text for action in plan if isinstance(action.spec, NoticeSpec)]


@pytest.mark.parametrize("route", ["opt_out", "opt_in", "help", "default"])
def test_the_operators_own_text_comes_first(route: str) -> None:
    name = "courtesy" if route == "default" else route
    number = replace(NUMBER, texts={name: "Ours"})

    assert texts(plan_notice(replace(MESSAGE, route=route, number=number, keyword_id=None))) == ["Ours"]


def test_without_one_the_number_speaks_the_language_of_the_word() -> None:
    message = replace(MESSAGE, route="opt_out", language="es", keyword_id=None)

    assert texts(plan_notice(message)) == [OPT_OUT["es"].format(number="12345")]


def test_a_word_that_every_language_knows_is_answered_in_the_numbers_own() -> None:
    message = replace(MESSAGE, route="opt_out", language="en", keyword_id=None)

    assert texts(plan_notice(message)) == [OPT_OUT["it"].format(number="12345")]


@pytest.mark.parametrize(("route", "sentences"), [("opt_out", OPT_OUT_KEYWORD), ("opt_in", OPT_IN_KEYWORD)])
def test_stop_and_start_with_a_keyword_name_their_tenant(route: str, sentences: dict[str, str]) -> None:
    message = replace(MESSAGE, route=route)

    assert texts(plan_notice(message)) == [sentences["it"].format(number="12345", tenant="Pizzeria", word="PIZZA")]


def test_on_a_dedicated_number_a_stop_with_a_keyword_is_a_stop() -> None:
    message = replace(MESSAGE, route="opt_out", number=replace(NUMBER, owner=MESSAGE.tenant_id))

    assert texts(plan_notice(message)) == [OPT_OUT["it"].format(number="12345")]


def test_a_dedicated_number_without_a_text_does_not_answer_unknown_words() -> None:
    number = replace(NUMBER, owner=TenantId(new_id()))

    assert plan_notice(replace(MESSAGE, route="default", number=number)) == ()


@pytest.mark.parametrize("sentences", [OPT_OUT, OPT_IN, HELP, COURTESY])
def test_default_sentences_fit_into_two_segments(sentences: dict[str, str]) -> None:
    sizes = {language: measure(text.format(number="+390655501000")).segments for language, text in sentences.items()}

    assert max(sizes.values()) <= 2


def test_an_unknown_language_falls_back_to_english() -> None:
    assert default_text(HELP, ("xx",), "12345") == HELP["en"].format(number="12345")
