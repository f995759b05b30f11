"""Every kind of action that tenants configure, and what follows from it for a list of actions.

Used by ``keywords`` for definitions and by ``executor`` for runs. ``kinds`` is an argument only for tests.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from twoway_router.actions import ask, call_webhook, issue_coupon, reply, send_email
from twoway_router.actions.context import PlannedAction
from twoway_router.actions.kind import ActionKind
from twoway_router.actions.spec import ActionBase
from twoway_router.templates.liquid import variables_of

Kinds = Mapping[str, ActionKind[Any]]

KINDS: Final[Kinds] = {
    "reply": reply.KIND,
    "issue_coupon": issue_coupon.KIND,
    "call_webhook": call_webhook.KIND,
    "send_email": send_email.KIND,
    "ask": ask.KIND,
}


def union_of(kinds: Kinds) -> Any:
    """The union of the specs of these kinds; ``kind`` says which one it is."""
    return Annotated[reduce(or_, (each.spec for each in kinds.values())), Field(discriminator="kind")]


if TYPE_CHECKING:
    ActionSpec = ActionBase
else:
    _PLAIN = union_of({name: each for name, each in KINDS.items() if each.later is None})
    for _kind in KINDS.values():
        _kind.spec.model_rebuild(_types_namespace={"LaterAction": _PLAIN})
    ActionSpec = union_of(KINDS)
Actions = Annotated[tuple[ActionSpec, ...], Field(max_length=10)]


def names_of(action: ActionBase, kinds: Kinds = KINDS) -> tuple[str, ...]:
    """The names under which later actions read what an action gave."""
    gives = kinds[action.kind].gives
    return (*((gives.name,) if gives else ()), *((action.name,) if action.name else ()))


def plan_actions(actions: Sequence[ActionBase], kinds: Kinds = KINDS) -> tuple[PlannedAction, ...]:
    """The steps of a list of actions. One needs the values that its templates name and that another one gives."""
    given = {name for action in actions if kinds[action.kind].gives for name in names_of(action, kinds)}
    return tuple(
        PlannedAction(
            kind=action.kind,
            run=kinds[action.kind].run,
            spec=action,
            is_exchange=kinds[action.kind].is_exchange,
            names=names_of(action, kinds),
            condition=action.condition,
            needs=frozenset(
                name
                for template in kinds[action.kind].templates
                if template.is_needed
                for variable in variables_of(getattr(action, template.field))
                if (name := variable.partition(".")[0]) in given
            ),
        )
        for action in actions
    )


def plan_answer(action: ActionBase, answer: str, kinds: Kinds = KINDS) -> tuple[PlannedAction, ...]:
    """The steps for an answer to what an action asked."""
    later = kinds[action.kind].later
    return plan_actions(later.for_answer(action, answer), kinds) if later else ()


def walk(actions: Sequence[ActionBase], pointer: str, kinds: Kinds = KINDS) -> Iterator[tuple[str, ActionBase]]:
    """Every action with its JSON pointer, those for answers behind their question."""
    for place, action in enumerate(actions):
        at = f"{pointer}/{place}"
        yield at, action
        later = kinds[action.kind].later
        for answer, steps in later.by_answer(action).items() if later else ():
            yield from walk(steps, f"{at}/on_answer/{answer}", kinds)
