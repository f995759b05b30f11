"""SQL of webhook endpoints. A deleted endpoint keeps its row, so that its deliveries can still be read."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, insert, select, text

from twoway_router.store import Session
from twoway_router.webhooks.rules import DELETED
from twoway_router.webhooks.tables import WebhookEndpoints

EVERY_TYPE = "*"

_SUBSCRIBED = text(
    "SELECT id, tenant_id, event_types FROM webhook_endpoints WHERE tenant_id = ANY(CAST(:tenants AS uuid[]))"
    " AND state = 'enabled' AND event_types && CAST(:types AS text[]) ORDER BY id"
)


def _is_there() -> ColumnElement[bool]:
    return func.coalesce(WebhookEndpoints.disabled_reason, "") != DELETED


async def insert_endpoint(session: Session, values: Mapping[str, object]) -> None:
    """Store a new endpoint."""
    await session.execute(insert(WebhookEndpoints).values(**values))


async def find_endpoint(
    session: Session, tenant_id: UUID, endpoint_id: UUID, *, for_update: bool = False
) -> WebhookEndpoints | None:
    """A tenant's endpoint."""
    statement = select(WebhookEndpoints).where(
        WebhookEndpoints.tenant_id == tenant_id, WebhookEndpoints.id == endpoint_id, _is_there()
    )
    return await session.scalar(statement.with_for_update() if for_update else statement)


async def list_known(session: Session, tenant_id: UUID, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these endpoints that are the tenant's."""
    statement = select(WebhookEndpoints.id).where(
        WebhookEndpoints.tenant_id == tenant_id, WebhookEndpoints.id.in_(ids), _is_there()
    )
    return frozenset(await session.scalars(statement))


async def list_endpoints(
    session: Session, tenant_id: UUID, *, after: UUID | None, limit: int
) -> Sequence[WebhookEndpoints]:
    """A tenant's endpoints, newest first."""
    statement = select(WebhookEndpoints).where(WebhookEndpoints.tenant_id == tenant_id, _is_there())
    if after is not None:
        statement = statement.where(WebhookEndpoints.id < after)
    return (await session.scalars(statement.order_by(WebhookEndpoints.id.desc()).limit(limit))).all()


async def list_subscribed(
    session: Session, tenant_ids: Collection[UUID], event_types: Collection[str]
) -> Sequence[tuple[UUID, UUID, frozenset[str]]]:
    """Id, tenant and types of the enabled endpoints that subscribe to any of the types."""
    wanted = {"tenants": list(tenant_ids), "types": [*event_types, EVERY_TYPE]}
    rows = await session.execute(_SUBSCRIBED, wanted)
    return [(row.id, row.tenant_id, frozenset(row.event_types)) for row in rows]
