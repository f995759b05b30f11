"""What is wrong with a list of actions when it is saved: problems with their JSON pointers. Called by ``keywords``."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

from twoway_router.actions.conditions import outcome_names
from twoway_router.actions.kind import Reference
from twoway_router.actions.registry import KINDS, Kinds, names_of
from twoway_router.actions.spec import VARIABLES, ActionBase
from twoway_router.domain.errors import FieldError
from twoway_router.domain.gsm import measure
from twoway_router.domain.ids import TenantId
from twoway_router.mts.rules import SEGMENT_LIMIT
from twoway_router.store import Session
from twoway_router.templates.liquid import TemplateError, UnknownVariable, check_template, render

Placed = Sequence[tuple[str, ActionBase]]
"""Actions with their JSON pointers, as ``registry.walk`` lists them."""

_TAKEN_NAMES: Final = frozenset(
    name.partition(".")[0] for name in (*VARIABLES, *(kind.later.variable for kind in KINDS.values() if kind.later))
)


def check_actions(
    actions: Sequence[ActionBase], pointer: str, *more: str, kinds: Kinds = KINDS
) -> Iterator[FieldError]:
    """Problems of actions that run in this order, whose templates may name ``more`` than every template."""
    known, names = {*VARIABLES, *more}, set[str]()
    for place, action in enumerate(actions):
        at, kind = f"{pointer}/{place}", kinds[action.kind]
        if action.condition is not None and (unknown := outcome_names(action.condition) - names):
            yield FieldError(pointer=f"{at}/condition", detail=f"No earlier action is named {min(unknown)}.")
        if action.name is not None and (action.name in names or action.name in _TAKEN_NAMES):
            yield FieldError(pointer=f"{at}/name", detail=f"The name {action.name} is taken.")
        for template in kind.templates:
            yield from check_text(
                getattr(action, template.field), f"{at}/{template.field}", known, is_sms=template.is_sms
            )
        if kind.check:
            yield from kind.check(action, at)
        if kind.later:
            for answer, steps in kind.later.by_answer(action).items():
                yield from check_actions(steps, f"{at}/on_answer/{answer}", kind.later.variable, kinds=kinds)
        names.update(names_of(action, kinds))
        if kind.gives:
            known.update(f"{name}.{value}" for name in names_of(action, kinds) for value in kind.gives.fields)


def check_text(
    source: str | None, pointer: str, known: Collection[str] = VARIABLES, *, is_sms: bool = True
) -> Iterator[FieldError]:
    """A template that can be rendered, and whose own words fit into the segments that one MT may have."""
    if source is None:
        return
    try:
        check_template(source, frozenset(known))
        words = render(source, {})
    except UnknownVariable as error:
        yield FieldError(pointer=pointer, detail=f"{error}. There are: {', '.join(sorted(known))}.")
        return
    except TemplateError as error:
        yield FieldError(pointer=pointer, detail=f"{error}.")
        return
    segments = measure(words).segments
    if is_sms and segments > SEGMENT_LIMIT:
        yield FieldError(pointer=pointer, detail=f"The text needs {segments} segments; {SEGMENT_LIMIT} are allowed.")


def check_facilities(placed: Placed, facilities: Collection[str]) -> None:
    """Raise for actions that need what this router does not have."""
    lacking = [(at, need) for at, action in placed if (need := KINDS[action.kind].facility)]
    if errors := [FieldError(pointer=at, detail=need.detail) for at, need in lacking if need.name not in facilities]:
        raise next(need.error for _, need in lacking if need.name not in facilities)(errors=errors)


async def check_references(session: Session, tenant_id: TenantId, placed: Placed) -> Sequence[FieldError]:
    """Rows that actions name and that are not the tenant's: one statement per kind of row."""
    named: dict[Reference, dict[str, UUID]] = {}
    for at, action in placed:
        for reference in KINDS[action.kind].references:
            named.setdefault(reference, {})[f"{at}/{reference.field}"] = getattr(action, reference.field)
    errors: list[FieldError] = []
    for reference, places in named.items():
        known = await reference.list_known(session, tenant_id, set(places.values()))
        detail = f"You have no such {reference.noun}."
        errors += [FieldError(pointer=at, detail=detail) for at, row_id in places.items() if row_id not in known]
    return sorted(errors, key=lambda error: error.pointer)
