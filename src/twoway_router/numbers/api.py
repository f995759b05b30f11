"""Connections and carriers (operators), numbers (operators write, tenants see those they may use). Mounted under ``/v1``."""

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.domain.messages import NumberKind, Sharing
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers import queries, service
from twoway_router.numbers.connection_schemas import (
    CarrierOut,
    CarriersOut,
    ConnectionChange,
    ConnectionIn,
    ConnectionOut,
    ConnectionRequestOut,
)
from twoway_router.numbers.queries import NumberFilter, Rest
from twoway_router.numbers.schemas import AssignmentIn, ClaimsOut, NumberChange, NumberIn, NumberOut, State
from twoway_router.numbers.tables import Connections, Numbers
from twoway_router.store import Session
from twoway_router.web.audit import CurrentTrail
from twoway_router.web.auth import OPERATOR, CurrentPrincipal, Principal
from twoway_router.web.context import Context, DbSession, Now, WebContext
from twoway_router.web.etags import IfMatch, tagged
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Country, changes_of

carriers_router = api_router("/carriers", resource="connections", tag="Connections")
connections_router = api_router("/connections", resource="connections", tag="Connections")
router = api_router("/numbers", resource="numbers", tag="Numbers")

ClaimsOf = Annotated[UUID | None, Query(description="Operators only: the tenant whose `claims` are shown.")]


def _shown(connection: Connections, context: WebContext, rests: Mapping[UUID, Rest]) -> ConnectionOut:
    names = sorted(connections.open_secrets(context.sealer, connection))
    url = connections.inbound_url(context.public_url, connection)
    return ConnectionOut.of(connection, names, url, rests.get(connection.id))


async def _filter(
    country: Annotated[Country | None, Query()] = None,
    sharing: Sharing | None = None,
    kind: NumberKind | None = None,
    state: State | None = None,
    connection_id: Annotated[UUID | None, Query(description="For operators.")] = None,
    sandbox_id: Annotated[
        UUID | None, Query(description="For operators: the numbers of this sandbox, which are left out otherwise.")
    ] = None,
) -> NumberFilter:
    return NumberFilter(
        country=country,
        sharing=sharing,
        kind=kind,
        state=state,
        connection_id=connection_id,
        sandbox_id=sandbox_id,
    )


async def _claims(
    session: Session, caller: Principal, named: UUID | None, numbers: Sequence[Numbers]
) -> Mapping[UUID, ClaimsOut]:
    """What a tenant may claim: the caller, or whom an operator names."""
    tenant_id = caller.tenant_id or named
    if tenant_id is None:
        return {}
    found = await service.list_claims(session, numbers, tenant_id)
    return {number_id: ClaimsOut.model_validate(claims) for number_id, claims in found.items()}


@carriers_router.get("", dependencies=[OPERATOR])
async def list_carriers() -> CarriersOut:
    """List the carriers that connections can be made to, with what each needs."""
    return CarriersOut(data=[CarrierOut.of(CARRIERS[name]) for name in sorted(CARRIERS)])


@connections_router.post("", status_code=201, dependencies=[OPERATOR])
async def create_connection(
    body: ConnectionIn, context: Context, session: DbSession, now: Now, trail: CurrentTrail, response: Response
) -> ConnectionOut:
    """Create a connection. The answer names the URLs to enter at the carrier."""
    row = await connections.create_connection(session, context.sealer, body.to_row(new_id(), now), body.secrets)
    await trail.made("connection.created", "connections", row.id)
    response.headers["Location"] = f"/v1/connections/{row.id}"
    return tagged(response, row.revision, _shown(row, context, {}))


@connections_router.get("", dependencies=[OPERATOR])
async def list_connections(
    context: Context,
    session: DbSession,
    pages: Pages,
    now: Now,
    carrier: Annotated[str | None, Query(max_length=64)] = None,
    state: State | None = None,
) -> Page[ConnectionOut]:
    """List connections. Those of tenants' sandboxes only with `carrier=sandbox`."""
    found = await queries.list_connections(session, after=pages.after, limit=pages.fetch, carrier=carrier, state=state)
    rests = await queries.list_rests(session, [row.id for row in found], now)
    return pages.page(found, lambda row: _shown(row, context, rests))


@connections_router.get("/{connection_id}", dependencies=[OPERATOR])
async def get_connection(
    connection_id: UUID, context: Context, session: DbSession, now: Now, response: Response
) -> ConnectionOut:
    """Read a connection. Its secrets are not shown, only what they are called. Shows also whether it rests, and why."""
    row = await connections.get_connection(session, connection_id)
    return tagged(response, row.revision, _shown(row, context, await queries.list_rests(session, [row.id], now)))


