"""Conditions on actions: a closed JSON tree without loops or patterns. Saved with keywords, evaluated by ``actions``.

all | any (conditions) · not (condition) · sender_is · text · time · number · country · outcome
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Final, Literal, assert_never, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MAX_DEPTH: Final = 5
MAX_SIZE: Final = 50

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What conditions may ask. ``at`` is aware, in the number's zone; ``outcomes`` are of earlier actions, by name."""

    sender_is_known: bool
    text: str
    at: datetime
    number: str
    country: str
    outcomes: Mapping[str, str]


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AllOf(_Node):
    """True when every condition is."""

    kind: Literal["all"]
    conditions: tuple["_AnyNode", ...] = Field(min_length=1, max_length=MAX_SIZE)


class AnyOf(_Node):
    """True when at least one condition is."""

    kind: Literal["any"]
    conditions: tuple["_AnyNode", ...] = Field(min_length=1, max_length=MAX_SIZE)


class Not(_Node):
    """True when the condition is not."""

    kind: Literal["not"]
    condition: "_AnyNode"


class SenderIs(_Node):
    """Whether the tenant had a message from this sender before."""

    kind: Literal["sender_is"]
    value: Literal["known", "new"]


class TextIs(_Node):
    """The text after the keyword, without regard to case, accents and spacing."""

    kind: Literal["text"]
    operator: Literal["equals", "starts_with", "contains", "is_empty"]
    value: str = Field("", max_length=200)

    @model_validator(mode="after")
    def _has_its_value(self) -> "TextIs":
        if (self.operator == "is_empty") == bool(self.value.strip()):
            raise ValueError("value must be given, except with is_empty")
        return self


class TimeIs(_Node):
    """When the message came, in the number's time zone. A span over midnight belongs to the day on which it began."""

    kind: Literal["time"]
    weekdays: tuple[Weekday, ...] = Field((), max_length=7)
    from_time: time | None = None
    until_time: time | None = None

    @model_validator(mode="after")
    def _is_a_span(self) -> "TimeIs":
        if (self.from_time is None) != (self.until_time is None):
            raise ValueError("from_time and until_time go together")
        if self.from_time is None and not self.weekdays:
            raise ValueError("give weekdays, or from_time and until_time, or both")
        if self.from_time is not None and self.from_time == self.until_time:
            raise ValueError("from_time and until_time must differ")
        if (self.from_time and self.from_time.tzinfo) or (self.until_time and self.until_time.tzinfo):
            raise ValueError("times are in the number's zone: give them without an offset")
        return self


class NumberIs(_Node):
    """The number the message came to."""

    kind: Literal["number"]
    numbers: tuple[Annotated[str, Field(pattern=r"^\+?[0-9]{3,15}$")], ...] = Field(min_length=1, max_length=20)


class CountryIs(_Node):
    """The country of the number the message came to (ISO 3166-1 alpha-2)."""

    kind: Literal["country"]
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = Field(min_length=1, max_length=50)


class OutcomeIs(_Node):
    """How an earlier action of this keyword ended. False when it has not run."""

    kind: Literal["outcome"]
    action: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    outcome: Literal["done", "failed", "skipped"]


_Leaf = SenderIs | TextIs | TimeIs | NumberIs | CountryIs | OutcomeIs
_AnyNode = Annotated[AllOf | AnyOf | Not | _Leaf, Field(discriminator="kind")]


def _within_limits(node: AllOf | AnyOf | Not | _Leaf) -> AllOf | AnyOf | Not | _Leaf:
    depth, size = _extent(node)
    if depth > MAX_DEPTH:
        raise ValueError(f"conditions may be nested {MAX_DEPTH} deep")
    if size > MAX_SIZE:
        raise ValueError(f"a condition may have {MAX_SIZE} parts")
    return node


Condition = Annotated[AllOf | AnyOf | Not | _Leaf, Field(discriminator="kind"), AfterValidator(_within_limits)]


def evaluate(condition: Condition, facts: Facts) -> bool:
    """Whether the condition holds. Never raises: every condition has an answer for all facts."""
    match condition:
        case AllOf(conditions=conditions):
            return all(evaluate(each, facts) for each in conditions)
        case AnyOf(conditions=conditions):
            return any(evaluate(each, facts) for each in conditions)
        case Not(condition=inner):
            return not evaluate(inner, facts)
        case SenderIs(value=value):
            return facts.sender_is_known == (value == "known")
        case TextIs():
            return _text_fits(condition, facts.text)
        case TimeIs():
            return _time_fits(condition, facts.at)
        case NumberIs(numbers=numbers):
            return facts.number in numbers
        case CountryIs(countries=countries):
            return facts.country in countries
        case OutcomeIs(action=action, outcome=outcome):
            return facts.outcomes.get(action) == outcome
    assert_never(condition)


def outcome_names(condition: Condition) -> frozenset[str]:
    """The names of actions whose outcome the condition asks for."""
    match condition:
        case AllOf(conditions=conditions) | AnyOf(conditions=conditions):
            return frozenset().union(*(outcome_names(each) for each in conditions))
        case Not(condition=inner):
            return outcome_names(inner)
        case OutcomeIs(action=action):
            return frozenset({action})
    return frozenset()


def _extent(node: Condition) -> tuple[int, int]:
    """Depth and number of nodes."""
    match node:
        case AllOf(conditions=inner) | AnyOf(conditions=inner):
            extents = [_extent(each) for each in inner]
        case Not(condition=single):
            extents = [_extent(single)]
        case _:
            return 1, 1
    return 1 + max(depth for depth, _ in extents), 1 + sum(size for _, size in extents)


def _text_fits(condition: TextIs, text: str) -> bool:
    folded, value = _fold(text), _fold(condition.value)
    match condition.operator:
        case "equals":
            return folded == value
        case "starts_with":
            return folded.startswith(value)
        case "contains":
            return value in folded
        case "is_empty":
            return not folded
    assert_never(condition.operator)


def _time_fits(condition: TimeIs, at: datetime) -> bool:
    clock, day = at.time(), at.weekday()
    start, end = condition.from_time, condition.until_time
    if start is not None and end is not None:
        if start < end and not start <= clock < end:
            return False
        if end < start:
            if end <= clock < start:
                return False
            day = (day - 1) % 7 if clock < end else day
    return not condition.weekdays or WEEKDAYS[day] in condition.weekdays


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not "\u0300" <= character <= "\u036f")
    return " ".join(unicodedata.normalize("NFKC", bare).casefold().split())
