"""``/v1/webhook-endpoints`` and ``/v1/webhook-deliveries``, and the events that OpenAPI lists under ``webhooks``."""

from uuid import UUID

from fastapi import APIRouter, Response

from twoway_router.domain.ids import WebhookDeliveryId, WebhookEndpointId
from twoway_router.events.catalogue import EventType
from twoway_router.web.audit import CurrentTrail
from twoway_router.web.auth import CurrentTenant
from twoway_router.web.context import Context, DbSession, Now
from twoway_router.web.etags import IfMatch, tagged
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.webhooks import service
from twoway_router.webhooks.queries import deliveries as delivery_queries
from twoway_router.webhooks.queries import endpoints as endpoint_queries
from twoway_router.webhooks.schemas import (
    AttemptOut,
    DeliveryDetails,
    DeliveryOut,
    DeliveryState,
    EndpointIn,
    EndpointOut,
    EndpointPatch,
    EndpointWithSecret,
    RedeliveryIn,
    RedeliveryOut,
    RotationIn,
)

endpoints = api_router("/webhook-endpoints", resource="webhooks", tag="Webhooks")
deliveries = api_router("/webhook-deliveries", resource="webhooks", tag="Webhooks")


@endpoints.post("", status_code=201)
async def create_webhook_endpoint(
    body: EndpointIn,
    tenant: CurrentTenant,
    session: DbSession,
    now: Now,
    context: Context,
    trail: CurrentTrail,
    response: Response,
) -> EndpointWithSecret:
    """Make an endpoint. Its signing secret is shown only in this answer."""
    values = body.model_dump(exclude={"secret"})
    fresh = await service.create_endpoint(
        session, context.sealer, tenant, values, secret=body.secret, allowed=context.webhook_networks, now=now
    )
    await trail.made("webhook_endpoint.created", "webhook_endpoints", fresh.endpoint.id)
    response.headers["Location"] = f"/v1/webhook-endpoints/{fresh.endpoint.id}"
    return tagged(response, fresh.endpoint.revision, _with_secret(fresh))


@endpoints.get("")
async def list_webhook_endpoints(tenant: CurrentTenant, session: DbSession, pages: Pages) -> Page[EndpointOut]:
    """List your endpoints, newest first."""
    rows = await endpoint_queries.list_endpoints(session, tenant, after=pages.after, limit=pages.fetch)
    return pages.page(rows, EndpointOut.of)


@endpoints.get("/{endpoint_id}")
async def get_webhook_endpoint(
    endpoint_id: UUID, tenant: CurrentTenant, session: DbSession, response: Response
) -> EndpointOut:
    """Read an endpoint."""
    endpoint = await service.get_endpoint(session, tenant, WebhookEndpointId(endpoint_id))
    return tagged(response, endpoint.revision, EndpointOut.of(endpoint))


@endpoints.patch("/{endpoint_id}")
async def change_webhook_endpoint(
    endpoint_id: UUID,
    body: EndpointPatch,
    tenant: CurrentTenant,
    session: DbSession,
    now: Now,
    context: Context,
    trail: CurrentTrail,
    expected: IfMatch,
    response: Response,
) -> EndpointOut:
    """Change an endpoint, or enable it again after it was disabled."""
    endpoint = await service.get_endpoint(session, tenant, WebhookEndpointId(endpoint_id), for_update=True)
    expected.check(endpoint.revision)
    values = body.model_dump(exclude_unset=True)
    async with trail.changing("webhook_endpoint.changed", "webhook_endpoints", endpoint_id):
        changed = await service.change_endpoint(session, endpoint, values, allowed=context.webhook_networks, now=now)
    return tagged(response, changed.revision, EndpointOut.of(changed))


