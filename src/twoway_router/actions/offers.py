"""The number's own questions: which tenant is meant, and whether a misspelt word was meant. Planned by ``executor``.

Nothing of the message is handed to anybody before its sender has answered: the open question only remembers its id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from twoway_router.actions import notice
from twoway_router.actions.context import RunContext, RunMessage
from twoway_router.actions.notice import NoticeRun, NoticeSpec
from twoway_router.contexts import service as conversations
from twoway_router.contexts.rules import Question, Talk
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.store import Session

MOST_CHOICES: Final = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferSpec(NoticeSpec):
    """A question of the number's own with what opens when it is sent."""

    questions: tuple[Question, ...]


async def run_choose(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Ask, at most once a day: whoever was asked already is not asked again, and the message stays where it is."""
    asked = await conversations.find_asked(session, {talk_of(each.message) for each in runs}, now=context.now)
    fresh: dict[Talk, NoticeRun] = {}
    for each in runs:
        if talk_of(each.message) not in asked:
            fresh.setdefault(talk_of(each.message), each)
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


def talk_of(message: RunMessage) -> Talk:
    return Talk(message.number.id, message.sender)
