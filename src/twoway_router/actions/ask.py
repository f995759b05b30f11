"""Action ``ask``: send a question and open it. Its answer runs its ``on_answer`` actions, in the same revision."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.kind import ActionKind, Later, Template
from twoway_router.actions.reply import queue_texts
from twoway_router.actions.spec import ActionBase
from twoway_router.consent.rules import Person
from twoway_router.contexts import service as contexts
from twoway_router.contexts.rules import Question, needs_word_choices
from twoway_router.domain.errors import FieldError
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.routing.text import fold
from twoway_router.store import Session

if TYPE_CHECKING:
    LaterAction = ActionBase
"""An action of any kind that asks nothing itself: ``registry`` knows them all."""

ANY: Final = "any"
"""The key of answers that have none of their own."""
_HIGHEST: Final = 10
_RANGE: Final = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?")


class AskSpec(ActionBase):
    """Send a question and wait for its answer. It is answered once; templates of ``on_answer`` read it as ``answer``."""

    kind: Literal["ask"]
    text: str = Field(min_length=1, max_length=1600, description="The question, a Liquid template.")
    expected: Literal["yes_no", "choice", "scale", "free_text"] = Field(description="What counts as an answer.")
    choices: tuple[Annotated[str, Field(min_length=1, max_length=64)], ...] = Field(
        (), max_length=10, description="For `choice`: what may be answered."
    )
    lifetime_minutes: int = Field(1440, ge=1, le=43_200, description="How long the question stays open.")
    language: str | None = Field(
        None, pattern=r"^[a-z]{2,3}$", description="Of yes and no; the number's languages if left out."
    )
    on_answer: dict[str, Annotated[tuple["LaterAction", ...], Field(max_length=10)]] = Field(
        default_factory=dict,
        max_length=12,
        description="Actions by answer: `yes` and `no`, a choice, a number or range of the scale (`0-6`); `any` for the rest.",
    )


AskRun = Run[AskSpec]

_EXPECTED: Final = {"yes_no": "yes_no", "choice": "choice", "scale": "scale", "free_text": "text"}
"""Our word for what is expected, as ``routing.answers`` reads it."""


async def run(session: Session, runs: Sequence[AskRun], context: RunContext) -> Sequence[Outcome]:
    """Queue the questions; those that will not be sent are not open."""
    ended = await queue_texts(session, [(each, each.spec.text) for each in runs], context)
    asked = [_question(each) for each, outcome in zip(runs, ended, strict=True) if isinstance(outcome, Done)]
    await contexts.open_questions(session, asked, now=context.now)
    return ended


def _question(each: AskRun) -> Question:
    message, spec = each.message, each.spec
    return Question(
        person=Person(number_id=message.number.id, msisdn=message.sender),
        tenant_id=message.owner,
        origin="ask",
        expected=_EXPECTED[spec.expected],
        lifetime=timedelta(minutes=spec.lifetime_minutes),
        choices=spec.choices,
        language=spec.language,
        keyword_id=message.keyword_id,
        keyword_revision=message.revision,
        sub_keyword=message.sub_keyword,
        ordinal=each.ordinal,
        inbound_message_id=message.id,
        offers_words=needs_word_choices(message.number.languages, spec.choices, spec.language),
    )


def _check(spec: AskSpec, at: str) -> Iterator[FieldError]:
    """What is asked for, and whether every key of ``on_answer`` is an answer to it."""
    keys = [fold(choice).key for choice in spec.choices]
    if spec.expected == "choice" and len(spec.choices) < 2:
        yield FieldError(pointer=f"{at}/choices", detail="A choice has two choices or more.")
    if spec.expected != "choice" and spec.choices:
        yield FieldError(pointer=f"{at}/choices", detail="Only a choice has choices.")
    if "" in keys or len(set(keys)) < len(keys):
        yield FieldError(pointer=f"{at}/choices", detail="Every choice needs letters or digits that no other has.")
    answers = {"yes_no": ("yes", "no"), "choice": spec.choices}.get(spec.expected, ())
    points: set[int] = set()
    for key in spec.on_answer:
        own = set(_range_of(key)) if spec.expected == "scale" else set()
        if key != ANY and key not in answers and not own:
            yield FieldError(pointer=f"{at}/on_answer/{key}", detail=f"{key!r} is no answer to this question.")
        elif points & own:
            yield FieldError(pointer=f"{at}/on_answer/{key}", detail="An answer falls under two keys.")
        points |= own


def _for_answer(spec: AskSpec, answer: str) -> Sequence[ActionBase]:
    """The actions under the answer's key, else those for any."""
    for key, actions in spec.on_answer.items():
        if key == answer if spec.expected != "scale" else answer.isdigit() and int(answer) in _range_of(key):
            return actions
    return spec.on_answer.get(ANY, ())


def questions_with_choices(placed: Sequence[tuple[str, ActionBase]]) -> Sequence[tuple[str, AskSpec]]:
    """The questions that offer choices among actions with their JSON pointers."""
    return [(at, action) for at, action in placed if isinstance(action, AskSpec) and action.choices]


def _range_of(key: str) -> range:
    """The points of a scale that a key stands for: ``7`` or ``0-6``; none if it is neither."""
    found = _RANGE.fullmatch(key)
    if found is None:
        return range(0)
    first, last = int(found[1]), int(found[2] or found[1])
    return range(first, last + 1) if last <= _HIGHEST else range(0)


KIND: Final = ActionKind(
    spec=AskSpec,
    run=run,
    templates=(Template(field="text"),),
    check=_check,
    is_exchange=True,
    later=Later(by_answer=lambda spec: spec.on_answer, for_answer=_for_answer, variable="answer"),
)
