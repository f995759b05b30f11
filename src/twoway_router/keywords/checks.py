"""What of a keyword's definition is not acceptable, field by field. Called by the API before anything is stored."""

from collections.abc import Iterator, Sequence
from typing import Final

from twoway_router.domain.errors import FieldError
from twoway_router.keywords.schemas import (
    ActionSpec,
    CallWebhookSpec,
    IssueCouponSpec,
    KeywordDefinition,
    ReplySpec,
    SendEmailSpec,
)
from twoway_router.kit.conditions import outcome_names
from twoway_router.kit.gsm import measure
from twoway_router.kit.templates import TemplateError, check_template, render
from twoway_router.messages.rules import SEGMENT_LIMIT
from twoway_router.routing.text import fold

VARIABLES: Final = frozenset(
    (
        "message.text",
        "message.rest",
        "message.sender",
        "keyword.word",
        "sub_keyword",
        "number.address",
        "tenant.name",
    )
)
"""What every template may say."""

COUPON_VALUES: Final = ("code", "valid_until", "is_new")
"""What ``issue_coupon`` gives to later actions."""

_TAKEN_NAMES: Final = frozenset(name.partition(".")[0] for name in VARIABLES)


def check_definition(definition: KeywordDefinition) -> Sequence[FieldError]:
    """Everything that is wrong; empty when nothing is."""
    return [
        *_check_window(definition),
        *_check_sub_keywords(definition),
        *_check_text(definition.too_early_text, "/too_early_text", VARIABLES),
        *_check_text(definition.too_late_text, "/too_late_text", VARIABLES),
        *_check_actions(definition.actions, "/actions"),
        *(
            error
            for place, sub in enumerate(definition.sub_keywords)
            for error in _check_actions(sub.actions, f"/sub_keywords/{place}/actions")
        ),
    ]


def names_of(action: ActionSpec) -> tuple[str, ...]:
    """The names under which later actions read what an action gave."""
    own = (action.name,) if action.name else ()
    return ("coupon", *own) if isinstance(action, IssueCouponSpec) else own


def _check_window(definition: KeywordDefinition) -> Iterator[FieldError]:
    start, end = definition.active_from, definition.active_until
    if start is not None and end is not None and start >= end:
        yield FieldError(pointer="/active_until", detail="The window must end after it begins.")


def _check_sub_keywords(definition: KeywordDefinition) -> Iterator[FieldError]:
    seen: dict[str, int] = {}
    for place, sub in enumerate(definition.sub_keywords):
        for text in (sub.word, *sub.aliases):
            key = fold(text).key
            if not key:
                yield FieldError(pointer=f"/sub_keywords/{place}/word", detail=f"{text!r} has no letter or digit.")
            elif seen.setdefault(key, place) != place:
                yield FieldError(
                    pointer=f"/sub_keywords/{place}/word", detail=f"{text!r} is another sub-keyword's already."
                )


def _check_actions(actions: Sequence[ActionSpec], pointer: str) -> Iterator[FieldError]:
    known, names = set(VARIABLES), set[str]()
    for place, action in enumerate(actions):
        at = f"{pointer}/{place}"
        if action.condition is not None and (unknown := outcome_names(action.condition) - names):
            yield FieldError(pointer=f"{at}/condition", detail=f"No earlier action is named {min(unknown)}.")
        if action.name is not None and (action.name in names or action.name in _TAKEN_NAMES):
            yield FieldError(pointer=f"{at}/name", detail=f"The name {action.name} is taken.")
        yield from _check_texts(action, at, frozenset(known))
        names.update(names_of(action))
        if isinstance(action, IssueCouponSpec):
            known.update(f"{name}.{value}" for name in names_of(action) for value in COUPON_VALUES)


def _check_texts(action: ActionSpec, at: str, known: frozenset[str]) -> Iterator[FieldError]:
    match action:
        case ReplySpec(text=text):
            yield from _check_text(text, f"{at}/text", known)
        case IssueCouponSpec(empty_text=text):
            yield from _check_text(text, f"{at}/empty_text", known)
        case SendEmailSpec(subject=subject, text=text):
            yield from _check_text(subject, f"{at}/subject", known, is_sms=False)
            yield from _check_text(text, f"{at}/text", known, is_sms=False)
        case CallWebhookSpec():
            return


def _check_text(
    source: str | None, pointer: str, known: frozenset[str], *, is_sms: bool = True
) -> Iterator[FieldError]:
    """A template that can be rendered, and whose own words fit into the segments that one MT may have."""
    if source is None:
        return
    try:
        check_template(source, known)
        words = render(source, {})
    except TemplateError as error:
        yield FieldError(pointer=pointer, detail=f"{error}.")
        return
    segments = measure(words).segments
    if is_sms and segments > SEGMENT_LIMIT:
        yield FieldError(pointer=pointer, detail=f"The text needs {segments} segments; {SEGMENT_LIMIT} are allowed.")
