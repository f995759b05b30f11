"""Outbound messages: lists by filter, one with its tries and receipts. Mounted by ``management`` under ``/v1``."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from twoway_router.domain.errors import NotFound
from twoway_router.domain.messages import DeliveryState, MtState
from twoway_router.mts.jobs import resume
from twoway_router.mts.queries import listing
from twoway_router.mts.queries.listing import OutboundFilter
from twoway_router.mts.schemas import OutboundMessageOut, OutboundStoryOut, ResumedOut
from twoway_router.numbers.connection_service import get_connection
from twoway_router.store.periods import Period
from twoway_router.web.audit import CurrentTrail
from twoway_router.web.auth import OPERATOR, CurrentPrincipal
from twoway_router.web.context import DbSession, Now
from twoway_router.web.filters import Address, OfTenant, address_of
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Moment

router = api_router("/outbound-messages", resource="messages", tag="Messages")
connections_router = api_router("/connections", resource="connections", tag="Connections")


async def _outbound_filter(
    tenant_id: OfTenant = None,
    number_id: UUID | None = None,
    inbound_message_id: UUID | None = None,
    recipient: Address = None,
    state: MtState | None = None,
    delivery_state: DeliveryState | None = None,
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> OutboundFilter:
    return OutboundFilter(
        period=Period(after=created_after, before=created_before),
        tenant_id=tenant_id,
        number_id=number_id,
        inbound_message_id=inbound_message_id,
        recipient=address_of(recipient),
        state=state,
        delivery_state=delivery_state,
    )


@router.get("")
async def list_outbound_messages(
    caller: CurrentPrincipal,
    session: DbSession,
    pages: Pages,
    where: Annotated[OutboundFilter, Depends(_outbound_filter)],
) -> Page[OutboundMessageOut]:
    """List messages that go out."""
    within = caller.tenant_id
    rows = await listing.list_outbound(
        session, within=within, where=where, after=pages.after, limit=pages.fetch, is_sandbox=caller.is_sandbox
    )
    return pages.page(rows, lambda row: OutboundMessageOut.of(row, within))


@router.get("/{message_id}")
async def get_outbound_message(message_id: UUID, caller: CurrentPrincipal, session: DbSession) -> OutboundStoryOut:
    """Read a message that goes out, with every try and every receipt."""
    row = await listing.find_outbound(session, message_id, within=caller.tenant_id, is_sandbox=caller.is_sandbox)
    if row is None:
        raise NotFound
    attempts = await listing.list_attempts(session, row.id)
    receipts = await listing.list_receipts(session, row.id)
    return OutboundStoryOut.from_rows(row, list(attempts), list(receipts), caller.tenant_id)


@connections_router.post("/{connection_id}/resume", dependencies=[OPERATOR])
async def resume_connection(connection_id: UUID, session: DbSession, now: Now, trail: CurrentTrail) -> ResumedOut:
    """End a connection's rest, because its account works again. What waits for it goes out now."""
    row = await get_connection(session, connection_id)
    messages = await resume(session, row.id, now)
    await trail.made("connection.resumed", "connections", row.id)
    return ResumedOut(connection_id=row.id, messages=messages)
