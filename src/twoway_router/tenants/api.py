"""Tenants (operators) and API keys (both). Mounted by ``management`` under ``/v1``."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from twoway_router.domain.ids import TenantId
from twoway_router.tenants import queries, service
from twoway_router.tenants.schemas import (
    ApiKeyIn,
    ApiKeyOut,
    NewApiKeyOut,
    TenantChange,
    TenantIn,
    TenantOut,
    TenantState,
)
from twoway_router.web.audit import CurrentTrail
from twoway_router.web.auth import OPERATOR, CurrentPrincipal
from twoway_router.web.context import DbSession, Now
from twoway_router.web.etags import IfMatch, tagged
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.web.schemas import changes_of

router = api_router("/tenants", resource="tenants", tag="Tenants")
keys_router = api_router("/api-keys", resource="api-keys", tag="API keys")


@router.post("", status_code=201, dependencies=[OPERATOR])
async def create_tenant(body: TenantIn, session: DbSession, trail: CurrentTrail, response: Response) -> TenantOut:
    """Create a tenant."""
    tenant = await service.create_tenant(session, body.name, body.contact_email)
    await trail.made("tenant.created", "tenants", tenant.id)
    response.headers["Location"] = f"/v1/tenants/{tenant.id}"
    return tagged(response, service.tag_of(tenant), TenantOut.of(tenant))


@router.get("", dependencies=[OPERATOR])
async def list_tenants(session: DbSession, pages: Pages, state: TenantState | None = None) -> Page[TenantOut]:
    """List tenants."""
    found = await queries.list_tenants(session, after=pages.after, limit=pages.fetch, state=state)
    return pages.page(found, TenantOut.of)


@router.get("/{tenant_id}", dependencies=[OPERATOR])
async def get_tenant(tenant_id: UUID, session: DbSession, response: Response) -> TenantOut:
    """Read a tenant."""
    tenant = await service.get_tenant(session, tenant_id)
    return tagged(response, service.tag_of(tenant), TenantOut.of(tenant))


@router.patch("/{tenant_id}", dependencies=[OPERATOR])
async def update_tenant(
    tenant_id: UUID,
    body: TenantChange,
    session: DbSession,
    now: Now,
    trail: CurrentTrail,
    expected: IfMatch,
    response: Response,
) -> TenantOut:
    """Change a tenant, or suspend it: its keywords stop routing and its API keys are refused."""
    async with trail.changing("tenant.changed", "tenants", tenant_id):
        tenant = await service.update_tenant(session, tenant_id, changes_of(body), expected=expected, now=now)
    return tagged(response, service.tag_of(tenant), TenantOut.of(tenant))


@router.delete("/{tenant_id}", status_code=204, dependencies=[OPERATOR])
async def delete_tenant(tenant_id: UUID, session: DbSession, trail: CurrentTrail, expected: IfMatch) -> None:
    """Delete a tenant that holds nothing. Its API keys go with it."""
    async with trail.changing("tenant.deleted", "tenants", tenant_id):
        await service.delete_tenant(session, tenant_id, expected=expected)


@keys_router.post("", status_code=201)
async def create_api_key(
    body: ApiKeyIn, caller: CurrentPrincipal, session: DbSession, now: Now, trail: CurrentTrail, response: Response
) -> NewApiKeyOut:
    """Create an API key. Its token is shown this once. To rotate: create a second key, then revoke the first."""
    wish = body.to_wish(caller)
    await service.authorise_key(session, wish, caller)
    new = await service.create_key(session, wish, now=now)
    await trail.made("api_key.created", "api_keys", new.row.id)
    response.headers["Location"] = f"/v1/api-keys/{new.row.id}"
    return NewApiKeyOut.made(new.row, new.token)


@keys_router.get("")
async def list_api_keys(
    caller: CurrentPrincipal,
    session: DbSession,
    pages: Pages,
    tenant_id: Annotated[UUID | None, Query(description="For operators; a tenant sees only its own.")] = None,
) -> Page[ApiKeyOut]:
    """List API keys without their secrets."""
    owner = caller.tenant_id or (TenantId(tenant_id) if tenant_id else None)
    found = await queries.list_keys(session, tenant_id=owner, after=pages.after, limit=pages.fetch)
    return pages.page(found, ApiKeyOut.of)


@keys_router.get("/{key_id}")
async def get_api_key(key_id: UUID, caller: CurrentPrincipal, session: DbSession) -> ApiKeyOut:
    """Read an API key."""
    return ApiKeyOut.of(await service.get_key(session, key_id, within=caller.tenant_id))


@keys_router.delete("/{key_id}", status_code=204)
async def revoke_api_key(
    key_id: UUID, caller: CurrentPrincipal, session: DbSession, now: Now, trail: CurrentTrail
) -> None:
    """Revoke an API key. It stays in the list and is refused within five seconds."""
    async with trail.changing("api_key.revoked", "api_keys", key_id):
        await service.revoke_key(session, key_id, within=caller.tenant_id, now=now)
