"""The answer to a text that fits no keyword."""

from collections.abc import Sequence

from twoway_router.actions.context import PlannedAction, RunContext, RunMessage, RunNumber
from twoway_router.actions.notices.notice import NoticeRun, NoticeSpec, send
from twoway_router.domain.outcomes import Outcome
from twoway_router.inbound.queries.runs import take_courtesies
from twoway_router.numbers.default_texts import COURTESY, default_text, own_text
from twoway_router.store import Session


def plan_courtesy(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Answer in the number's language."""
    text = courtesy_text(message.number)
    return (PlannedAction(kind="courtesy", run=run, spec=NoticeSpec(kind="courtesy", text=text)),) if text else ()


def courtesy_text(number: RunNumber) -> str | None:
    """A dedicated number answers an unknown word only if its owner wrote a text; a shared one always does."""
    text = own_text(number.texts, "courtesy", number.languages)
    if text is None and number.owner is None:
        return default_text(COURTESY, number.languages, number.address)
    return text


async def run(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """At most one courtesy reply per number, sender and day, by the number's own calendar."""
    days = {each.message.id: each.message.received_at.astimezone(each.message.number.zone).date() for each in runs}
    first = {
        (each.message.number.id, each.message.sender, days[each.message.id]): each.message.id for each in reversed(runs)
    }
    taken = await take_courtesies(session, list(first))
    answered = {message_id for key, message_id in first.items() if key in taken}
    silent = {each.message.id for each in runs} - answered
    return await send(session, runs, context, silent=set(silent), reason="once_a_day")
