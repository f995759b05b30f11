"""Action ``ask``: send a question and open it. Its answer runs the ``on_answer`` steps of the same keyword revision."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.reply import queue_texts
from twoway_router.actions.specs import AskSpec
from twoway_router.contexts import service as conversations
from twoway_router.contexts.rules import Question, Talk, needs_word_choices
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.store import Session

AskRun = Run[AskSpec]

_EXPECTED: Final = {"yes_no": "yes_no", "choice": "choice", "scale": "scale", "free_text": "text"}
"""Our word for what is expected, as ``routing.answers`` reads it."""


async def run(session: Session, runs: Sequence[AskRun], context: RunContext) -> Sequence[Outcome]:
    """Queue the questions; those that will not be sent are not open."""
    ended = await queue_texts(session, [(each, each.spec.text) for each in runs], context)
    asked = [_question(each) for each, outcome in zip(runs, ended, strict=True) if isinstance(outcome, Done)]
    await conversations.open_questions(session, asked, now=context.now)
    return ended


def _question(each: AskRun) -> Question:
    message, spec = each.message, each.spec
    return Question(
        talk=Talk(message.number.id, message.sender),
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
