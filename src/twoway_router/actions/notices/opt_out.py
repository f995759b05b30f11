"""The answer to STOP. The ingress has put the opt-out in force; this confirms it and tells the tenants."""

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
from twoway_router.domain.ids import TenantId
from twoway_router.domain.outcomes import Outcome
from twoway_router.inbound.queries.runs import find_repeated_opt_outs
from twoway_router.mts.rules import Departure
from twoway_router.numbers.default_texts import OPT_OUT, OPT_OUT_KEYWORD
from twoway_router.store import Session
from twoway_router.webhooks.events import SenderOptedOut
from twoway_router.webhooks.progress import opted_out_events
from twoway_router.webhooks.service import EventDraft


def plan_opt_out(message: RunMessage) -> tuple[PlannedAction, ...]:
    """Confirm the opt-out: of the number, or of the keyword's tenant."""
    if is_about_keyword(message):
        text = text_about_keyword(message, "opt_out_keyword", OPT_OUT_KEYWORD)
    else:
        text = text_about_number(message, "opt_out", OPT_OUT)
    return (PlannedAction(kind="opt_out", run=run, spec=NoticeSpec(kind="opt_out", text=text)),)


async def run(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Confirm an opt-out, once: a second STOP in a row is obeyed in silence. The suppression exists already."""
    repeated = await find_repeated_opt_outs(session, [each.message.id for each in runs])
    first = [each for each in runs if each.message.id not in repeated]
    context.events.extend(_opted_out(each, each.message.tenant_id) for each in first if each.message.tenant_id)
    left = [
        Departure(number_id=each.message.number.id, msisdn=each.message.sender, key=each.key)
        for each in first
        if not each.message.tenant_id
    ]
    if left:
        context.events.extend(await opted_out_events(session, left, context.now))
    return await send(session, runs, context, silent=repeated, reason="confirmed_before")


def _opted_out(each: NoticeRun, tenant_id: TenantId) -> EventDraft:
    message = each.message
    data = SenderOptedOut(inbound_message_id=message.id, number=message.number.address, sender=message.sender)
    return EventDraft(
        tenant_id=tenant_id,
        event_type="sender.opted_out",
        data=data.model_dump(mode="json"),
        key=each.key,
    )
