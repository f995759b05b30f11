"""Webhooks: endpoints with their secrets, events queued for them, deliveries queued again.

``queue_deliveries`` is called by ``listener`` and by the action ``call_webhook``, in the transaction of the news;
``webhooks.delivery`` sends what it queued.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from twoway_router.domain.addresses import Network
from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.ids import TenantId, WebhookDeliveryId, WebhookEndpointId, new_id
from twoway_router.store import Session, outbox
from twoway_router.store.sealing import Sealer
from twoway_router.webhooks.queries import claims, deliveries, endpoints
from twoway_router.webhooks.rules import (
    DELETED,
    ROTATION_OVERLAP,
    DeliveryDraft,
    DeliveryInProgress,
    DeliveryNotFound,
    EndpointIsDisabled,
    EndpointNotFound,
    NewDelivery,
    check_secret,
    check_url,
    event_body,
    make_secret,
    seal_value,
    signing_secrets,
)
from twoway_router.webhooks.tables import WebhookDeliveries, WebhookEndpoints

JOB: Final = "webhook.deliver"
REDELIVERY_LIMIT: Final = 1000

Entropy = Callable[[int], bytes]

# What other packages may ask of these tables.
DisabledEndpoint = claims.DisabledEndpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class FreshEndpoint:
    """An endpoint with its secret, which is shown once."""

    endpoint: WebhookEndpoints
    secret: str


async def queue_deliveries(
    session: Session, drafts: Sequence[DeliveryDraft], *, now: datetime
) -> Sequence[WebhookDeliveryId | None]:
    """Queue events for endpoints, one id per draft in order; None where the endpoint is gone or not the tenant's.

    For a disabled endpoint the delivery is stored as failed, so that it can be delivered later.
    """
    if not drafts:
        return []
    new = [
        NewDelivery(id=new_id(), draft=draft, body=event_body(draft.event_type, draft.data, now)) for draft in drafts
    ]
    states = await deliveries.insert_deliveries(session, new, now=now)
    await outbox.add(session, JOB, [delivery.id for delivery in new if states.get(delivery.id) == "pending"])
    return [WebhookDeliveryId(delivery.id) if delivery.id in states else None for delivery in new]


async def create_endpoint(
    session: Session,
    sealer: Sealer,
    tenant_id: TenantId,
    values: Mapping[str, object],
    *,
    secret: str | None,
    allowed: Sequence[Network],
    now: datetime,
    entropy: Entropy = secrets.token_bytes,
) -> FreshEndpoint:
    """A new endpoint. Without a secret of the tenant's own it gets a random one."""
    check_url(str(values["url"]), allowed)
    signing = _secret(secret, entropy)
    endpoint_id = WebhookEndpointId(new_id())
    sealed = sealer.seal(seal_value([signing]))
    owned = {"id": endpoint_id, "tenant_id": tenant_id, "secrets": sealed, "created_at": now, "updated_at": now}
    await endpoints.insert_endpoint(session, {**values, **owned})
    return FreshEndpoint(endpoint=await get_endpoint(session, tenant_id, endpoint_id), secret=signing)


async def get_endpoint(
    session: Session, tenant_id: TenantId, endpoint_id: WebhookEndpointId, *, for_update: bool = False
) -> WebhookEndpoints:
    """A tenant's endpoint; raises ``EndpointNotFound``."""
    endpoint = await endpoints.find_endpoint(session, tenant_id, endpoint_id, for_update=for_update)
    if endpoint is None:
        raise EndpointNotFound
    return endpoint


