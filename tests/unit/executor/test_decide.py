"""What each message of a batch does, from facts alone: steps, questions that it answers, places, who stays in touch."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.cast import ANN
from tests.unit.actions.messages import NUMBER
from twoway_router.contexts.rules import StoredContext
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.executor.decide import (
    Facts,
    Plan,
    after_answers,
    after_places,
    decide,
    places_wanted,
    recent_contexts,
    windows_to_note,
)
from twoway_router.inbound.queries.reassigning import Original
from twoway_router.inbound.queries.runs import FinishedRun, WaitingMessage
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.queries import KeywordRow
from twoway_router.routing.route_details import RouteDetails
from twoway_router.routing.types import WindowState
from twoway_router.tenants.queries import NamedTenant

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
PIZZERIA, GYM = TenantId(new_id()), TenantId(new_id())
PIZZA, OLD, QUESTION, ASKED = (new_id() for _ in range(4))
REPLY = {"kind": "reply", "text": "{{ answer | default: 'Hi' }}"}
ASK = {"kind": "ask", "text": "Table?", "expected": "yes_no", "on_answer": {"yes": [REPLY], "any": [REPLY, REPLY]}}


def a_message(**fields: Any) -> WaitingMessage:
    """PIZZA to the pizzeria, if nothing else is said."""
    values: dict[str, Any] = {
        "id": new_id(),
        "order_key": 1,
        "tenant_id": PIZZERIA,
        "number_id": NUMBER.id,
        "sender": ANN,
        "text": "PIZZA large",
        "route": "keyword",
        "keyword_id": PIZZA,
        "keyword_revision": 1,
        "sub_keyword": None,
        "rest": "large",
        "details": {"word": "PIZZA"},
        "reply_token": None,
        "attempts": 0,
        "received_at": NOW,
    }
    values |= fields
    return WaitingMessage(**{**values, "details": RouteDetails.read(values["details"])})


def an_answer(context_id: UUID, answer: str | None = "yes", **fields: Any) -> WaitingMessage:
    """A message that goes to the tenant of a context."""
    details = {"context_id": str(context_id), **({"answer": answer} if answer else {})}
    values: dict[str, Any] = {"text": "yes", "rest": "yes", "keyword_id": None, "keyword_revision": None}
    return a_message(**({"route": "context", "details": details} | values | fields))


def a_question(**fields: Any) -> StoredContext:
    """The pizzeria's: does Ann want a table?"""
    values: dict[str, Any] = {
        "id": QUESTION,
        "number_id": NUMBER.id,
        "sender": ANN,
        "tenant_id": PIZZERIA,
        "kind": "question",
        "origin": "ask",
        "expected": "yes_no",
        "choices": [],
        "language": None,
        "keyword_id": PIZZA,
        "keyword_revision": 1,
        "sub_keyword": None,
        "ordinal": 0,
        "inbound_message_id": None,
        "target_id": None,
        "last_at": NOW - timedelta(minutes=1),
        "expires_at": NOW + timedelta(hours=1),
    }
    return StoredContext(**(values | fields))


def number_question(origin: str, **fields: Any) -> StoredContext:
    """The number's own, about the message ``OLD``."""
    values: dict[str, Any] = {"id": ASKED, "origin": origin, "inbound_message_id": OLD, "ordinal": None}
    return a_question(**(values | fields))


def a_definition(**fields: Any) -> KeywordDefinition:
    return KeywordDefinition.model_validate({"word": "PIZZA", "actions": [REPLY]} | fields)


def facts(*contexts: StoredContext, **fields: Any) -> Facts:
    values: dict[str, Any] = {
        "now": NOW,
        "numbers": {NUMBER.id: NUMBER},
        "tenants": {PIZZERIA: NamedTenant(id=PIZZERIA, name="Pizzeria", is_active=True)},
        "contexts": {context.id: context for context in contexts},
        "definitions": {(PIZZA, 1): a_definition()},
    }
    return Facts(**(values | fields))


def kinds(plan: Plan) -> list[str]:
    return [step.kind for step in plan.steps]


def decide_one(message: WaitingMessage, given: Facts) -> Plan:
    (plan,) = decide([message], given)
    return plan


def after(plan: Plan, *taken: UUID) -> Plan:
    """What is left of a plan when it could take only these questions."""
    for turn in range(len(plan.takes)):
        (plan,) = after_answers([plan], turn, set(taken))
    return plan


