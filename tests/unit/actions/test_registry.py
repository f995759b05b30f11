"""A kind of action is one file and one line of the registry: what it says of itself is all that the router knows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, cast

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.unit.actions.messages import MESSAGE
from twoway_router.actions.checks import check_actions
from twoway_router.actions.context import PlannedAction, Run, RunContext
from twoway_router.actions.kind import ActionKind, Template, Values
from twoway_router.actions.registry import KINDS, plan_actions, union_of, walk
from twoway_router.actions.spec import VARIABLES, ActionBase
from twoway_router.domain.errors import FieldError
from twoway_router.domain.ids import new_id
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.store import Session
from twoway_router.templates.liquid import render

SOURCES: Final = Path(__file__).parents[3] / "src" / "twoway_router"


class ShoutSpec(ActionBase):
    kind: Literal["shout"]
    text: str
    times: int = 1


def check(spec: ShoutSpec, at: str) -> Iterator[FieldError]:
    if spec.times > 3:
        yield FieldError(pointer=f"{at}/times", detail="Too often.")


async def shout(session: Session, runs: Sequence[Run[ShoutSpec]], context: RunContext) -> Sequence[Outcome]:
    return [Done(values={"cry": each.spec.text.upper() * each.spec.times}) for each in runs]


SHOUT = ActionKind(
    spec=ShoutSpec,
    run=shout,
    templates=(Template(field="text"),),
    gives=Values(name="shout", fields=("cry",)),
    check=check,
)
WITH_SHOUT = {**KINDS, "shout": SHOUT}
ADAPTER: TypeAdapter[Sequence[ActionBase]] = TypeAdapter(Sequence[union_of(WITH_SHOUT)])  # type: ignore[misc, arg-type]
COUPON = {"kind": "issue_coupon", "pool_id": str(new_id())}
CRY: dict[str, Any] = {"kind": "shout", "text": "hi"}


def problems(*actions: dict[str, Any]) -> list[str]:
    specs = ADAPTER.validate_python(actions)
    return [error.pointer for error in check_actions(specs, "/actions", kinds=WITH_SHOUT)]


def test_a_new_kind_is_read_by_its_spec() -> None:
    (spec,) = ADAPTER.validate_python([CRY])

    assert isinstance(spec, ShoutSpec)
    with pytest.raises(ValidationError):
        TypeAdapter(union_of(KINDS)).validate_python(CRY)


@pytest.mark.parametrize(
    ("actions", "pointers"),
    [
        ([CRY], []),
        ([CRY | {"times": 4}], ["/actions/0/times"]),
        ([CRY | {"text": "{{ nobody }}"}], ["/actions/0/text"]),
        ([CRY, {"kind": "reply", "text": "{{ shout.cry }}"}], []),
        ([CRY | {"name": "loud"}, {"kind": "reply", "text": "{{ loud.cry }}"}], []),
        ([{"kind": "reply", "text": "{{ shout.cry }}"}, CRY], ["/actions/0/text"]),
        ([CRY, {"kind": "reply", "text": "{{ shout.whisper }}"}], ["/actions/1/text"]),
    ],
)
def test_a_new_kind_is_checked_by_what_it_says(actions: list[dict[str, Any]], pointers: list[str]) -> None:
    assert problems(*actions) == pointers


async def test_a_new_kind_is_planned_and_run() -> None:
    specs = ADAPTER.validate_python([CRY | {"times": 2}, {"kind": "reply", "text": "{{ shout.cry }}"}])

    first, second = plan_actions(specs, WITH_SHOUT)
    run: Run[Any] = Run(message=MESSAGE, ordinal=0, mt_id=new_id(), spec=first.spec, values={})
    context = RunContext(now=datetime(2027, 3, 1, tzinfo=UTC), mt_lifetime=timedelta(days=1))
    outcomes = await first.run(cast("Session", None), [run], context)

    assert (first.names, second.needs) == (("shout",), frozenset({"shout"}))
    assert outcomes == [Done(values={"cry": "HIHI"})]


def test_the_actions_for_answers_are_found_behind_their_question() -> None:
    asking = {
        "kind": "ask",
        "text": "Well?",
        "expected": "free_text",
        "on_answer": {"any": [{"kind": "reply", "text": "x"}]},
    }

    assert [at for at, _ in walk(ADAPTER.validate_python([asking, CRY]), "/actions", WITH_SHOUT)] == [
        "/actions/0",
        "/actions/0/on_answer/any/0",
        "/actions/1",
    ]


def plan(*actions: dict[str, Any]) -> tuple[PlannedAction, ...]:
    return plan_actions(ADAPTER.validate_python(actions))


def test_a_reply_that_names_a_coupon_needs_it() -> None:
    planned = plan(COUPON, {"kind": "reply", "text": "{{ coupon.code }} {{ tenant.name }}"})

    assert [action.needs for action in planned] == [frozenset(), frozenset({"coupon"})]


def test_an_email_needs_what_its_subject_names() -> None:
    email = {"kind": "send_email", "recipients": ["a@b.example"], "subject": "{{ gift.code }}", "text": "x"}

    planned = plan({**COUPON, "name": "gift"}, email)

    assert planned[1].needs == frozenset({"gift"})


def test_a_named_coupon_is_known_by_both_names() -> None:
    planned = plan({**COUPON, "name": "gift"})

    assert planned[0].names == ("coupon", "gift")


def test_every_variable_that_may_be_saved_has_a_value() -> None:
    source = " ".join(f"[{{{{ {name} }}}}]" for name in sorted(VARIABLES))

    text = render(source, {**replace(MESSAGE, sub_keyword="MENU").variables()})

    assert "[]" not in text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_its_own_file_and_the_registry_know_a_kind(kind: str) -> None:
    spec = re.compile(rf"\b{KINDS[kind].spec.__name__}\b")
    name = re.compile(rf"[\"']{kind}[\"']")

    assert files_with(spec) == {f"actions/{kind}.py"}
    assert files_with(name, "actions", "executor") == {f"actions/{kind}.py", "actions/registry.py"}


def files_with(pattern: re.Pattern[str], *packages: str) -> set[str]:
    paths = [path.relative_to(SOURCES) for path in SOURCES.rglob("*.py")]
    return {
        path.as_posix()
        for path in paths
        if (not packages or path.parts[0] in packages) and pattern.search((SOURCES / path).read_text(encoding="utf-8"))
    }
