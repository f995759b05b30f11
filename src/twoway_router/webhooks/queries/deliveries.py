"""SQL of webhook deliveries as they are queued, listed and queued again. Claiming and settling are in ``claims``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from twoway_router.store import Session
from twoway_router.webhooks.rules import NewDelivery
from twoway_router.webhooks.tables import WebhookAttempts, WebhookDeliveries

_INSERT = text(
    "INSERT INTO webhook_deliveries (id, tenant_id, endpoint_id, event_type, body, inbound_message_id, cause_id, cause_kind,"
    " generation, ordinal, state, due_at, reason, created_at, settled_at)"
    " SELECT new.id, new.tenant_id, new.endpoint_id, new.event_type, new.body, new.message, new.cause, new.kind,"
    " new.generation, new.ordinal,"
    " CASE endpoint.state WHEN 'enabled' THEN 'pending' ELSE 'failed' END, :now,"
    " CASE endpoint.state WHEN 'enabled' THEN NULL ELSE 'endpoint_disabled' END, :now,"
    " CASE endpoint.state WHEN 'enabled' THEN NULL ELSE CAST(:now AS timestamptz) END"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:endpoints AS uuid[]), CAST(:types AS text[]),"
    " CAST(:bodies AS text[]), CAST(:messages AS uuid[]), CAST(:causes AS uuid[]), CAST(:kinds AS text[]),"
    " CAST(:generations AS smallint[]), CAST(:ordinals AS smallint[]))"
    " AS new (id, tenant_id, endpoint_id, event_type, body, message, cause, kind, generation, ordinal)"
    " JOIN webhook_endpoints AS endpoint ON endpoint.id = new.endpoint_id AND endpoint.tenant_id = new.tenant_id"
    " AND endpoint.disabled_reason IS DISTINCT FROM 'deleted' ON CONFLICT DO NOTHING RETURNING id, state"
)
_AGAIN = "UPDATE webhook_deliveries SET state = 'pending', due_at = :now, reason = NULL, settled_at = NULL"
_REDELIVER = text(f"{_AGAIN} WHERE tenant_id = :tenant_id AND id = :id AND state IN ('done', 'failed') RETURNING id")
_REDELIVER_FAILED = text(
    f"{_AGAIN} WHERE id IN (SELECT id FROM webhook_deliveries WHERE tenant_id = :tenant_id"
    " AND endpoint_id = :endpoint_id AND state = 'failed' AND created_at >= :since"
    " AND coalesce(created_at < :until, true) ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED) RETURNING id"
)


async def insert_deliveries(
    session: Session, deliveries: Sequence[NewDelivery], *, now: datetime
) -> Mapping[UUID, str]:
    """Store deliveries; the states of those stored. A disabled endpoint's are failed; a foreign endpoint has none.

    An event that its cause has queued for the endpoint before is not stored again.
    """
    drafts = [delivery.draft for delivery in deliveries]
    rows = await session.execute(
        _INSERT,
        {
            "now": now,
            "ids": [delivery.id for delivery in deliveries],
            "bodies": [delivery.body for delivery in deliveries],
            "tenants": [draft.tenant_id for draft in drafts],
            "endpoints": [draft.endpoint_id for draft in drafts],
            "types": [draft.event_type for draft in drafts],
            "messages": [draft.inbound_message_id or draft.key.inbound_message_id for draft in drafts],
            "causes": [draft.key.cause.id for draft in drafts],
            "kinds": [draft.key.cause.kind.value for draft in drafts],
            "generations": [draft.key.generation for draft in drafts],
            "ordinals": [draft.key.ordinal for draft in drafts],
        },
    )
    return {row.id: row.state for row in rows}


async def redeliver(session: Session, tenant_id: UUID, delivery_id: UUID, *, now: datetime) -> bool:
    """Make a settled delivery pending again."""
    done = await session.execute(_REDELIVER, {"tenant_id": tenant_id, "id": delivery_id, "now": now})
    return done.first() is not None


async def redeliver_failed(
    session: Session,
    tenant_id: UUID,
    endpoint_id: UUID,
    *,
    since: datetime,
    until: datetime | None,
    now: datetime,
    limit: int,
) -> Sequence[UUID]:
    """Make an endpoint's failed deliveries pending again, the oldest first."""
    scope = {"tenant_id": tenant_id, "endpoint_id": endpoint_id, "since": since, "until": until}
    return list((await session.execute(_REDELIVER_FAILED, {**scope, "now": now, "limit": limit})).scalars())


async def find_delivery(session: Session, tenant_id: UUID, delivery_id: UUID) -> WebhookDeliveries | None:
    """A tenant's delivery."""
    return await session.scalar(
        select(WebhookDeliveries)
        .where(WebhookDeliveries.tenant_id == tenant_id, WebhookDeliveries.id == delivery_id)
        .execution_options(populate_existing=True)
    )


async def list_deliveries(
    session: Session,
    tenant_id: UUID,
    *,
    endpoint_id: UUID | None,
    state: str | None,
    event_type: str | None,
    inbound_message_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> Sequence[WebhookDeliveries]:
    """A tenant's deliveries, newest first."""
    wanted = {
        WebhookDeliveries.endpoint_id: endpoint_id,
        WebhookDeliveries.state: state,
        WebhookDeliveries.event_type: event_type,
        WebhookDeliveries.inbound_message_id: inbound_message_id,
    }
    statement = select(WebhookDeliveries).where(
        WebhookDeliveries.tenant_id == tenant_id,
        *(column == value for column, value in wanted.items() if value is not None),
    )
    if after is not None:
        statement = statement.where(WebhookDeliveries.id < after)
    return (await session.scalars(statement.order_by(WebhookDeliveries.id.desc()).limit(limit))).all()


async def list_attempts(
    session: Session, tenant_id: UUID, delivery_id: UUID, *, limit: int = 100
) -> Sequence[WebhookAttempts]:
    """The tries of a delivery, newest first."""
    rows = await session.scalars(
        select(WebhookAttempts)
        .where(WebhookAttempts.tenant_id == tenant_id, WebhookAttempts.delivery_id == delivery_id)
        .order_by(WebhookAttempts.attempt.desc())
        .limit(limit)
    )
    return rows.all()
