"""The least rows that a test of one slice needs below it: a tenant, a connection, a number."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import insert

from twoway_router.domain.ids import NumberId, TenantId, new_id
from twoway_router.numbers.tables import Connections, Numbers
from twoway_router.store import Session
from twoway_router.tenants.tables import Tenants

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def add_tenant(session: Session, name: str) -> TenantId:
    tenant_id = new_id()
    await session.execute(insert(Tenants).values(id=tenant_id, name=name))
    return TenantId(tenant_id)


async def add_number(
    session: Session,
    address: str = "12345",
    *,
    owner: UUID | None = None,
    options: dict[str, object] | None = None,
    state: str = "active",
) -> NumberId:
    """A number with a connection of its own; dedicated when it has an owner."""
    connection_id, number_id = new_id(), new_id()
    await session.execute(
        insert(Connections).values(
            id=connection_id, name=str(connection_id), carrier="generic", settings={}, secrets=b""
        )
    )
    await session.execute(
        insert(Numbers).values(
            id=number_id,
            country="IT",
            address=address,
            kind="short_code",
            sharing="dedicated" if owner else "shared",
            tenant_id=owner,
            connection_id=connection_id,
            languages=["it"],
            texts={},
            options=options or {},
            state=state,
        )
    )
    return NumberId(number_id)