@pytest.mark.parametrize(
    ("window", "definition", "steps"),
    [
        ({}, {}, ["reply"]),
        ({}, {"actions": []}, []),
        ({"window": "too_early"}, {"too_early_text": "{{ keyword.word }} opens soon"}, ["PIZZA opens soon"]),
        ({"window": "too_late"}, {"too_late_text": "Too late"}, ["Too late"]),
        ({"window": "too_late"}, {}, []),
        ({"window": "suspended"}, {"too_late_text": "Too late"}, []),
        ({"window": "released"}, {}, ["Questa parola non è più attiva."]),
    ],
)
def test_a_keyword_runs_its_actions_or_says_why_not(
    window: Mapping[str, str], definition: Mapping[str, Any], steps: list[str]
) -> None:
    plan = decide_one(
        a_message(details={"word": "PIZZA", **window}), facts(definitions={(PIZZA, 1): a_definition(**definition)})
    )

    assert [getattr(step.spec, "text", "") if step.kind == "window" else step.kind for step in plan.steps] == steps


def test_a_sub_keyword_has_actions_of_its_own() -> None:
    definition = a_definition(sub_keywords=[{"word": "MENU", "actions": [REPLY, REPLY]}])
    given = facts(definitions={(PIZZA, 1): definition})

    assert len(decide_one(a_message(sub_keyword="MENU"), given).steps) == 2
    assert len(decide_one(a_message(sub_keyword=None), given).steps) == 1


def test_a_suspended_tenants_keyword_does_nothing() -> None:
    suspended = NamedTenant(id=PIZZERIA, name="Pizzeria", is_active=False)

    assert decide_one(a_message(), facts(tenants={PIZZERIA: suspended})).steps == ()


@pytest.mark.parametrize(
    ("route", "steps"),
    [("opt_out", ["opt_out"]), ("opt_in", ["opt_in"]), ("help", ["help"]), ("default", ["courtesy"]), ("none", [])],
)
def test_what_is_no_tenants_is_answered_by_the_number(route: str, steps: list[str]) -> None:
    message = a_message(route=route, tenant_id=None, keyword_id=None, keyword_revision=None, details={})

    assert kinds(decide_one(message, facts())) == steps


@pytest.mark.parametrize(
    ("is_active", "owner", "steps"),
    [(True, None, ["did_you_mean"]), (False, None, ["courtesy"]), (True, PIZZERIA, [])],
)
def test_a_misspelt_keyword_is_asked_about_while_it_is_active(
    is_active: bool, owner: TenantId | None, steps: list[str]
) -> None:
    row = KeywordRow(id=PIZZA, tenant_id=PIZZERIA, revision=1, word="PIZZA", is_active=is_active)
    number = {NUMBER.id: replace(NUMBER, owner=owner)}
    details = {"suggestion": str(PIZZA)}
    message = a_message(route="default", tenant_id=None, keyword_id=None, keyword_revision=None, details=details)

    assert kinds(decide_one(message, facts(keywords={PIZZA: row}, numbers=number))) == steps


@pytest.mark.parametrize(("active", "steps"), [({PIZZERIA, GYM}, ["choose"]), ({GYM}, ["choose"]), (set(), [])])
def test_between_active_tenants_the_sender_chooses(active: set[UUID], steps: list[str]) -> None:
    tenants = {each: NamedTenant(id=each, name=str(each), is_active=each in active) for each in (PIZZERIA, GYM)}
    asks = [{"context_id": str(new_id()), "tenant_id": str(each)} for each in tenants]
    message = a_message(route="none", tenant_id=None, keyword_id=None, keyword_revision=None, details={"asks": asks})

    assert kinds(decide_one(message, facts(tenants=tenants))) == steps


@pytest.mark.parametrize(
    ("question", "answer", "text", "read", "steps"),
    [
        ({}, "yes", "yes", "yes", 1),
        ({}, "no", "no", "no", 2),
        ({"expected": "text"}, None, " Roma ", "Roma", 2),
        ({}, None, "good morning", None, 0),
        ({"kind": "recent", "origin": "exchange", "expected": None}, None, "yes", None, 0),
        ({"ordinal": 7}, "yes", "yes", "yes", 0),
        ({"ordinal": None}, "yes", "yes", "yes", 0),
    ],
)
def test_an_answer_runs_the_actions_of_its_question(
    question: Mapping[str, Any], answer: str | None, text: str, read: str | None, steps: int
) -> None:
    given = facts(a_question(**question), definitions={(PIZZA, 1): a_definition(actions=[ASK])})

    plan = decide_one(an_answer(QUESTION, answer, text=text), given)

    assert (plan.message.answer, len(plan.steps)) == (read, steps)
    assert [taking.answer.answer for taking in plan.takes] == ([read] if read else [])


