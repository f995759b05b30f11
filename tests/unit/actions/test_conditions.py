"""Conditions: every leaf, the tree, and its limits."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from twoway_router.actions.conditions import Condition, Facts, evaluate, outcome_names

ADAPTER: TypeAdapter[Condition] = TypeAdapter(Condition)
MONDAY_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=ZoneInfo("Europe/Rome"))
NEW = {"kind": "sender_is", "value": "new"}
KNOWN = {"kind": "sender_is", "value": "known"}


def facts(**changes: Any) -> Facts:
    values: dict[str, Any] = {
        "sender_is_known": False,
        "text": "Large  BAÑO",
        "at": MONDAY_NOON,
        "number": "12345",
        "country": "IT",
        "outcomes": {"coupon": "done"},
    }
    return Facts(**(values | changes))


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (NEW, True),
        (KNOWN, False),
        ({"kind": "text", "operator": "equals", "value": "large bano"}, True),
        ({"kind": "text", "operator": "equals", "value": "large"}, False),
        ({"kind": "text", "operator": "starts_with", "value": "LARGE"}, True),
        ({"kind": "text", "operator": "starts_with", "value": "baño"}, False),
        ({"kind": "text", "operator": "contains", "value": "Baño"}, True),
        ({"kind": "text", "operator": "contains", "value": "small"}, False),
        ({"kind": "text", "operator": "is_empty"}, False),
        ({"kind": "number", "numbers": ["12345"]}, True),
        ({"kind": "number", "numbers": ["+390000"]}, False),
        ({"kind": "country", "countries": ["ES", "IT"]}, True),
        ({"kind": "country", "countries": ["ES"]}, False),
        ({"kind": "outcome", "action": "coupon", "outcome": "done"}, True),
        ({"kind": "outcome", "action": "coupon", "outcome": "failed"}, False),
        ({"kind": "outcome", "action": "other", "outcome": "done"}, False),
        ({"kind": "not", "condition": KNOWN}, True),
        ({"kind": "all", "conditions": [NEW, NEW]}, True),
        ({"kind": "all", "conditions": [NEW, KNOWN]}, False),
        ({"kind": "any", "conditions": [KNOWN, NEW]}, True),
        ({"kind": "any", "conditions": [KNOWN, KNOWN]}, False),
    ],
)
def test_a_condition_has_its_answer(condition: dict[str, Any], holds: bool) -> None:
    assert evaluate(ADAPTER.validate_python(condition), facts()) is holds


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_white_space_is_an_empty_text(text: str) -> None:
    condition = ADAPTER.validate_python({"kind": "text", "operator": "is_empty"})

    assert evaluate(condition, facts(text=text))


@pytest.mark.parametrize(
    ("span", "weekdays", "at", "holds"),
    [
        (("09:00", "17:00"), [], "2026-03-02T12:00", True),
        (("09:00", "17:00"), [], "2026-03-02T09:00", True),
        (("09:00", "17:00"), [], "2026-03-02T17:00", False),
        (("09:00", "17:00"), ["monday"], "2026-03-02T12:00", True),
        (("09:00", "17:00"), ["tuesday"], "2026-03-02T12:00", False),
        (("22:00", "02:00"), [], "2026-03-02T23:30", True),
        (("22:00", "02:00"), [], "2026-03-03T01:59", True),
        (("22:00", "02:00"), [], "2026-03-03T02:00", False),
        (("22:00", "02:00"), [], "2026-03-02T12:00", False),
        (("22:00", "02:00"), ["monday"], "2026-03-03T01:00", True),
        (("22:00", "02:00"), ["tuesday"], "2026-03-03T01:00", False),
        (("22:00", "02:00"), ["sunday"], "2026-03-02T01:00", True),
        (None, ["monday", "friday"], "2026-03-02T00:00", True),
        (None, ["saturday"], "2026-03-02T00:00", False),
    ],
)
def test_a_time_is_judged_in_the_numbers_zone(
    span: tuple[str, str] | None, weekdays: list[str], at: str, holds: bool
) -> None:
    start, end = span or (None, None)
    condition = ADAPTER.validate_python({"kind": "time", "weekdays": weekdays, "from_time": start, "until_time": end})

    assert evaluate(condition, facts(at=datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Rome")))) is holds


def nested(depth: int) -> dict[str, Any]:
    return NEW if depth == 1 else {"kind": "not", "condition": nested(depth - 1)}


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"kind": "python", "code": "1"},
        {"kind": "all", "conditions": []},
        {"kind": "text", "operator": "equals"},
        {"kind": "text", "operator": "equals", "value": "  "},
        {"kind": "text", "operator": "is_empty", "value": "x"},
        {"kind": "text", "operator": "matches", "value": "(a+)+$"},
        {"kind": "time"},
        {"kind": "time", "from_time": "09:00"},
        {"kind": "time", "from_time": "09:00", "until_time": "09:00"},
        {"kind": "time", "from_time": "09:00Z", "until_time": "10:00Z"},
        {"kind": "time", "weekdays": ["someday"]},
        {"kind": "number", "numbers": []},
        {"kind": "country", "countries": ["Italy"]},
        {"kind": "sender_is", "value": "new", "extra": 1},
        nested(6),
        nested(150),
        {"kind": "all", "conditions": [NEW] * 50},
    ],
)
def test_what_is_not_in_the_closed_tree_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(condition)


@pytest.mark.parametrize("condition", [nested(5), {"kind": "any", "conditions": [NEW] * 49}])
def test_a_tree_within_the_limits_is_accepted(condition: dict[str, Any]) -> None:
    accepted = ADAPTER.validate_python(condition)

    assert accepted.kind == condition["kind"]


def test_a_condition_survives_json() -> None:
    condition = ADAPTER.validate_python({"kind": "time", "from_time": "22:00", "until_time": "02:00"})

    assert ADAPTER.validate_json(ADAPTER.dump_json(condition)) == condition


def test_the_actions_asked_for_are_known() -> None:
    asked = {"kind": "outcome", "action": "coupon", "outcome": "done"}
    condition = ADAPTER.validate_python(
        {"kind": "all", "conditions": [NEW, {"kind": "not", "condition": asked}, {**asked, "action": "hook"}]}
    )

    assert outcome_names(condition) == {"coupon", "hook"}
