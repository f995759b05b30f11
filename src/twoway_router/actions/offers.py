"""The number's own questions: which tenant is meant, and whether a misspelt word was meant. Planned by ``executor``.

Nothing of the message is handed to anybody before its sender has answered: the open question only remembers its id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from twoway_router.actions import notice
from twoway_router.actions.context import RunContext, RunMessage
from twoway_router.actions.notice import NoticeRun, NoticeSpec
from twoway_router.actions.plans import PlannedAction, plan_courtesy
from twoway_router.actions.texts import CHOOSE, DID_YOU_MEAN, language_of, own_text
from twoway_router.conversations import service as conversations
from twoway_router.conversations.rules import OFFER_LIFETIME, Question, Talk
from twoway_router.domain.ids import TenantId
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.store import Session

MOST_CHOICES: Final = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A tenant that may be meant, and the context that it would be for."""

    tenant_id: TenantId
    name: str
    context_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A keyword that may have been meant."""

    tenant_id: TenantId
    keyword_id: UUID
    revision: int
    word: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferSpec(NoticeSpec):
    """A question of the number's own with what opens when it is sent."""

    questions: tuple[Question, ...]


def plan_choose(message: RunMessage, choices: Sequence[Choice]) -> tuple[PlannedAction, ...]:
    """Ask by numbers which tenant is meant: one question for each, that only its number answers."""
    offered = list(enumerate(choices[:MOST_CHOICES], start=1))
    language = language_of(CHOOSE, message.number.languages)
    listed = ", ".join(f"{number} = {choice.name}" for number, choice in offered)
    questions = tuple(
        replace(
            _question(message, choice.tenant_id, "choose", "choice"),
            choices=(str(number),),
            target_id=choice.context_id,
        )
        for number, choice in offered
    )
    own = own_text(
        message.number.texts, "choose", message.number.languages, {"choices": listed, "number": message.number.address}
    )
    text = own or CHOOSE[language].format(choices=listed)
    return (PlannedAction(kind="choose", spec=OfferSpec(kind="choose", text=text, questions=questions)),)


def plan_did_you_mean(message: RunMessage, suggestion: Suggestion) -> tuple[PlannedAction, ...]:
    """The courtesy reply, with the word that may have been meant."""
    language = language_of(DID_YOU_MEAN, message.number.languages)
    courtesy = [step.spec.text for step in plan_courtesy(message.number) if isinstance(step.spec, NoticeSpec)]
    facts = {"word": suggestion.word, "number": message.number.address}
    own = own_text(message.number.texts, "did_you_mean", message.number.languages, facts)
    text = " ".join([*courtesy, own or DID_YOU_MEAN[language].format(word=suggestion.word)])
    question = replace(
        _question(message, suggestion.tenant_id, "did_you_mean", "yes_no"),
        language=language,
        keyword_id=suggestion.keyword_id,
        keyword_revision=suggestion.revision,
    )
    return (PlannedAction(kind="did_you_mean", spec=OfferSpec(kind="courtesy", text=text, questions=(question,))),)


async def run_choose(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Ask, at most once a day: whoever was asked already is not asked again, and the message stays where it is."""
    asked = await conversations.find_asked(session, {_talk(each.message) for each in runs}, now=context.now)
    fresh: dict[Talk, NoticeRun] = {}
    for each in runs:
        if _talk(each.message) not in asked:
            fresh.setdefault(_talk(each.message), each)
    asking = list(fresh.values())
    outcomes = await notice.run_plain(session, asking, context)
    await _open(session, asking, outcomes, context)
    ended = {each.message.id: outcome for each, outcome in zip(asking, outcomes, strict=True)}
    return [ended.get(each.message.id, Done(detail="asked_before")) for each in runs]


async def run_did_you_mean(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Send it like any courtesy reply; only what was sent is open."""
    outcomes = await notice.run_courtesy(session, runs, context)
    await _open(session, runs, outcomes, context)
    return outcomes


async def _open(session: Session, runs: Sequence[NoticeRun], outcomes: Sequence[Outcome], context: RunContext) -> None:
    sent = [each for each, outcome in zip(runs, outcomes, strict=True) if isinstance(outcome, Done) and outcome.values]
    questions = [question for each in sent if isinstance(each.spec, OfferSpec) for question in each.spec.questions]
    await conversations.open_questions(session, questions, now=context.now)


def _question(message: RunMessage, tenant_id: TenantId, origin: str, expected: str) -> Question:
    return Question(
        talk=_talk(message),
        tenant_id=tenant_id,
        origin=origin,
        expected=expected,
        lifetime=OFFER_LIFETIME,
        inbound_message_id=message.id,
    )


def _talk(message: RunMessage) -> Talk:
    return Talk(message.number.id, message.sender)
