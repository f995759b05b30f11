"""The answer to START. The ingress has lifted what it lifts; this confirms it to those for whom there was something."""

from collections.abc import Sequence

from twoway_router.actions.context import PlannedAction, RunContext, RunMessage
from twoway_router.actions.notices.notice import (
    NoticeRun,
    NoticeSpec,
    is_about_keyword,
    send,
    text_about_keyword,
    text_about_number,
)
from twoway_router.domain.outcomes import Outcome
from twoway_router.numbers.default_texts import OPT_IN, OPT_IN_KEYWORD
from twoway_router.store import Session


def plan_opt_in(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Confirm the opt-in: to the number, or to the keyword's tenant."""
    if is_about_keyword(message):
        text = text_about_keyword(message, "opt_in_keyword", OPT_IN_KEYWORD)
    else:
        text = text_about_number(message, "opt_in", OPT_IN)
    return (PlannedAction(kind="opt_in", run=run, spec=NoticeSpec(kind="opt_in", text=text)),)


async def run(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Confirm a START that has lifted something. What it lifts was lifted when it came in."""
    silent = {each.message.id for each in runs if not each.message.has_restored}
    return await send(session, runs, context, silent=silent, reason="was_not_suppressed")
