"""Inbound and outbound messages: lists by filter, one with its whole story. Mounted by ``management`` under ``/v1``."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from twoway_router.domain.errors import NotFound
from twoway_router.domain.messages import DeliveryState, MtState
from twoway_router.messages.queries import listing
from twoway_router.messages.queries.listing import InboundFilter, OutboundFilter, Period
from twoway_router.messages.schemas import (
    InboundMessageOut,
    InboundStoryOut,
    MoState,
    OutboundMessageOut,
    OutboundStoryOut,
)
from twoway_router.routing.types import RouteOutcome
from twoway_router.web.auth import CurrentPrincipal
from twoway_router.web.context import DbSession
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Moment

inbound = api_router("/inbound-messages", resource="messages", tag="Messages")
outbound = api_router("/outbound-messages", resource="messages", tag="Messages")

Address = Annotated[str | None, Query(max_length=64, examples=["+393200000001"])]
OfTenant = Annotated[UUID | None, Query(description="For operators; a tenant sees only its own.")]


def _address(text: str | None) -> str | None:
    """A plus that nobody encoded arrives as a space."""
    return f"+{text[1:]}" if text and text.startswith(" ") else text


async def _inbound_filter(
    tenant_id: OfTenant = None,
    number_id: UUID | None = None,
    keyword_id: UUID | None = None,
    sender: Address = None,
    state: MoState | None = None,
    route: RouteOutcome | None = None,
    received_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    received_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> InboundFilter:
    return InboundFilter(
        period=Period(after=received_after, before=received_before),
        tenant_id=tenant_id,
        number_id=number_id,
        keyword_id=keyword_id,
        sender=_address(sender),
        state=state,
        route=route,
    )


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
        recipient=_address(recipient),
        state=state,
        delivery_state=delivery_state,
    )


@inbound.get("")
async def list_inbound_messages(
    caller: CurrentPrincipal,
    session: DbSession,
    pages: Pages,
    where: Annotated[InboundFilter, Depends(_inbound_filter)],
) -> Page[InboundMessageOut]:
    """List messages that came in. Operators and sandboxes see also those that belong to no tenant."""
    within = caller.tenant_id
    rows = await listing.list_inbound(
        session, within=within, where=where, after=pages.after, limit=pages.fetch, is_sandbox=caller.is_sandbox
    )
    return pages.page(rows, lambda row: InboundMessageOut.of(row, within))


@inbound.get("/{message_id}")
async def get_inbound_message(message_id: UUID, caller: CurrentPrincipal, session: DbSession) -> InboundStoryOut:
    """Read a message that came in, why it went where it went, what its actions did and what was sent."""
    row = await listing.find_inbound(session, message_id, within=caller.tenant_id, is_sandbox=caller.is_sandbox)
    if row is None:
        raise NotFound
    runs = await listing.list_runs(session, row.id)
    answers = await listing.list_answers(session, row.id)
    return InboundStoryOut.told(row, list(runs), list(answers), caller.tenant_id)


@outbound.get("")
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


@outbound.get("/{message_id}")
async def get_outbound_message(message_id: UUID, caller: CurrentPrincipal, session: DbSession) -> OutboundStoryOut:
    """Read a message that goes out, with every try and every receipt."""
    row = await listing.find_outbound(session, message_id, within=caller.tenant_id, is_sandbox=caller.is_sandbox)
    if row is None:
        raise NotFound
    attempts = await listing.list_attempts(session, row.id)
    receipts = await listing.list_receipts(session, row.id)
    return OutboundStoryOut.told(row, list(attempts), list(receipts), caller.tenant_id)
