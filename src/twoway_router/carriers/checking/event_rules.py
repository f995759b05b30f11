"""Events in a spec that have the right shape and can never be read. Asked by ``spec_rules``."""

from collections.abc import Iterator
from typing import Final

from twoway_router.carriers.reading.fields import problem_with_path
from twoway_router.carriers.reading.times import problem_with_format, problem_with_zone
from twoway_router.carriers.spec import Event, Field, Time, When

Step = int | str
Mistake = tuple[tuple[Step, ...], str]
Place = tuple[tuple[Step, ...], str]

_PATHS: Final = (
    "each",
    "id",
    "sender",
    "recipient",
    "operator",
    "reply_token",
    "reference",
    "status",
    "error",
    "confirm",
)
_PREDICATES: Final = ("when", "opted_out", "replied")


def event_mistakes(event: Event, at: tuple[Step, ...]) -> Iterator[Mistake]:
    """Every mistake with its path; ``at`` is the path of the event."""
    for name in _missing(event):
        yield at, f"{name} is needed, because an event of kind {event.kind} is nothing without it"
    for place, path in _paths_of(event):
        if problem := problem_with_path(path):
            yield (*at, *place), problem
    for name in _PREDICATES:
        if (when := getattr(event, name)) is not None:
            yield from _when_mistakes(when, (*at, name))
    if isinstance(event.time, Time):
        yield from _time_mistakes(event.time, (*at, "time"))


def _missing(event: Event) -> Iterator[str]:
    if event.kind == "mo":
        yield from (name for name in ("sender", "recipient") if getattr(event, name) is None)
    elif event.kind == "dlr":
        if event.status is None:
            yield "status"
        if event.id is None and event.reference is None:
            yield "id or reference"
    elif event.kind == "handshake" and not event.answer and event.confirm is None:
        yield "answer or confirm"


def _paths_of(event: Event) -> Iterator[Place]:
    yield from (((name,), path) for name in _PATHS if (path := getattr(event, name)) is not None)
    if event.text is not None:
        yield from _field_paths(event.text, ("text",))
    if event.time is not None:
        yield (("time",), event.time) if isinstance(event.time, str) else (("time", "path"), event.time.path)
    if (part := event.part) is not None:
        found = {"reference": part.reference, "index": part.index, "total": part.total}
        yield from ((("part", name), path) for name, path in found.items() if path is not None)
        if part.header is not None:
            yield from _field_paths(part.header, ("part", "header"))
    yield from ((("extra", name), path) for name, path in event.extra.items())
    yield from ((("answer", name), path) for name, path in event.answer.items())


def _field_paths(field: str | Field, at: tuple[Step, ...]) -> Iterator[Place]:
    if isinstance(field, str):
        yield at, field
        return
    yield (*at, "path"), field.path
    if field.charset_from is not None:
        yield (*at, "charset_from"), field.charset_from


def _when_mistakes(when: When, at: tuple[Step, ...]) -> Iterator[Mistake]:
    is_tested = when.equals is not None or when.one_of or when.starts is not None or when.exists is not None
    if when.path and (problem := problem_with_path(when.path)):
        yield (*at, "path"), problem
    if when.path and not is_tested:
        yield at, "asks nothing of its path: add equals, one_of, starts or exists"
    if is_tested and not when.path:
        yield at, "path is needed: it says what is asked"
    if not (when.path or is_tested or when.all_of or when.any_of):
        yield at, "asks nothing; leave it out when every request is meant"
    for name, parts in (("all_of", when.all_of), ("any_of", when.any_of)):
        for ordinal, part in enumerate(parts):
            yield from _when_mistakes(part, (*at, name, ordinal))


def _time_mistakes(time: Time, at: tuple[Step, ...]) -> Iterator[Mistake]:
    """A setting in a zone or format is tried out with the rest of the spec."""
    if "{" not in time.zone and (problem := problem_with_zone(time.zone)):
        yield (*at, "zone"), problem
    for ordinal, form in enumerate(time.formats):
        if "{" not in form and (problem := problem_with_format(form)):
            yield (*at, "formats", ordinal), problem
