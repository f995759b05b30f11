"""The courtesy reply with a question: whether a keyword was meant that the text nearly spells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from twoway_router.actions.context import PlannedAction, RunContext, RunMessage
from twoway_router.actions.notices import courtesy
from twoway_router.actions.notices.notice import NoticeRun
from twoway_router.actions.notices.question import NumberQuestionSpec, open_sent, question_of
from twoway_router.domain.ids import TenantId
from twoway_router.domain.outcomes import Outcome
from twoway_router.numbers.default_texts import DID_YOU_MEAN, language_of, own_text
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A keyword that may have been meant."""

    tenant_id: TenantId
    keyword_id: UUID
    revision: int
    word: str


def plan_did_you_mean(message: RunMessage, suggestion: Suggestion) -> tuple[PlannedAction, ...]:
    """Say that the word is not known, and ask for the one that may have been meant."""
    number = message.number
    language = language_of(DID_YOU_MEAN, number.languages)
    facts = {"word": suggestion.word, "number": number.address}
    asking = own_text(number.texts, "did_you_mean", number.languages, facts) or DID_YOU_MEAN[language].format(
        word=suggestion.word
    )
    question = replace(
        question_of(message, suggestion.tenant_id, "did_you_mean", "yes_no"),
        language=language,
        keyword_id=suggestion.keyword_id,
        keyword_revision=suggestion.revision,
    )
    text = " ".join(filter(None, (courtesy.courtesy_text(number), asking)))
    spec = NumberQuestionSpec(kind="courtesy", text=text, questions=(question,))
    return (PlannedAction(kind="did_you_mean", run=run, spec=spec),)


async def run(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Send it like any courtesy reply; only what was sent is open."""
    outcomes = await courtesy.run(session, runs, context)
    await open_sent(session, runs, outcomes, context)
    return outcomes