def test_a_question_that_was_answered_meanwhile_leaves_a_message_without_steps() -> None:
    plan = decide_one(an_answer(QUESTION), facts(a_question(), definitions={(PIZZA, 1): a_definition(actions=[ASK])}))

    assert (kinds(after(plan, QUESTION)), after(plan, QUESTION).message.answer) == (["reply"], "yes")
    assert (after(plan).steps, after(plan).message.answer) == ((), None)


@pytest.mark.parametrize(("by", "takes"), [("nobody", 1), ("itself", 1), ("another", 0)])
def test_a_question_is_answered_once_but_a_replay_counts_again(by: str, takes: int) -> None:
    message = an_answer(QUESTION)
    answered_by = {"nobody": None, "itself": message.id, "another": new_id()}[by]

    plan = decide_one(message, facts(a_question(answered_by=answered_by)))

    assert len(plan.takes) == takes


def test_of_two_answers_in_one_batch_the_first_counts() -> None:
    first, second = decide([an_answer(QUESTION), an_answer(QUESTION, "no")], facts(a_question()))

    assert (first.message.answer, second.message.answer) == ("yes", None)


def test_who_meant_a_keyword_has_the_message_run_that_waited() -> None:
    row = KeywordRow(id=PIZZA, tenant_id=PIZZERIA, revision=1, word="PIZZA", is_active=True)
    given = facts(
        number_question("did_you_mean"), originals={OLD: Original(id=OLD, text="PIZA")}, keywords={PIZZA: row}
    )

    plan = decide_one(an_answer(ASKED), given)

    assert (kinds(plan), plan.message.text, plan.message.original_id, plan.message.route) == (
        ["reply"],
        "PIZA",
        OLD,
        "keyword",
    )
    assert plan.reassigns is not None
    assert (plan.reassigns.rule, plan.reassigns.keyword_id, plan.closes_choices) == ("did_you_mean", PIZZA, False)
    assert (after(plan).reassigns, after(plan).steps) == (None, ())


@pytest.mark.parametrize(("opens", "steps"), [(-1, ["reply"]), (1, ["window"])])
def test_a_message_that_waited_stands_in_the_window_of_now(opens: int, steps: list[str]) -> None:
    row = KeywordRow(id=PIZZA, tenant_id=PIZZERIA, revision=1, word="PIZZA", is_active=True)
    definition = a_definition(active_from=(NOW + timedelta(hours=opens)).isoformat(), too_early_text="Soon")
    given = facts(
        number_question("did_you_mean"),
        originals={OLD: Original(id=OLD, text="PIZA")},
        keywords={PIZZA: row},
        definitions={(PIZZA, 1): definition},
    )

    plan = decide_one(an_answer(ASKED), given)

    assert kinds(plan) == steps
    assert windows_to_note([plan]) == ({} if opens < 0 else {OLD: WindowState.TOO_EARLY})


@pytest.mark.parametrize("has", ["no message", "no keyword"])
def test_an_answer_to_the_number_that_leads_nowhere_is_taken_all_the_same(has: str) -> None:
    row = KeywordRow(id=PIZZA, tenant_id=PIZZERIA, revision=1, word="PIZZA", is_active=has == "no message")
    originals = {} if has == "no message" else {OLD: Original(id=OLD, text="PIZA")}

    plan = decide_one(
        an_answer(ASKED), facts(number_question("did_you_mean"), originals=originals, keywords={PIZZA: row})
    )

    assert (plan.steps, plan.reassigns, len(plan.takes)) == ((), None, 1)


