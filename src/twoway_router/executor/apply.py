"""Carries out the plans of a batch: takes what they ask for, runs their steps, writes what follows. Called by ``runs``."""

from collections.abc import Sequence
from typing import Final

from twoway_router.actions.context import RunContext, RunMessage
from twoway_router.contexts import service as contexts
from twoway_router.events.catalogue import MessageReceived
from twoway_router.events.news import Event, Listener, News
from twoway_router.executor.decide import (
    Plan,
    after_answers,
    after_places,
    places_wanted,
    recent_contexts,
    windows_to_note,
)
from twoway_router.executor.steps import run_steps
from twoway_router.inbound.service import finish, note_windows, reassign
from twoway_router.keywords.service import take_places
from twoway_router.store import Session

MOST_TAKINGS: Final = 2
"""The number's question and then the tenant's: whoever did not get the first does not take the second."""


async def apply(session: Session, plans: Sequence[Plan], context: RunContext, tell: Listener) -> None:
    """All of it in the caller's transaction. Plans come in the order in which their messages were written."""
    for turn in range(MOST_TAKINGS):
        answers = [plan.takes[turn].answer for plan in plans if turn < len(plan.takes)]
        plans = after_answers(plans, turn, await contexts.take_answers(session, answers, now=context.now))
    if wanted := places_wanted(plans):
        plans = after_places(plans, await take_places(session, wanted))
    await note_windows(session, windows_to_note(plans))
    await reassign(session, [plan.reassigns for plan in plans if plan.reassigns])
    await contexts.close_choices(session, {plan.person for plan in plans if plan.closes_choices}, now=context.now)
    received = [_received(plan.message) for plan in plans if plan.message.tenant_id is not None and plan.only is None]
    finished = await run_steps(session, plans, context)
    await contexts.refresh_recent(session, recent_contexts(plans, finished), now=context.now)
    news = News(events=(*received, *context.events), moved=context.refused, left=tuple(context.left))
    await tell(session, news, context.now)
    await finish(session, [plan.message.id for plan in plans], finished, context.now)


def _received(message: RunMessage) -> Event:
    facts = {
        "inbound_message_id": message.original_id or message.id,
        "number": message.number.address,
        "country": message.number.country,
        "sender": message.sender,
        "text": message.text,
        "route": message.route,
        "keyword_id": message.keyword_id,
        "keyword": message.word or None,
        "sub_keyword": message.sub_keyword,
        "rest": message.rest,
        "window": message.window.value,
        "answer": message.answer,
        "received_at": message.received_at,
    }
    return Event(
        tenant_id=message.owner,
        type="message.received",
        data=MessageReceived.model_validate(facts),
        key=message.key(-1),
    )
