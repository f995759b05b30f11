"""What the number's own questions share: the contexts that open when they are sent."""

from collections.abc import Sequence
from dataclasses import dataclass

from twoway_router.actions.context import RunContext, RunMessage
from twoway_router.actions.notices.notice import NoticeRun, NoticeSpec
from twoway_router.consent.rules import Person
from twoway_router.contexts import service as contexts
from twoway_router.contexts.rules import NUMBER_QUESTION_LIFETIME, Question
from twoway_router.domain.ids import TenantId
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberQuestionSpec(NoticeSpec):
    """A question of the number's own with what opens when it is sent."""

    questions: tuple[Question, ...]


def question_of(message: RunMessage, tenant_id: TenantId, origin: str, expected: str) -> Question:
    """A question about a message: its answer decides whether the message is this tenant's."""
    return Question(
        person=Person(number_id=message.number.id, msisdn=message.sender),
        tenant_id=tenant_id,
        origin=origin,
        expected=expected,
        lifetime=NUMBER_QUESTION_LIFETIME,
        inbound_message_id=message.id,
    )


async def open_sent(
    session: Session, runs: Sequence[NoticeRun], outcomes: Sequence[Outcome], context: RunContext
) -> None:
    """Open the questions whose MT was queued."""
    sent = [each for each, outcome in zip(runs, outcomes, strict=True) if isinstance(outcome, Done) and outcome.values]
    questions = [
        question for each in sent if isinstance(each.spec, NumberQuestionSpec) for question in each.spec.questions
    ]
    await contexts.open_questions(session, questions, now=context.now)
