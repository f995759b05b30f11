"""Tells tenants how their MTs fare and who has left them, if they asked for it. Called in the transaction of the news.

Given to ``mts.delivery`` by ``executor``; called by ``ingress`` for receipts.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import MtState
from twoway_router.mts.queries.progress import Progress
from twoway_router.mts.rules import Departure, News
from twoway_router.mts.service import list_acquainted, list_progress
from twoway_router.store import Session
from twoway_router.webhooks.events import EventType, MessageProgress, SenderOptedOut
from twoway_router.webhooks.queries import endpoints
from twoway_router.webhooks.service import EventDraft, emit_all

ACQUAINTED_FOR: Final = timedelta(days=90)
"""How long after its last message somebody's departure is still a tenant's business."""

EVENTS_BY_STATE: Final[Mapping[str, EventType]] = {
    MtState.HANDED_OVER: "message.handed_over",
    MtState.CONFIRMED: "message.delivered",
    MtState.FAILED: "message.failed",
    MtState.SUPPRESSED: "message.failed",
}


async def announce(session: Session, news: News, now: datetime) -> None:
    """Queue an event for each moved MT whose tenant subscribed to it, and for each departure; mostly nothing is read."""
    if news.left:
        await emit_all(session, await opted_out_events(session, news.left, now), now=now)
    moved = news.moved
    if not moved:
        return
    found = await endpoints.list_subscribed(session, set(moved.values()), set(EVENTS_BY_STATE.values()))
    asking = {tenant_id for _, tenant_id, _ in found}
    ids = [mt_id for mt_id, tenant_id in moved.items() if tenant_id in asking]
    if ids:
        rows = await list_progress(session, ids)
        await emit_all(session, [_event(row) for row in rows if row.state in EVENTS_BY_STATE], now=now)


async def opted_out_events(session: Session, left: Collection[Departure], now: datetime) -> Sequence[EventDraft]:
    """An event for each tenant that somebody who left has had to do with lately; none learns of another."""
    known = {(each.number_id, each.msisdn): each.tenant_ids for each in left}
    tenants: dict[tuple[UUID, str], set[UUID]] = {key: set(tenant_ids) for key, tenant_ids in known.items()}
    keys = {(each.number_id, each.msisdn): each.key for each in left}
    addresses: dict[UUID, str] = {}
    for each in await list_acquainted(session, known, now - ACQUAINTED_FOR):
        addresses[each.number_id] = each.number
        if each.tenant_id is not None:
            tenants[each.number_id, each.msisdn].add(each.tenant_id)
    return [
        EventDraft(
            tenant_id=TenantId(tenant_id),
            event_type="sender.opted_out",
            data=SenderOptedOut(number=addresses[number_id], sender=msisdn).model_dump(mode="json"),
            key=keys[number_id, msisdn],
        )
        for (number_id, msisdn), found in tenants.items()
        for tenant_id in sorted(found)
    ]


def _event(row: Progress) -> EventDraft:
    caused_by = EffectKey(cause=Cause(kind=CauseKind(row.cause_kind), id=row.cause_id))
    data = MessageProgress(
        outbound_message_id=row.id,
        inbound_message_id=caused_by.inbound_message_id,
        number=row.number,
        recipient=row.recipient,
        segments=row.segments,
        state=row.state,
        delivery_state=row.delivery_state,
        reason=row.reason,
    )
    return EventDraft(
        tenant_id=TenantId(row.tenant_id),
        event_type=EVENTS_BY_STATE[row.state],
        data=data.model_dump(mode="json"),
        key=EffectKey(
            cause=Cause(kind=CauseKind.OUTBOUND_MESSAGE, id=row.id),
            ordinal=list(EVENTS_BY_STATE).index(row.state),
        ),
        inbound_message_id=caused_by.inbound_message_id,
    )
