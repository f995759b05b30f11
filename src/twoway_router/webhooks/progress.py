"""Tells tenants how their MTs fare, if they asked for it. Called in the transaction in which an MT moves.

Given to ``messages.delivery`` by ``executor``; called by ``ingress`` for receipts.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from twoway_router.domain.ids import InboundMessageId, TenantId
from twoway_router.domain.messages import MtState
from twoway_router.messages.queries.delivering import Progress
from twoway_router.messages.service import list_progress
from twoway_router.store import Session
from twoway_router.webhooks.events import EventType, MessageProgress
from twoway_router.webhooks.queries import endpoints
from twoway_router.webhooks.service import EventDraft, emit_all

EVENTS_BY_STATE: Final[Mapping[str, EventType]] = {
    MtState.HANDED_OVER: "message.handed_over",
    MtState.CONFIRMED: "message.delivered",
    MtState.FAILED: "message.failed",
    MtState.SUPPRESSED: "message.failed",
}


async def announce(session: Session, moved: Mapping[UUID, UUID], now: datetime) -> None:
    """Queue an event for each moved MT (id → tenant) whose tenant subscribed to it; nothing is read for the others."""
    if not moved:
        return
    found = await endpoints.list_subscribed(session, set(moved.values()), set(EVENTS_BY_STATE.values()))
    asking = {tenant_id for _, tenant_id, _ in found}
    ids = [mt_id for mt_id, tenant_id in moved.items() if tenant_id in asking]
    if ids:
        rows = await list_progress(session, ids)
        await emit_all(session, [_event(row) for row in rows if row.state in EVENTS_BY_STATE], now=now)


def _event(row: Progress) -> EventDraft:
    data = MessageProgress(
        outbound_message_id=row.id,
        inbound_message_id=row.inbound_message_id,
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
        inbound_message_id=InboundMessageId(row.inbound_message_id) if row.inbound_message_id else None,
    )
