"""What of a keyword's definition is not acceptable, field by field. Called by the API before anything is stored."""

from collections.abc import Iterator, Sequence
from typing import Final

from twoway_router.actions.conditions import outcome_names
from twoway_router.actions.specs import (
    ANSWER,
    COUPON_VALUES,
    OTHER_ANSWERS,
    VARIABLES,
    ActionSpec,
    AskSpec,
    CallWebhookSpec,
    IssueCouponSpec,
    ReplySpec,
    SendEmailSpec,
    names_of,
    range_of,
)
from twoway_router.domain.errors import FieldError
from twoway_router.domain.gsm import measure
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.mts.rules import SEGMENT_LIMIT
from twoway_router.routing.text import fold
from twoway_router.templates.liquid import TemplateError, UnknownVariable, check_template, render

_TAKEN_NAMES: Final = frozenset(name.partition(".")[0] for name in (*VARIABLES, ANSWER))


def check_definition(definition: KeywordDefinition) -> Sequence[FieldError]:
    """Everything that is wrong; empty when nothing is."""
    return [
        *_check_window(definition),
        *_check_sub_keywords(definition),
        *_check_text(definition.too_early_text, "/too_early_text", VARIABLES),
        *_check_text(definition.too_late_text, "/too_late_text", VARIABLES),
        *_check_text(definition.sold_out_text, "/sold_out_text", VARIABLES),
        *_check_actions(definition.actions, "/actions"),
        *(
            error
            for place, sub in enumerate(definition.sub_keywords)
            for error in _check_actions(sub.actions, f"/sub_keywords/{place}/actions")
        ),
    ]


def _check_window(definition: KeywordDefinition) -> Iterator[FieldError]:
    start, end = definition.active_from, definition.active_until
    if start is not None and end is not None and start >= end:
        yield FieldError(pointer="/active_until", detail="The window must end after it begins.")
    if (definition.limit is None) != (definition.sold_out_text is None):
        yield FieldError(pointer="/sold_out_text", detail="A limit and what is answered beyond it go together.")


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


def _check_question(spec: AskSpec, at: str) -> Iterator[FieldError]:
    """What is asked for and what each answer does."""
    keys = [fold(choice).key for choice in spec.choices]
    if spec.expected == "choice" and len(spec.choices) < 2:
        yield FieldError(pointer=f"{at}/choices", detail="Offer two choices or more.")
    if spec.expected != "choice" and spec.choices:
        yield FieldError(pointer=f"{at}/choices", detail="Only a choice has choices.")
    if "" in keys or len(set(keys)) < len(keys):
        yield FieldError(pointer=f"{at}/choices", detail="Every choice needs letters or digits that no other has.")
    points: set[int] = set()
    for key, actions in spec.on_answer.items():
        place = f"{at}/on_answer/{key}"
        if not _is_answer(spec, key):
            yield FieldError(pointer=place, detail=f"{key!r} is no answer to this question.")
        elif spec.expected == "scale" and key != OTHER_ANSWERS:
            if points & set(range_of(key)):
                yield FieldError(pointer=place, detail="An answer falls under two keys.")
            points |= set(range_of(key))
        yield from _check_actions(actions, place, ANSWER)


def _is_answer(spec: AskSpec, key: str) -> bool:
    if key == OTHER_ANSWERS:
        return True
    match spec.expected:
        case "yes_no":
            return key in ("yes", "no")
        case "choice":
            return key in spec.choices
        case "scale":
            return bool(range_of(key))
        case "free_text":
            return False


def _check_actions(actions: Sequence[ActionSpec], pointer: str, *more: str) -> Iterator[FieldError]:
    known, names = {*VARIABLES, *more}, set[str]()
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
        case AskSpec(text=text):
            yield from _check_text(text, f"{at}/text", known)
            yield from _check_question(action, at)
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
    except UnknownVariable as error:
        yield FieldError(pointer=pointer, detail=f"{error}. There are: {', '.join(sorted(known))}.")
        return
    except TemplateError as error:
        yield FieldError(pointer=pointer, detail=f"{error}.")
        return
    segments = measure(words).segments
    if is_sms and segments > SEGMENT_LIMIT:
        yield FieldError(pointer=pointer, detail=f"The text needs {segments} segments; {SEGMENT_LIMIT} are allowed.")
