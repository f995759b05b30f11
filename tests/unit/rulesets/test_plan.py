"""Plans of rules as code: pure, from two files."""

from datetime import UTC, datetime
from typing import Any

import pytest

from twoway_router.rulesets.models import RulesFile
from twoway_router.rulesets.plan import RulesPlan, plan_rules

NOW = datetime(2027, 3, 1, tzinfo=UTC)
NUMBER = {"id": "IT/12345", "country": "IT", "address": "12345", "time_zone": "Europe/Rome"}
PIZZA = {"number": "IT/12345", "tenant": "me", "word": "PIZZA"}


def a_file(*keywords: dict[str, Any], number: dict[str, Any] | None = None, tenants: tuple[Any, ...] = ()) -> RulesFile:
    return RulesFile.model_validate({"numbers": [number or NUMBER], "keywords": keywords, "tenants": tenants})


def a_plan(wanted: RulesFile, current: RulesFile) -> RulesPlan:
    return plan_rules(wanted, current, now=NOW)


def steps(plan: RulesPlan) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(step.kind.value, step.word, step.fields) for step in plan.steps]


def test_what_is_as_it_should_be_needs_no_step() -> None:
    plan = a_plan(a_file(PIZZA), a_file(PIZZA | {"definition": {"actions": [{"kind": "reply", "text": "Si"}]}}))

    assert (steps(plan), plan.unchanged) == ([], 1)


def test_releases_come_first_and_new_keywords_last() -> None:
    wanted = a_file(PIZZA | {"aliases": ["PIZZE"]}, PIZZA | {"word": "LASAGNA"})
    current = a_file(PIZZA, PIZZA | {"word": "FOCACCIA"})

    assert steps(a_plan(wanted, current)) == [
        ("release", "FOCACCIA", ()),
        ("change", "PIZZA", ("aliases",)),
        ("create", "LASAGNA", ()),
    ]


def test_a_keyword_is_the_same_however_its_word_is_written() -> None:
    plan = a_plan(a_file(PIZZA | {"word": "pizza"}), a_file(PIZZA))

    assert steps(plan) == [("change", "pizza", ("word",))]


def test_tenants_that_the_file_does_not_name_are_left_alone() -> None:
    current = a_file(PIZZA | {"tenant": "GYM", "word": "PALESTRA"})

    assert steps(a_plan(a_file(PIZZA), current)) == [("create", "PIZZA", ())]


def test_a_tenant_goes_by_its_name_too() -> None:
    current = a_file(PIZZA | {"tenant": "id-of-gym"}, tenants=({"id": "id-of-gym", "name": "GYM"},))

    assert steps(a_plan(a_file(PIZZA | {"tenant": "GYM"}), current)) == []


def test_a_name_that_two_tenants_have_is_nobodys() -> None:
    tenants = ({"id": "one", "name": "GYM"}, {"id": "two", "name": "GYM"})

    (step,) = a_plan(a_file(PIZZA | {"tenant": "GYM"}), a_file(tenants=tenants)).steps

    assert step.key.tenant == "GYM"


def test_a_number_goes_by_country_and_address() -> None:
    wanted = a_file(PIZZA | {"number": "code"}, number=NUMBER | {"id": "code"})

    assert steps(a_plan(wanted, a_file(PIZZA))) == []


def test_a_number_that_is_not_there_is_named_and_its_keywords_wait() -> None:
    wanted = a_file(PIZZA | {"number": "54321"}, number=NUMBER | {"id": "54321", "address": "54321"})

    plan = a_plan(wanted, a_file())

    assert (plan.unknown_numbers, plan.steps) == (("IT/54321",), ())


def test_moments_without_an_offset_are_in_the_numbers_zone() -> None:
    current = a_file(PIZZA | {"active_from": "2027-02-28T23:00:00Z"})

    assert steps(a_plan(a_file(PIZZA | {"active_from": "2027-03-01T00:00:00"}), current)) == []