@connections_router.patch("/{connection_id}", dependencies=[OPERATOR])
async def update_connection(
    connection_id: UUID,
    body: ConnectionChange,
    context: Context,
    session: DbSession,
    now: Now,
    trail: CurrentTrail,
    expected: IfMatch,
    response: Response,
) -> ConnectionOut:
    """Change a connection, rotate its secrets, or disable it: its URLs then answer 404."""
    said = {"secrets": sorted(body.secrets)} if body.secrets else None
    async with trail.changing("connection.changed", "connections", connection_id, details=said):
        row = await connections.update_connection(
            session, context.sealer, connection_id, changes_of(body), expected=expected, now=now
        )
    return tagged(response, row.revision, _shown(row, context, await queries.list_rests(session, [row.id], now)))


@connections_router.get("/{connection_id}/requests", dependencies=[OPERATOR])
async def list_connection_requests(connection_id: UUID, session: DbSession, pages: Pages) -> Page[ConnectionRequestOut]:
    """List the last requests of a connection's carrier, to see what is wrong. Under load only some are kept."""
    await connections.get_connection(session, connection_id)
    found = await queries.list_requests(session, connection_id, after=pages.after, limit=pages.fetch)
    return pages.page(found, ConnectionRequestOut.model_validate)


@router.post("", status_code=201, dependencies=[OPERATOR])
async def create_number(
    body: NumberIn, session: DbSession, now: Now, trail: CurrentTrail, response: Response
) -> NumberOut:
    """Create a number."""
    row = await service.create_number(session, body.to_row(new_id(), now))
    await trail.made("number.created", "numbers", row.id)
    response.headers["Location"] = f"/v1/numbers/{row.id}"
    return tagged(response, row.revision, NumberOut.of(row, None))


@router.get("")
async def list_numbers(
    caller: CurrentPrincipal,
    session: DbSession,
    pages: Pages,
    where: Annotated[NumberFilter, Depends(_filter)],
    claims_of: ClaimsOf = None,
) -> Page[NumberOut]:
    """List numbers. A tenant sees its own and the shared ones."""
    visible = where if caller.tenant_id is None else where.for_tenants()
    found = await queries.list_numbers(
        session, usable_by=caller.tenant_id, where=visible, after=pages.after, limit=pages.fetch
    )
    claims = await _claims(session, caller, claims_of, found)
    return pages.page(found, lambda row: NumberOut.of(row, caller.tenant_id, claims.get(row.id)))


@router.get("/{number_id}")
async def get_number(
    number_id: UUID, caller: CurrentPrincipal, session: DbSession, response: Response, claims_of: ClaimsOf = None
) -> NumberOut:
    """Read a number. `claims` tells what a tenant may claim on it, and how many keywords it holds."""
    row = await service.get_number(session, number_id, usable_by=caller.tenant_id)
    claims = await _claims(session, caller, claims_of, [row])
    return tagged(response, row.revision, NumberOut.of(row, caller.tenant_id, claims.get(row.id)))


@router.patch("/{number_id}", dependencies=[OPERATOR])
async def update_number(
    number_id: UUID,
    body: NumberChange,
    session: DbSession,
    now: Now,
    trail: CurrentTrail,
    expected: IfMatch,
    response: Response,
) -> NumberOut:
    """Change a number. What it is (country, address, kind, sharing) never changes: make another."""
    async with trail.changing("number.changed", "numbers", number_id):
        row = await service.update_number(session, number_id, body.to_changes(), expected=expected, now=now)
    return tagged(response, row.revision, NumberOut.of(row, None))


@router.put("/{number_id}/assignment", dependencies=[OPERATOR])
async def assign_number(
    number_id: UUID,
    body: AssignmentIn,
    session: DbSession,
    now: Now,
    trail: CurrentTrail,
    expected: IfMatch,
    response: Response,
) -> NumberOut:
    """Give a dedicated number to a tenant. Refused while another tenant holds keywords on it."""
    async with trail.changing("number.assigned", "numbers", number_id):
        row = await service.assign_number(session, number_id, TenantId(body.tenant_id), expected=expected, now=now)
    return tagged(response, row.revision, NumberOut.of(row, None))


@router.delete("/{number_id}/assignment", dependencies=[OPERATOR])
async def unassign_number(
    number_id: UUID, session: DbSession, now: Now, trail: CurrentTrail, expected: IfMatch, response: Response
) -> NumberOut:
    """Take a dedicated number back. Refused while a tenant holds keywords on it."""
    async with trail.changing("number.unassigned", "numbers", number_id):
        row = await service.assign_number(session, number_id, None, expected=expected, now=now)
    return tagged(response, row.revision, NumberOut.of(row, None))
