"""What the number itself answers: opt-out and opt-in confirmations, help, courtesy, window texts. Planned by ``plans``."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.reply import outcome_of, queue
from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import UnknownPolicy
from twoway_router.domain.outcomes import Done, Outcome
from twoway_router.inbound.queries.runs import find_repeated_opt_outs, take_courtesies
from twoway_router.mts.rules import Departure
from twoway_router.mts.service import MtDraft
from twoway_router.store import Session
from twoway_router.webhooks.events import SenderOptedOut
from twoway_router.webhooks.progress import opted_out_events
from twoway_router.webhooks.service import EventDraft

NoticeKind = Literal["opt_out", "opt_in", "help", "courtesy", "choose", "window"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeSpec:
    """A text of the number's own, ready to be sent."""

    kind: NoticeKind
    text: str


NoticeRun = Run[NoticeSpec]

_CARRIERS_ANSWER: Final = ("opt_out", "opt_in", "help")
"""What some carriers answer themselves, and say so."""


async def run_opt_out(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
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
    return await _send(session, runs, context, silent=repeated, reason="confirmed_before")


async def run_opt_in(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Confirm a START that has lifted something. What it lifts was lifted when it came in."""
    silent = {each.message.id for each in runs if not each.message.has_restored}
    return await _send(session, runs, context, silent=silent, reason="was_not_suppressed")


async def run_courtesy(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """At most one courtesy reply per number, sender and day, by the number's own calendar."""
    days = {each.message.id: each.message.received_at.astimezone(each.message.number.zone).date() for each in runs}
    wanted = {
        (each.message.number.id, each.message.sender, days[each.message.id]): each.message.id for each in reversed(runs)
    }
    taken = await take_courtesies(session, list(wanted))
    answered = {message_id for key, message_id in wanted.items() if key in taken}
    silent = {each.message.id for each in runs} - answered
    return await _send(session, runs, context, silent=set(silent), reason="once_a_day")


async def run_plain(session: Session, runs: Sequence[NoticeRun], context: RunContext) -> Sequence[Outcome]:
    """Help and window texts: always answered, unless the carrier has."""
    return await _send(session, runs, context, silent=set(), reason="")


async def _send(
    session: Session, runs: Sequence[NoticeRun], context: RunContext, *, silent: Set[UUID], reason: str
) -> Sequence[Outcome]:
    """Queue the texts but those of the ``silent``, for that ``reason``, and those that the carrier has answered itself."""
    why = {each.message.id: "carrier_replied" for each in runs if _is_answered(each)} | dict.fromkeys(silent, reason)
    drafts = [_draft(each) for each in runs if each.message.id not in why]
    queued = iter(await queue(session, drafts, context))
    return [Done(detail=why[each.message.id]) if each.message.id in why else outcome_of(next(queued)) for each in runs]


def _is_answered(each: NoticeRun) -> bool:
    return each.message.carrier_replied and each.spec.kind in _CARRIERS_ANSWER


def _draft(each: NoticeRun) -> MtDraft:
    message, kind = each.message, each.spec.kind
    return MtDraft(
        id=each.mt_id,
        tenant_id=message.tenant_id,
        number_id=message.number.id,
        recipient=message.sender,
        text=each.spec.text,
        origin=kind,
        key=each.key,
        reply_token=message.reply_token,
        policy=None if kind in ("help", "window") else UnknownPolicy.AT_MOST_ONCE,
    )


def _opted_out(each: NoticeRun, tenant_id: TenantId) -> EventDraft:
    message = each.message
    data = SenderOptedOut(inbound_message_id=message.id, number=message.number.address, sender=message.sender)
    return EventDraft(
        tenant_id=tenant_id,
        event_type="sender.opted_out",
        data=data.model_dump(mode="json"),
        key=each.key,
    )