async def list_known_endpoints(session: Session, tenant_id: TenantId, ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these endpoints that are the tenant's."""
    return await endpoints.list_known(session, tenant_id, ids)


async def change_endpoint(
    session: Session,
    endpoint: WebhookEndpoints,
    values: Mapping[str, object],
    *,
    allowed: Sequence[Network],
    now: datetime,
) -> WebhookEndpoints:
    """Change a locked endpoint. Enabling it forgets that it failed."""
    if "url" in values:
        check_url(str(values["url"]), allowed)
    for field, value in values.items():
        setattr(endpoint, field, value)
    if values.get("state") == "enabled":
        endpoint.disabled_reason = endpoint.failing_since = None
    elif values.get("state") == "disabled":
        endpoint.disabled_reason = "by_tenant"
    await _touch(session, endpoint, now)
    return endpoint


async def rotate_secret(
    session: Session,
    sealer: Sealer,
    endpoint: WebhookEndpoints,
    *,
    secret: str | None,
    now: datetime,
    entropy: Entropy = secrets.token_bytes,
) -> FreshEndpoint:
    """A new secret for a locked endpoint; the one before it signs too for another day."""
    current = signing_secrets(sealer.open(endpoint.secrets), None, now)
    signing = _secret(secret, entropy)
    endpoint.secrets = sealer.seal(seal_value([signing, *current]))
    endpoint.previous_secret_expires_at = now + ROTATION_OVERLAP
    await _touch(session, endpoint, now)
    return FreshEndpoint(endpoint=endpoint, secret=signing)


async def delete_endpoint(session: Session, sealer: Sealer, endpoint: WebhookEndpoints, *, now: datetime) -> None:
    """Forget a locked endpoint and its secrets. What was delivered to it can still be read."""
    endpoint.state, endpoint.disabled_reason = "disabled", DELETED
    endpoint.secrets = sealer.seal(seal_value([]))
    await _touch(session, endpoint, now)


async def send_test(session: Session, endpoint: WebhookEndpoints, *, now: datetime) -> WebhookDeliveries:
    """Queue a test event; raises ``EndpointIsDisabled``."""
    _check_enabled(endpoint)
    tenant_id, endpoint_id = TenantId(endpoint.tenant_id), WebhookEndpointId(endpoint.id)
    data = {"endpoint_id": endpoint_id, "note": "This is a test."}
    draft = DeliveryDraft(
        tenant_id=tenant_id,
        endpoint_id=endpoint_id,
        event_type="webhook.test",
        data=data,
        key=EffectKey(cause=Cause(kind=CauseKind.API_REQUEST, id=new_id())),
    )
    delivery_id = (await queue_deliveries(session, [draft], now=now))[0]
    if delivery_id is None:
        raise EndpointNotFound
    return await get_delivery(session, tenant_id, delivery_id)


async def get_delivery(session: Session, tenant_id: TenantId, delivery_id: WebhookDeliveryId) -> WebhookDeliveries:
    """A tenant's delivery; raises ``DeliveryNotFound``."""
    delivery = await deliveries.find_delivery(session, tenant_id, delivery_id)
    if delivery is None:
        raise DeliveryNotFound
    return delivery


async def redeliver(
    session: Session, tenant_id: TenantId, delivery_id: WebhookDeliveryId, *, now: datetime
) -> WebhookDeliveries:
    """Send a settled delivery once more: the same ``webhook-id`` and body."""
    delivery = await get_delivery(session, tenant_id, delivery_id)
    _check_enabled(await get_endpoint(session, tenant_id, WebhookEndpointId(delivery.endpoint_id)))
    if not await deliveries.redeliver(session, tenant_id, delivery_id, now=now):
        raise DeliveryInProgress
    await outbox.add(session, JOB, [delivery_id])
    return await get_delivery(session, tenant_id, delivery_id)


async def redeliver_failed(
    session: Session, endpoint: WebhookEndpoints, *, since: datetime, until: datetime | None, now: datetime
) -> int:
    """Send an endpoint's failed deliveries once more, at most ``REDELIVERY_LIMIT`` of them; how many."""
    _check_enabled(endpoint)
    ids = await deliveries.redeliver_failed(
        session, endpoint.tenant_id, endpoint.id, since=since, until=until, now=now, limit=REDELIVERY_LIMIT
    )
    await outbox.add(session, JOB, ids)
    return len(ids)


def _secret(given: str | None, entropy: Entropy) -> str:
    if given is None:
        return make_secret(entropy)
    check_secret(given)
    return given


def _check_enabled(endpoint: WebhookEndpoints) -> None:
    if endpoint.state != "enabled":
        raise EndpointIsDisabled


async def _touch(session: Session, endpoint: WebhookEndpoints, now: datetime) -> None:
    endpoint.revision += 1
    endpoint.updated_at = now
    await session.flush()