@pytest.mark.parametrize(
    ("wanted", "held", "fields"),
    [("suspended", "active", ("state",)), ("active", "suspended", ("state",)), ("active", "requested", ())],
)
def test_a_state_is_part_of_the_rules(wanted: str, held: str, fields: tuple[str, ...]) -> None:
    plan = a_plan(a_file(PIZZA | {"state": wanted}), a_file(PIZZA | {"state": held}))

    assert [step.fields for step in plan.steps] == ([fields] if fields else [])


def test_actions_that_the_file_leaves_out_stay() -> None:
    held = PIZZA | {
        "definition": {"actions": [{"kind": "reply", "text": "Si"}]},
        "sub_keywords": [{"name": "GRANDE", "actions": [{"kind": "reply", "text": "Grande"}]}],
    }
    wanted = PIZZA | {"aliases": ["PIZZE"], "sub_keywords": ["GRANDE"]}

    (step,) = a_plan(a_file(wanted), a_file(held)).steps

    assert step.fields == ("aliases",)
    assert step.body["actions"] == [{"kind": "reply", "text": "Si"}]
    assert step.body["sub_keywords"][0]["actions"] == [{"kind": "reply", "text": "Grande"}]


@pytest.mark.parametrize(
    ("keywords", "kind", "detail"),
    [
        ([PIZZA | {"word": "STOP"}], "dead", "opt_out"),
        ([PIZZA | {"active_until": "2027-01-01T00:00:00Z"}], "dead", "window is over"),
        ([PIZZA, PIZZA | {"tenant": "GYM"}], "dead", "ambiguous"),
        ([PIZZA, PIZZA | {"tenant": "GYM", "word": "PIZZA VERDE"}], "refused", "begins with"),
        ([PIZZA | {"aliases": ["HELP"]}], "shadowed", "help"),
    ],
)
def test_rules_that_never_act_are_found(keywords: list[dict[str, Any]], kind: str, detail: str) -> None:
    findings = a_plan(a_file(*keywords), a_file()).findings

    assert any(finding.kind == kind and detail in finding.detail for finding in findings), findings


def test_sound_rules_have_no_findings() -> None:
    plan = a_plan(a_file(PIZZA | {"sub_keywords": ["GRANDE"]}, PIZZA | {"tenant": "GYM", "word": "PALESTRA"}), a_file())

    assert plan.findings == ()


@pytest.mark.parametrize(("held", "kinds"), [((), ["refused"]), ((PIZZA | {"word": "CASA"},), [])])
def test_a_common_word_needs_an_operator_only_until_it_is_held(
    held: tuple[dict[str, Any], ...], kinds: list[str]
) -> None:
    plan = a_plan(a_file(PIZZA | {"word": "CASA"}, number=NUMBER | {"languages": ["it"]}), a_file(*held))

    assert [finding.kind for finding in plan.findings] == kinds


def test_one_word_of_two_tenants_at_different_times_is_sound() -> None:
    spring = PIZZA | {"active_until": "2027-04-01T00:00:00Z"}
    summer = PIZZA | {"tenant": "GYM", "active_from": "2027-06-01T00:00:00Z", "sub_keywords": ["GRANDE"]}

    plan = a_plan(a_file(spring, summer), a_file())

    assert ([step.word for step in plan.steps], plan.findings) == (["PIZZA", "PIZZA"], ())


def test_an_override_lists_the_texts_that_move() -> None:
    held, wanted = PIZZA | {"tenant": "other", "word": "50%OFF"}, PIZZA | {"word": "50OFF", "override": True}

    (finding,) = a_plan(a_file(held, wanted), a_file(held)).findings
    moves = ["50OFF", "5 0off", "50 off", "50o ff", "50of f"]
    confirmed = a_plan(a_file(held, wanted | {"override": moves}), a_file(held))

    assert (finding.kind, finding.detail) == ("refused", f"Its override does not list {moves}, which move.")
    assert confirmed.findings == ()
    assert [(step.is_override, list(step.confirmed_moves)) for step in confirmed.steps] == [(True, moves)]
