"""The listener that queues webhooks: events for the endpoints that subscribe to them. Named by the composition roots."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.ids import TenantId, WebhookEndpointId
from twoway_router.domain.messages import MtState
from twoway_router.events.catalogue import EventType, MessageProgress, SenderOptedOut
from twoway_router.events.news import Departure, Event, News
from twoway_router.mts.service import list_acquainted, list_progress
from twoway_router.store import Session
from twoway_router.webhooks.queries import endpoints
from twoway_router.webhooks.rules import DeliveryDraft
from twoway_router.webhooks.service import queue_deliveries

ACQUAINTED_FOR: Final = timedelta(days=90)
"""A tenant is notified of an opt-out for so long after the person's last message to it."""

EVENTS_BY_STATE: Final[Mapping[str, EventType]] = {
    MtState.HANDED_OVER: "message.handed_over",
    MtState.CONFIRMED: "message.delivered",
    MtState.FAILED: "message.failed",
    MtState.SUPPRESSED: "message.failed",
}


async def tell_endpoints(session: Session, news: News, now: datetime) -> None:
    """Queue every event for the enabled endpoints of its tenant that subscribe to it; mostly there are none."""
    events = [*news.events, *await _departures(session, news.left, now)]
    types = {event.type for event in events} | (set(EVENTS_BY_STATE.values()) if news.moved else set())
    if not types:
        return
    wanting: dict[UUID, list[tuple[UUID, frozenset[str]]]] = {}
    for endpoint_id, tenant_id, wanted in await endpoints.list_subscribed(
        session, {event.tenant_id for event in events} | set(news.moved.values()), types
    ):
        wanting.setdefault(tenant_id, []).append((endpoint_id, wanted))
    following = {
        tenant_id
        for tenant_id, subscribed in wanting.items()
        if any(not wanted.isdisjoint((endpoints.EVERY_TYPE, *EVENTS_BY_STATE.values())) for _, wanted in subscribed)
    }
    events += await _progress(session, [mt_id for mt_id, tenant_id in news.moved.items() if tenant_id in following])
    drafts = [
        DeliveryDraft(
            tenant_id=event.tenant_id,
            endpoint_id=WebhookEndpointId(endpoint_id),
            event_type=event.type,
            data=event.data.model_dump(mode="json"),
            key=event.key,
            inbound_message_id=event.inbound_message_id,
        )
        for event in events
        for endpoint_id, wanted in wanting.get(event.tenant_id, ())
        if event.type in wanted or endpoints.EVERY_TYPE in wanted
    ]
    await queue_deliveries(session, drafts, now=now)


async def _departures(session: Session, left: Collection[Departure], now: datetime) -> Sequence[Event]:
    """One event per tenant that the person has written to lately; a tenant does not see the others."""
    if not left:
        return []
    known = {(each.number_id, each.msisdn): each.tenant_ids for each in left}
    tenants: dict[tuple[UUID, str], set[UUID]] = {key: set(tenant_ids) for key, tenant_ids in known.items()}
    keys = {(each.number_id, each.msisdn): each.key for each in left}
    addresses: dict[UUID, str] = {}
    for each in await list_acquainted(session, known, now - ACQUAINTED_FOR):
        addresses[each.number_id] = each.number
        if each.tenant_id is not None:
            tenants[each.number_id, each.msisdn].add(each.tenant_id)
    return [
        Event(
            tenant_id=TenantId(tenant_id),
            type="sender.opted_out",
            data=SenderOptedOut(number=addresses[number_id], sender=msisdn),
            key=keys[number_id, msisdn],
        )
        for (number_id, msisdn), found in tenants.items()
        for tenant_id in sorted(found)
    ]


async def _progress(session: Session, ids: Sequence[UUID]) -> Sequence[Event]:
    """Events about these MTs, where their state is one that tenants are notified of."""
    events: list[Event] = []
    for row in await list_progress(session, ids) if ids else ():
        if row.state not in EVENTS_BY_STATE:
            continue
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
        key = EffectKey(
            cause=Cause(kind=CauseKind.OUTBOUND_MESSAGE, id=row.id), ordinal=list(EVENTS_BY_STATE).index(row.state)
        )
        events.append(
            Event(
                tenant_id=TenantId(row.tenant_id),
                type=EVENTS_BY_STATE[row.state],
                data=data,
                key=key,
                inbound_message_id=caused_by.inbound_message_id,
            )
        )
    return events