def test_who_chose_a_tenant_answers_its_question_with_the_message_that_waited() -> None:
    choice = number_question("choose", expected="choice", choices=["1"], keyword_id=None, target_id=QUESTION)
    given = facts(
        choice,
        a_question(),
        originals={OLD: Original(id=OLD, text="sì")},
        definitions={(PIZZA, 1): a_definition(actions=[ASK])},
    )

    plan = decide_one(an_answer(ASKED, "1"), given)

    assert (kinds(plan), plan.message.answer, plan.closes_choices) == (["reply"], "yes", True)
    assert [taking.answer.inbound_message_id == OLD for taking in plan.takes] == [False, True]
    only_chosen = after(plan, ASKED)
    assert (only_chosen.steps, only_chosen.message.answer, only_chosen.message.text) == ((), None, "sì")
    assert only_chosen.reassigns is not None
    assert only_chosen.closes_choices
    assert (after(plan, QUESTION).reassigns, after(plan).message.text) == (None, "yes")


@pytest.mark.parametrize("text", ["good morning", "sì, but late"])
def test_a_message_that_waited_and_answers_nothing_only_goes_to_the_chosen_tenant(text: str) -> None:
    choice = number_question("choose", expected="choice", choices=["1"], keyword_id=None, target_id=QUESTION)
    given = facts(choice, a_question(answered_by=new_id()), originals={OLD: Original(id=OLD, text=text)})

    plan = decide_one(an_answer(ASKED, "1"), given)

    assert (plan.steps, len(plan.takes), plan.message.original_id) == ((), 1, OLD)


@pytest.mark.parametrize(("granted", "steps"), [(2, ["reply", "reply"]), (1, ["reply", "window"]), (0, ["window"] * 2)])
def test_places_go_to_the_first_messages_and_the_others_hear_that_it_is_sold_out(
    granted: int, steps: list[str]
) -> None:
    given = facts(definitions={(PIZZA, 1): a_definition(limit=5, sold_out_text="Gone")})

    plans = decide([a_message(), a_message()], given)

    assert places_wanted(plans) == {PIZZA: (2, 5)}
    settled = after_places(plans, {PIZZA: granted})
    assert [kind for plan in settled for kind in kinds(plan)] == steps
    assert [plan.message.window.value for plan in settled] == ["open"] * granted + ["sold_out"] * (2 - granted)
    assert len(windows_to_note(settled)) == 2 - granted


def test_a_replay_of_what_was_sold_out_asks_for_no_place() -> None:
    given = facts(definitions={(PIZZA, 1): a_definition(limit=5, sold_out_text="Gone")})

    plan = decide_one(a_message(generation=1, details={"window": "sold_out"}), given)

    assert (kinds(plan), plan.place, windows_to_note([plan])) == (["reply"], None, {})


@pytest.mark.parametrize("window", ["too_early", "too_late", "suspended", "released"])
def test_a_step_sees_the_window_that_its_message_was_routed_in(window: str) -> None:
    plan = decide_one(a_message(details={"window": window}), facts())

    assert (plan.message.window.value, windows_to_note([plan])) == (window, {})


@pytest.mark.parametrize("fields", [{"generation": 1}, {"details": {"window": "too_late"}}])
def test_only_what_runs_the_keyword_for_the_first_time_takes_a_place(fields: Mapping[str, Any]) -> None:
    given = facts(definitions={(PIZZA, 1): a_definition(limit=5, sold_out_text="Gone")})

    assert places_wanted(decide([a_message(**fields)], given)) == {}


@pytest.mark.parametrize(
    ("message", "values", "number", "is_recent"),
    [
        (a_message(), {"message_id": "x"}, {}, True),
        (a_message(), {}, {}, False),
        (an_answer(QUESTION, None), {}, {}, True),
        (a_message(), {"message_id": "x"}, {"conversation": timedelta(0)}, False),
        (a_message(), {"message_id": "x"}, {"owner": PIZZERIA}, False),
        (a_message(details={"window": "too_late"}), {"message_id": "x"}, {}, False),
    ],
)
def test_who_was_answered_or_wrote_to_a_tenant_stays_in_touch_with_it(
    message: WaitingMessage, values: Mapping[str, object], number: Mapping[str, Any], is_recent: bool
) -> None:
    of_number = replace(NUMBER, **{"conversation": timedelta(hours=1), **number})
    definition = a_definition(too_late_text="Too late")
    plans = decide([message], facts(numbers={NUMBER.id: of_number}, definitions={(PIZZA, 1): definition}))
    run = FinishedRun(
        key=plans[0].message.key(0),
        tenant_id=PIZZERIA,
        kind="reply",
        state="done",
        reason=None,
        values=values,
    )

    assert bool(recent_contexts(plans, [run])) is is_recent
