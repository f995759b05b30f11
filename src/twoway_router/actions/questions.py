"""What a number asks itself: which tenant is meant, and whether a misspelt keyword was meant. Planned by ``executor.decide``.

Nothing of the message goes to a tenant before its sender has answered: the open question only remembers its id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from twoway_router.actions.context import PlannedAction, RunContext, RunMessage
from twoway_router.actions.notices import NoticeRun, NoticeSpec, courtesy_text, run_courtesy, send
from twoway_router.consent.rules import Person
from twoway_router.contexts import service as contexts
from twoway_router.contexts.rules import NUMBER_QUESTION_LIFETIME, Question
from twoway_router.domain.ids import TenantId
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.numbers.default_texts import CHOOSE, DID_YOU_MEAN, language_of, own_text
from twoway_router.store import Session

MOST_CHOICES: Final = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberQuestionSpec(NoticeSpec):
    """A question of the number's own with what opens when it is sent."""

    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A tenant that may be meant, under the name that the sender reads: for one of its contexts, or as one of its keywords."""

    tenant_id: TenantId
    name: str
    context_id: UUID | None = None
    keyword_id: UUID | None = None
    revision: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A keyword that may have been meant."""

    tenant_id: TenantId
    keyword_id: UUID
    revision: int
    word: str


def plan_choose(message: RunMessage, choices: Sequence[Choice]) -> tuple[PlannedAction, ...]:
    """Ask which tenant is meant: one question per tenant, which only its number in the list answers."""
    numbered = list(enumerate(choices[:MOST_CHOICES], start=1))
    languages = message.number.languages
    listed = ", ".join(f"{number} = {choice.name}" for number, choice in numbered)
    own = own_text(message.number.texts, "choose", languages, {"choices": listed, "number": message.number.address})
    questions = tuple(
        replace(
            _question(message, choice.tenant_id, "choose", "choice"),
            choices=(str(number),),
            target_id=choice.context_id,
            keyword_id=choice.keyword_id,
            keyword_revision=choice.revision,
        )
        for number, choice in numbered
    )
    text = own or CHOOSE[language_of(CHOOSE, languages)].format(choices=listed)
    spec = NumberQuestionSpec(kind="choose", text=text, questions=questions)
    return (PlannedAction(kind="choose", run=_run_choose, spec=spec),)


async def _run_choose(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Ask, at most once a day. A sender who was asked already is not asked again, and the message stays where it is."""
    people = {each.message.id: Person(number_id=each.message.number.id, msisdn=each.message.sender) for each in runs}
    asked = await contexts.find_asked(session, set(people.values()), now=context.now)
    fresh: dict[Person, NoticeRun] = {}
    for each in runs:
        if people[each.message.id] not in asked:
            fresh.setdefault(people[each.message.id], each)
    asking = list(fresh.values())
    outcomes = await send(session, asking, context)
    await _open(session, asking, outcomes, context)
    ended = {each.message.id: outcome for each, outcome in zip(asking, outcomes, strict=True)}
    return [ended.get(each.message.id, Done(detail="asked_before")) for each in runs]


def plan_did_you_mean(message: RunMessage, suggestion: Suggestion) -> tuple[PlannedAction, ...]:
    """The courtesy reply, and the word that may have been meant."""
    number = message.number
    language = language_of(DID_YOU_MEAN, number.languages)
    facts = {"word": suggestion.word, "number": number.address}
    own = own_text(number.texts, "did_you_mean", number.languages, facts)
    text = own or DID_YOU_MEAN[language].format(word=suggestion.word)
    question = replace(
        _question(message, suggestion.tenant_id, "did_you_mean", "yes_no"),
        language=language,
        keyword_id=suggestion.keyword_id,
        keyword_revision=suggestion.revision,
    )
    said = " ".join(filter(None, (courtesy_text(number), text)))
    spec = NumberQuestionSpec(kind="courtesy", text=said, questions=(question,))
    return (PlannedAction(kind="did_you_mean", run=_run_did_you_mean, spec=spec),)


async def _run_did_you_mean(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Send it like any courtesy reply."""
    outcomes = await run_courtesy(session, runs, context)
    await _open(session, runs, outcomes, context)
    return outcomes


def _question(message: RunMessage, tenant_id: TenantId, origin: str, expected: str) -> Question:
    return Question(
        person=Person(number_id=message.number.id, msisdn=message.sender),
        tenant_id=tenant_id,
        origin=origin,
        expected=expected,
        lifetime=NUMBER_QUESTION_LIFETIME,
        inbound_message_id=message.id,
    )


async def _open(session: Session, runs: Sequence[NoticeRun], outcomes: Sequence[Outcome], context: RunContext) -> None:
    """Open the questions whose MT was queued."""
    sent = [each.spec for each, ended in zip(runs, outcomes, strict=True) if isinstance(ended, Done) and ended.values]
    questions = [question for spec in sent if isinstance(spec, NumberQuestionSpec) for question in spec.questions]
    await contexts.open_questions(session, questions, now=context.now)