@endpoints.delete("/{endpoint_id}", status_code=204)
async def delete_webhook_endpoint(
    endpoint_id: UUID,
    tenant: CurrentTenant,
    session: DbSession,
    now: Now,
    context: Context,
    trail: CurrentTrail,
    expected: IfMatch,
) -> None:
    """Delete an endpoint. What was delivered to it stays in the log."""
    endpoint = await service.get_endpoint(session, tenant, WebhookEndpointId(endpoint_id), for_update=True)
    expected.check(endpoint.revision)
    async with trail.changing("webhook_endpoint.deleted", "webhook_endpoints", endpoint_id):
        await service.delete_endpoint(session, context.sealer, endpoint, now=now)


@endpoints.post("/{endpoint_id}/secret-rotation")
async def rotate_webhook_secret(
    endpoint_id: UUID,
    body: RotationIn,
    tenant: CurrentTenant,
    session: DbSession,
    now: Now,
    context: Context,
    trail: CurrentTrail,
) -> EndpointWithSecret:
    """Take a new signing secret. For 24 hours the one before signs too, so that your receiver can follow."""
    endpoint = await service.get_endpoint(session, tenant, WebhookEndpointId(endpoint_id), for_update=True)
    async with trail.changing("webhook_endpoint.secret_rotated", "webhook_endpoints", endpoint_id):
        fresh = await service.rotate_secret(session, context.sealer, endpoint, secret=body.secret, now=now)
    return _with_secret(fresh)


@endpoints.post("/{endpoint_id}/test", status_code=201)
async def send_webhook_test(endpoint_id: UUID, tenant: CurrentTenant, session: DbSession, now: Now) -> DeliveryOut:
    """Send a `webhook.test` event."""
    endpoint = await service.get_endpoint(session, tenant, WebhookEndpointId(endpoint_id))
    return DeliveryOut.of(await service.send_test(session, endpoint, now=now))


@endpoints.post("/{endpoint_id}/redelivery")
async def redeliver_failed_webhooks(
    endpoint_id: UUID, body: RedeliveryIn, tenant: CurrentTenant, session: DbSession, now: Now
) -> RedeliveryOut:
    """Send an endpoint's failed deliveries again."""
    endpoint = await service.get_endpoint(session, tenant, WebhookEndpointId(endpoint_id))
    count = await service.redeliver_failed(session, endpoint, since=body.since, until=body.until, now=now)
    return RedeliveryOut(count=count)


@deliveries.get("")
async def list_webhook_deliveries(
    tenant: CurrentTenant,
    session: DbSession,
    pages: Pages,
    endpoint_id: UUID | None = None,
    state: DeliveryState | None = None,
    event_type: EventType | None = None,
    inbound_message_id: UUID | None = None,
) -> Page[DeliveryOut]:
    """List deliveries, newest first."""
    rows = await delivery_queries.list_deliveries(
        session,
        tenant,
        endpoint_id=endpoint_id,
        state=state,
        event_type=event_type,
        inbound_message_id=inbound_message_id,
        after=pages.after,
        limit=pages.fetch,
    )
    return pages.page(rows, DeliveryOut.of)


@deliveries.get("/{delivery_id}")
async def get_webhook_delivery(delivery_id: UUID, tenant: CurrentTenant, session: DbSession) -> DeliveryDetails:
    """Read a delivery with its body and its latest tries."""
    delivery = await service.get_delivery(session, tenant, WebhookDeliveryId(delivery_id))
    attempts = await delivery_queries.list_attempts(session, tenant, delivery_id)
    return DeliveryDetails.with_attempts(delivery, [AttemptOut.of(attempt) for attempt in attempts])


@deliveries.post("/{delivery_id}/redelivery")
async def redeliver_webhook(delivery_id: UUID, tenant: CurrentTenant, session: DbSession, now: Now) -> DeliveryOut:
    """Send a delivery once more: the same `webhook-id` and the same body."""
    return DeliveryOut.of(await service.redeliver(session, tenant, WebhookDeliveryId(delivery_id), now=now))


router = APIRouter()
router.include_router(endpoints)
router.include_router(deliveries)


def _with_secret(fresh: service.FreshEndpoint) -> EndpointWithSecret:
    shown = EndpointWithSecret.model_validate(fresh.endpoint, from_attributes=True)
    return shown.model_copy(update={"secret": fresh.secret})
