"""Which actions a routed message runs: the keyword's, a sub-keyword's, or what the number itself says."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.cast import ANN
from twoway_router.actions.context import RunMessage, RunNumber
from twoway_router.actions.notice import NoticeSpec
from twoway_router.actions.specs import VARIABLES
from twoway_router.domain.gsm import measure
from twoway_router.domain.ids import InboundMessageId, NumberId, TenantId, new_id
from twoway_router.executor.plans import PlannedAction, plan_keyword, plan_notice, plan_window
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.numbers.default_texts import (
    COURTESY,
    HELP,
    OPT_IN,
    OPT_IN_KEYWORD,
    OPT_OUT,
    OPT_OUT_KEYWORD,
    default_text,
)
from twoway_router.routing.types import WindowState
from twoway_router.templates.liquid import render

NUMBER = RunNumber(
    id=NumberId(new_id()),
    address="12345",
    country="IT",
    zone=ZoneInfo("Europe/Rome"),
    languages=("it", "en"),
    texts={},
    owner=None,
)
MESSAGE = RunMessage(
    id=InboundMessageId(new_id()),
    tenant_id=TenantId(new_id()),
    tenant_name="Pizzeria",
    number=NUMBER,
    sender=ANN,
    text="PIZZA large",
    rest="large",
    route="keyword",
    keyword_id=new_id(),
    word="PIZZA",
    sub_keyword=None,
    language="",
    reply_token=None,
    received_at=datetime(2027, 3, 1, 12, 0, tzinfo=UTC),
)
COUPON = {"kind": "issue_coupon", "pool_id": str(new_id())}


def a_definition(*actions: Mapping[str, object], **fields: object) -> KeywordDefinition:
    """A keyword's definition."""
    return KeywordDefinition.model_validate({"word": "PIZZA", "actions": actions, **fields})


def texts(plan: tuple[PlannedAction, ...]) -> list[str]:
    """What notices would say."""
    return [action.spec.text for action in plan if isinstance(action.spec, NoticeSpec)]


def test_a_reply_that_names_a_coupon_needs_it() -> None:
    plan = plan_keyword(a_definition(COUPON, {"kind": "reply", "text": "{{ coupon.code }} {{ tenant.name }}"}), None)

    assert [action.needs for action in plan] == [frozenset(), frozenset({"coupon"})]


def test_an_email_needs_what_its_subject_names() -> None:
    email = {"kind": "send_email", "recipients": ["a@b.example"], "subject": "{{ gift.code }}", "text": "x"}

    plan = plan_keyword(a_definition({**COUPON, "name": "gift"}, email), None)

    assert plan[1].needs == frozenset({"gift"})


def test_a_named_coupon_is_known_by_both_names() -> None:
    plan = plan_keyword(a_definition({**COUPON, "name": "gift"}), None)

    assert plan[0].names == ("coupon", "gift")


def test_every_variable_that_may_be_saved_has_a_value() -> None:
    source = " ".join(f"[{{{{ {name} }}}}]" for name in sorted(VARIABLES))

    text = render(source, {**replace(MESSAGE, sub_keyword="MENU").variables()})

    assert "[]" not in text


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (WindowState.TOO_EARLY, ["PIZZA opens soon"]),
        (WindowState.TOO_LATE, ["Too late"]),
        (WindowState.SUSPENDED, []),
    ],
)
def test_outside_its_window_a_keyword_says_its_own_text(window: WindowState, expected: list[str]) -> None:
    definition = a_definition(too_early_text="{{ keyword.word }} opens soon", too_late_text="Too late")

    assert texts(plan_window(definition, window, MESSAGE)) == expected


def test_without_a_text_a_closed_window_is_silent() -> None:
    assert plan_window(a_definition(), WindowState.TOO_LATE, MESSAGE) == ()


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


@pytest.mark.parametrize("route", ["none", "context"])
def test_other_routes_answer_nothing(route: str) -> None:
    assert plan_notice(replace(MESSAGE, route=route)) == ()


@pytest.mark.parametrize("sentences", [OPT_OUT, OPT_IN, HELP, COURTESY])
def test_default_sentences_fit_into_two_segments(sentences: dict[str, str]) -> None:
    sizes = {language: measure(text.format(number="+390655501000")).segments for language, text in sentences.items()}

    assert max(sizes.values()) <= 2


def test_an_unknown_language_falls_back_to_english() -> None:
    assert default_text(HELP, ("xx",), "12345") == HELP["en"].format(number="12345")
