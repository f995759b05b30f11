"""SQL of tenants and API keys. Called by ``service``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from twoway_router.domain.ids import ApiKeyId, TenantId
from twoway_router.store import Session
from twoway_router.store.unique import is_flushed
from twoway_router.tenants.tables import ApiKeys, Tenants


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyWithTenant:
    """A key and the state of its tenant (None for an operator's)."""

    key: ApiKeys
    tenant_state: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedTenant:
    """A tenant as those who write to it see it."""

    id: UUID
    name: str
    is_active: bool


_NAMED: Final = text("SELECT id, name, state = 'active' AS is_active FROM tenants WHERE id = ANY(CAST(:ids AS uuid[]))")


async def insert_tenant_once(
    session: Session, tenant_id: TenantId, name: str, contact_email: str | None
) -> Tenants | None:
    """None when the name is taken."""
    values = {"id": tenant_id, "name": name, "contact_email": contact_email}
    added = insert(Tenants).values(**values)
    added = added.on_conflict_do_nothing(index_elements=["name"], index_where=Tenants.sandbox_of.is_(None))
    return (await session.scalars(added.returning(Tenants))).one_or_none()


async def insert_sandbox_once(session: Session, sandbox_id: TenantId, tenant: Tenants) -> None:
    """Nothing happens when the tenant has a sandbox already."""
    values = {"id": sandbox_id, "name": tenant.name, "state": tenant.state, "sandbox_of": tenant.id}
    await session.execute(insert(Tenants).values(**values).on_conflict_do_nothing(index_elements=[Tenants.sandbox_of]))


async def find_sandbox(session: Session, tenant_id: UUID, *, lock: bool = False) -> Tenants | None:
    """The sandbox of a tenant, its row locked if asked."""
    wanted = select(Tenants).where(Tenants.sandbox_of == tenant_id)
    return await session.scalar(wanted.with_for_update() if lock else wanted)


async def find_tenant(session: Session, tenant_id: UUID, *, lock: bool = False) -> Tenants | None:
    """The tenant, its row locked if asked."""
    wanted = select(Tenants).where(Tenants.id == tenant_id)
    return await session.scalar(wanted.with_for_update() if lock else wanted)


async def list_tenants(session: Session, *, after: UUID | None, limit: int, state: str | None) -> Sequence[Tenants]:
    """Newest first, without sandboxes."""
    wanted = select(Tenants).where(Tenants.sandbox_of.is_(None)).order_by(Tenants.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(Tenants.id < after)
    if state is not None:
        wanted = wanted.where(Tenants.state == state)
    return (await session.scalars(wanted)).all()


async def is_tenant_deleted(session: Session, tenant: Tenants) -> bool:
    """Delete a tenant, its sandbox and their keys; False when one of them still holds something else."""
    await session.execute(delete(ApiKeys).where(_is_key_of(tenant.id)))
    if sandbox := await find_sandbox(session, tenant.id, lock=True):
        await session.delete(sandbox)
        if not await is_flushed(session):
            return False
    await session.delete(tenant)
    return await is_flushed(session)


async def insert_key(session: Session, key: ApiKeys) -> ApiKeys:
    """The key with the database's own values."""
    session.add(key)
    await session.flush()
    await session.refresh(key)
    return key


async def find_key_by_kid(session: Session, kid: str) -> KeyWithTenant | None:
    """For authentication."""
    wanted = (
        select(ApiKeys, Tenants.state).outerjoin(Tenants, Tenants.id == ApiKeys.tenant_id).where(ApiKeys.kid == kid)
    )
    found = (await session.execute(wanted)).one_or_none()
    return None if found is None else KeyWithTenant(key=found[0], tenant_state=found[1])


async def find_key(session: Session, key_id: UUID, *, within: TenantId | None) -> ApiKeys | None:
    """``within`` a tenant and its sandbox, or any key when None."""
    wanted = select(ApiKeys).where(ApiKeys.id == key_id)
    return await session.scalar(wanted if within is None else wanted.where(_is_key_of(within)))


async def list_keys(
    session: Session, *, tenant_id: TenantId | None, after: UUID | None, limit: int
) -> Sequence[ApiKeys]:
    """Newest first; of one tenant and its sandbox, or of all and the operators."""
    wanted = select(ApiKeys).order_by(ApiKeys.id.desc()).limit(limit)
    if tenant_id is not None:
        wanted = wanted.where(_is_key_of(tenant_id))
    if after is not None:
        wanted = wanted.where(ApiKeys.id < after)
    return (await session.scalars(wanted)).all()


async def note_key_use(session: Session, key_id: ApiKeyId, now: datetime, *, every: timedelta) -> None:
    """Set ``last_used_at`` unless it was set lately, perhaps by another process."""
    is_due = or_(ApiKeys.last_used_at.is_(None), ApiKeys.last_used_at <= now - every)
    await session.execute(update(ApiKeys).where(ApiKeys.id == key_id, is_due).values(last_used_at=now))


def _is_key_of(tenant_id: UUID) -> ColumnElement[bool]:
    sandboxes = select(Tenants.id).where(Tenants.sandbox_of == tenant_id)
    return or_(ApiKeys.tenant_id == tenant_id, ApiKeys.tenant_id.in_(sandboxes))


async def list_named(session: Session, ids: Collection[UUID]) -> Mapping[UUID, NamedTenant]:
    """The tenants that messages belong to, by id."""
    rows = await session.execute(_NAMED, {"ids": list(ids)}) if ids else ()
    return {row.id: NamedTenant(**row._asdict()) for row in rows}
