"""Tenants and their API keys. Called by ``api`` and by the command line; the caller commits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from twoway_router.domain.errors import Conflict, FieldError, Forbidden, NotFound, Unprocessable
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.store import Session, changes
from twoway_router.store.unique import is_flushed
from twoway_router.tenants import queries
from twoway_router.tenants.rules import KeyWish, exceeding, pointless
from twoway_router.tenants.tables import ApiKeys, Tenants
from twoway_router.web.auth import Principal, make_key
from twoway_router.web.etags import Expected, content_tag

# What other packages may ask of these tables.
NamedTenant = queries.NamedTenant
find_key_by_kid = queries.find_key_by_kid
find_sandbox = queries.find_sandbox
find_tenant = queries.find_tenant
list_keys = queries.list_keys
list_named = queries.list_named
note_key_use = queries.note_key_use


class TenantNameTaken(Conflict):
    """Another tenant already has this name."""

    code = "tenant_name_taken"


class TenantInUse(Conflict):
    """This tenant still holds keywords, numbers, endpoints or coupons. Suspend it instead."""

    code = "tenant_in_use"


class TenantIsSandbox(Conflict):
    """A sandbox follows its tenant: change that one."""

    code = "tenant_is_sandbox"


class TestKeyNeedsTenant(Unprocessable):
    """A test key works in the sandbox of a tenant: say of which. Operators have no sandbox."""

    code = "test_key_needs_tenant"


class LiveKeyRefused(Forbidden):
    """A sandbox has test keys only: no live key is made by a test key, or for a sandbox."""

    code = "live_key_refused"


class ScopeEscalation(Forbidden):
    """A key cannot give scopes that it does not have itself."""

    code = "scope_escalation"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A stored key and its token, which is never seen again."""

    row: ApiKeys
    token: str


def tag_of(tenant: Tenants) -> int:
    """What the ETag of a tenant is made of."""
    return content_tag(tenant.name, tenant.state, tenant.contact_email)


async def create_tenant(session: Session, name: str, contact_email: str | None) -> Tenants:
    """Raises TenantNameTaken."""
    created = await queries.insert_tenant_once(session, TenantId(new_id()), name, contact_email)
    if created is None:
        raise TenantNameTaken
    return created


async def get_tenant(session: Session, tenant_id: UUID) -> Tenants:
    """Raises NotFound."""
    found = await queries.find_tenant(session, tenant_id)
    if found is None:
        raise NotFound
    return found


async def update_tenant(
    session: Session, tenant_id: UUID, values: Mapping[str, Any], *, expected: Expected, now: datetime
) -> Tenants:
    """Change what is given. Suspending stops routing to the tenant's keywords and its API keys; its sandbox follows."""
    tenant = await _locked(session, tenant_id, expected)
    for name, value in values.items():
        setattr(tenant, name, value)
    tenant.updated_at = now
    if not await is_flushed(session):
        raise TenantNameTaken
    await changes.record(session, "tenant", tenant.id)
    if sandbox := await queries.find_sandbox(session, tenant.id, lock=True):
        sandbox.name, sandbox.state, sandbox.updated_at = tenant.name, tenant.state, now
        await changes.record(session, "tenant", sandbox.id)
    return tenant


async def delete_tenant(session: Session, tenant_id: UUID, *, expected: Expected) -> None:
    """Only a tenant that holds nothing, also in its sandbox; its API keys go with it."""
    tenant = await _locked(session, tenant_id, expected)
    if not await queries.is_tenant_deleted(session, tenant):
        raise TenantInUse


async def create_key(session: Session, wish: KeyWish, *, now: datetime) -> NewKey:
    """The tenant must exist; whether the caller may do this was asked before (``authorise_key``).

    A test key is made for the tenant's sandbox, and the first one makes the sandbox.
    """
    if wish.expires_at is not None and wish.expires_at <= now:
        raise Unprocessable(errors=[FieldError(pointer="/expires_at", detail="Must lie in the future.")])
    owner = await _owner(session, wish)
    fresh = make_key(wish.mode)
    row = ApiKeys(
        id=new_id(),
        tenant_id=owner,
        kid=fresh.kid,
        mode=wish.mode,
        name=wish.name,
        secret_hash=fresh.secret_hash,
        scopes=list(wish.scopes),
        expires_at=wish.expires_at,
    )
    return NewKey(row=await queries.insert_key(session, row), token=fresh.token)


async def authorise_key(session: Session, wish: KeyWish, giver: Principal) -> None:
    """Nobody gives more than they have, a sandbox no live key; a tenant gives only to itself; the tenant must exist."""
    if giver.is_sandbox and wish.mode == "live":
        raise LiveKeyRefused
    if more := exceeding(wish.scopes, giver.scopes):
        raise ScopeEscalation(f"Your own key does not have: {', '.join(more)}.")
    if wish.tenant_id is None:
        return
    if await queries.find_tenant(session, wish.tenant_id) is None:
        raise Unprocessable(errors=[FieldError(pointer="/tenant_id", detail="There is no such tenant.")])
    if useless := pointless(wish.scopes):
        detail = f"Not for a tenant's key: {', '.join(useless)}."
        raise Unprocessable(errors=[FieldError(pointer="/scopes", detail=detail)])


async def get_key(session: Session, key_id: UUID, *, within: TenantId | None) -> ApiKeys:
    """A tenant finds only its own keys and its sandbox's; None finds all."""
    found = await queries.find_key(session, key_id, within=within)
    if found is None:
        raise NotFound
    return found


async def revoke_key(session: Session, key_id: UUID, *, within: TenantId | None, now: datetime) -> None:
    """Refused for ever, within five seconds everywhere. Revoking again changes nothing."""
    key = await get_key(session, key_id, within=within)
    key.revoked_at = key.revoked_at or now
    await session.flush()


async def _owner(session: Session, wish: KeyWish) -> UUID | None:
    """Whose the key will be: a test key is the sandbox's, which is made if it is not there yet."""
    if wish.tenant_id is None:
        if wish.mode == "test":
            raise TestKeyNeedsTenant(errors=[FieldError(pointer="/tenant_id", detail="A test key needs a tenant.")])
        return None
    tenant = await get_tenant(session, wish.tenant_id)
    if wish.mode == "live":
        if tenant.sandbox_of is not None:
            raise LiveKeyRefused
        return tenant.id
    if tenant.sandbox_of is not None:
        return tenant.id
    await queries.insert_sandbox_once(session, TenantId(new_id()), tenant)
    sandbox = await queries.find_sandbox(session, tenant.id)
    if sandbox is None:
        raise NotFound
    return sandbox.id


async def _locked(session: Session, tenant_id: UUID, expected: Expected) -> Tenants:
    tenant = await queries.find_tenant(session, tenant_id, lock=True)
    if tenant is None:
        raise NotFound
    if tenant.sandbox_of is not None:
        raise TenantIsSandbox
    expected.check(tag_of(tenant))
    return tenant
