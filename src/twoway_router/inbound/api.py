"""Inbound messages: lists by filter, one with its whole story. Mounted by ``management`` under ``/v1``."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from twoway_router.domain.errors import NotFound
from twoway_router.inbound.queries import listing
from twoway_router.inbound.queries.listing import InboundFilter
from twoway_router.inbound.schemas import InboundMessageOut, InboundStoryOut, MoState
from twoway_router.mts.service import list_answers
from twoway_router.routing.types import RouteOutcome, Rule, WindowState
from twoway_router.store.periods import Period
from twoway_router.web.auth import CurrentPrincipal
from twoway_router.web.context import DbSession
from twoway_router.web.filters import Address, OfTenant, address_of
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Moment

router = api_router("/inbound-messages", resource="messages", tag="Messages")


async def _inbound_filter(
    tenant_id: OfTenant = None,
    number_id: UUID | None = None,
    keyword_id: UUID | None = None,
    sender: Address = None,
    state: MoState | None = None,
    route: RouteOutcome | None = None,
    rule: Annotated[Rule | None, Query(description="Such as `message_id_reused` of what was put aside.")] = None,
    window: Annotated[WindowState | None, Query(description="Where it stood in the keyword's activity window.")] = None,
    opt_out_intent: Annotated[
        bool | None, Query(description="Whether the text is marked as a possible wish for an end.")
    ] = None,
    received_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    received_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> InboundFilter:
    return InboundFilter(
        period=Period(after=received_after, before=received_before),
        tenant_id=tenant_id,
        number_id=number_id,
        keyword_id=keyword_id,
        sender=address_of(sender),
        state=state,
        route=route,
        rule=rule,
        window=window,
        opt_out_intent=opt_out_intent,
    )


@router.get("")
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


@router.get("/{message_id}")
async def get_inbound_message(message_id: UUID, caller: CurrentPrincipal, session: DbSession) -> InboundStoryOut:
    """Read a message that came in, why it went where it went, what its actions did and what was sent."""
    row = await listing.find_inbound(session, message_id, within=caller.tenant_id, is_sandbox=caller.is_sandbox)
    if row is None:
        raise NotFound
    runs = await listing.list_runs(session, row.id)
    answers = await list_answers(session, row.id)
    return InboundStoryOut.from_rows(row, list(runs), list(answers), caller.tenant_id)
