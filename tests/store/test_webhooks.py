"""Webhook endpoints and the queue of their deliveries."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.cast import an_effect
from tests.store.rows import NOW, add_tenant
from twoway_router.domain.ids import TenantId, WebhookEndpointId, new_id
from twoway_router.events.catalogue import EventType, WebhookTest
from twoway_router.events.news import Event, News
from twoway_router.store import Session, System, transaction
from twoway_router.store.engine import make_engine
from twoway_router.store.sealing import Sealer
from twoway_router.webhooks import service
from twoway_router.webhooks.listener import tell_endpoints
from twoway_router.webhooks.queries import deliveries, endpoints
from twoway_router.webhooks.rules import (
    DeliveryDraft,
    DeliveryInProgress,
    EndpointIsDisabled,
    EndpointNotFound,
    signing_secrets,
)
from twoway_router.webhooks.tables import WebhookEndpoints

SEALER = Sealer([b"k" * 32])


@pytest.fixture
async def session(shared_database_url: str) -> AsyncIterator[Session]:
    """A transaction that is rolled back."""
    engine = make_engine(shared_database_url, pool_size=2)
    async with engine.connect() as connection:
        opened = Session(connection, expire_on_commit=False, autoflush=False)
        await opened.begin()
        yield opened
        await opened.rollback()
    await engine.dispose()


@pytest.fixture
async def pizzeria(session: Session) -> TenantId:
    return await add_tenant(session, "PIZZERIA")


async def add_endpoint(session: Session, tenant_id: TenantId, *event_types: str) -> WebhookEndpoints:
    values = {"url": "https://crm.example.com/sms", "description": "", "event_types": list(event_types)}
    fresh = await service.create_endpoint(session, SEALER, tenant_id, values, secret=None, allowed=(), now=NOW)
    return fresh.endpoint


def draft(endpoint: WebhookEndpoints, tenant_id: TenantId | None = None) -> DeliveryDraft:
    return DeliveryDraft(
        tenant_id=tenant_id or TenantId(endpoint.tenant_id),
        endpoint_id=WebhookEndpointId(endpoint.id),
        event_type="keyword.matched",
        data={"keyword": "PIZZA"},
        key=an_effect(),
    )


def an_event(tenant_id: TenantId, event_type: EventType = "webhook.test") -> Event:
    return Event(tenant_id=tenant_id, type=event_type, data=WebhookTest(endpoint_id=new_id()), key=an_effect())


async def jobs(session: Session) -> list[tuple[str, list[str]]]:
    rows = await session.execute(text("SELECT job, ids FROM outbox ORDER BY id"))
    return [(row.job, [str(each) for each in row.ids]) for row in rows]


async def test_a_queued_delivery_is_pending_with_its_body_and_a_job(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)

    (delivery_id,) = await service.queue_deliveries(session, [draft(endpoint)], now=NOW)

    assert delivery_id is not None
    delivery = await service.get_delivery(session, pizzeria, delivery_id)
    assert (delivery.state, delivery.due_at, delivery.attempt) == ("pending", NOW, 0)
    assert json.loads(delivery.body)["data"] == {"keyword": "PIZZA"}
    assert await jobs(session) == [("webhook.deliver", [str(delivery_id)])]


async def test_nothing_is_queued_for_another_tenants_endpoint(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    gym = await add_tenant(session, "GYM")

    queued = await service.queue_deliveries(session, [draft(endpoint, gym), draft(endpoint)], now=NOW)

    assert queued[0] is None
    assert queued[1] is not None


async def test_a_disabled_endpoints_delivery_is_kept_as_failed(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    await service.change_endpoint(session, endpoint, {"state": "disabled"}, allowed=(), now=NOW)

    (delivery_id,) = await service.queue_deliveries(session, [draft(endpoint)], now=NOW)

    assert delivery_id is not None
    delivery = await service.get_delivery(session, pizzeria, delivery_id)
    assert (delivery.state, delivery.reason) == ("failed", "endpoint_disabled")
    assert await jobs(session) == []


async def test_an_event_goes_to_every_endpoint_that_wants_it(session: Session, pizzeria: TenantId) -> None:
    gym = await add_tenant(session, "GYM")
    wanting = [
        await add_endpoint(session, pizzeria, "coupon.issued", "message.failed"),
        await add_endpoint(session, pizzeria, "*"),
    ]
    await add_endpoint(session, pizzeria, "message.received")
    await add_endpoint(session, gym, "coupon.issued")

    await tell_endpoints(session, News(events=(an_event(pizzeria, "coupon.issued"),)), NOW)

    rows = (await session.execute(text("SELECT endpoint_id FROM webhook_deliveries"))).scalars()
    assert sorted(rows) == sorted(endpoint.id for endpoint in wanting)


async def test_a_batch_of_events_of_two_tenants_is_kept_apart(session: Session, pizzeria: TenantId) -> None:
    gym = await add_tenant(session, "GYM")
    ours, theirs = await add_endpoint(session, pizzeria, "*"), await add_endpoint(session, gym, "*")

    await tell_endpoints(session, News(events=(an_event(pizzeria), an_event(gym))), NOW)

    rows = await session.execute(text("SELECT tenant_id, endpoint_id FROM webhook_deliveries"))
    assert {tuple(row) for row in rows} == {(pizzeria, ours.id), (gym, theirs.id)}


async def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(session: Session, pizzeria: TenantId) -> None:
    values = {"url": "https://crm.example.com/sms", "event_types": []}
    first = await service.create_endpoint(session, SEALER, pizzeria, values, secret=None, allowed=(), now=NOW)

    second = await service.rotate_secret(session, SEALER, first.endpoint, secret=None, now=NOW)

    opened = SEALER.open(second.endpoint.secrets)
    expires_at = second.endpoint.previous_secret_expires_at
    assert signing_secrets(opened, expires_at, NOW + timedelta(hours=23)) == (second.secret, first.secret)
    assert signing_secrets(opened, expires_at, NOW + timedelta(hours=24)) == (second.secret,)


async def test_a_deleted_endpoint_is_gone_but_its_log_stays(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria, "*")
    (delivery_id,) = await service.queue_deliveries(session, [draft(endpoint)], now=NOW)
    assert delivery_id is not None

    await service.delete_endpoint(session, SEALER, endpoint, now=NOW)

    with pytest.raises(EndpointNotFound):
        await service.get_endpoint(session, pizzeria, WebhookEndpointId(endpoint.id))
    assert await endpoints.list_endpoints(session, pizzeria, after=None, limit=10) == []
    assert await service.queue_deliveries(session, [draft(endpoint)], now=NOW) == [None]
    assert (await service.get_delivery(session, pizzeria, delivery_id)).id == delivery_id


async def test_enabling_again_forgets_the_failure(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    endpoint.state, endpoint.disabled_reason, endpoint.failing_since = "disabled", "failing_for_five_days", NOW

    changed = await service.change_endpoint(session, endpoint, {"state": "enabled"}, allowed=(), now=NOW)

    assert (changed.state, changed.disabled_reason, changed.failing_since) == ("enabled", None, None)


async def test_a_settled_delivery_is_sent_again_under_its_own_id(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    (delivery_id,) = await service.queue_deliveries(session, [draft(endpoint)], now=NOW)
    assert delivery_id is not None
    await session.execute(text("UPDATE webhook_deliveries SET state = 'failed', reason = 'gave_up'"))

    delivery = await service.redeliver(session, pizzeria, delivery_id, now=NOW + timedelta(hours=1))

    assert (delivery.id, delivery.state, delivery.reason) == (delivery_id, "pending", None)
    assert await jobs(session) == [("webhook.deliver", [str(delivery_id)])] * 2


async def test_a_pending_delivery_is_not_sent_twice(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    (delivery_id,) = await service.queue_deliveries(session, [draft(endpoint)], now=NOW)
    assert delivery_id is not None

    with pytest.raises(DeliveryInProgress):
        await service.redeliver(session, pizzeria, delivery_id, now=NOW)


async def test_only_failed_deliveries_of_the_time_are_sent_again(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    for hours in range(4):
        await service.queue_deliveries(session, [draft(endpoint)], now=NOW + timedelta(hours=hours))
    await session.execute(
        text("UPDATE webhook_deliveries SET state = 'failed' WHERE created_at < :at"), {"at": NOW + timedelta(hours=3)}
    )

    count = await service.redeliver_failed(
        session, endpoint, since=NOW + timedelta(hours=1), until=None, now=NOW + timedelta(hours=5)
    )

    assert count == 2


async def test_a_disabled_endpoint_gets_no_test(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    await service.change_endpoint(session, endpoint, {"state": "disabled"}, allowed=(), now=NOW)

    with pytest.raises(EndpointIsDisabled):
        await service.send_test(session, endpoint, now=NOW)


async def test_the_log_is_filtered(session: Session, pizzeria: TenantId) -> None:
    first, second = await add_endpoint(session, pizzeria), await add_endpoint(session, pizzeria)
    await service.queue_deliveries(session, [draft(first), draft(second), draft(second)], now=NOW)

    listed = await deliveries.list_deliveries(
        session,
        pizzeria,
        endpoint_id=second.id,
        state="pending",
        event_type="keyword.matched",
        inbound_message_id=None,
        after=None,
        limit=10,
    )

    assert [delivery.endpoint_id for delivery in listed] == [second.id, second.id]


async def test_an_event_of_a_cause_is_queued_for_an_endpoint_once(session: Session, pizzeria: TenantId) -> None:
    first, second = await add_endpoint(session, pizzeria), await add_endpoint(session, pizzeria)
    event = draft(first)

    (stored,) = await service.queue_deliveries(session, [event], now=NOW)
    elsewhere = replace(event, endpoint_id=WebhookEndpointId(second.id))
    again = await service.queue_deliveries(session, [event, elsewhere], now=NOW)

    assert stored is not None
    assert [each is None for each in again] == [True, False]


async def test_another_tenants_delivery_is_not_found(session: Session, pizzeria: TenantId) -> None:
    endpoint = await add_endpoint(session, pizzeria)
    (delivery_id,) = await service.queue_deliveries(session, [draft(endpoint)], now=NOW)

    assert await deliveries.find_delivery(session, new_id(), delivery_id or new_id()) is None


async def test_a_queue_survives_commit(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=2)
    async with transaction(engine, System("test")) as session:
        tenant_id = await add_tenant(session, "PIZZERIA")
        endpoint = await add_endpoint(session, tenant_id, "*")
        await tell_endpoints(session, News(events=(an_event(tenant_id),)), NOW)

    async with transaction(engine, System("test")) as session:
        listed = (await session.execute(text("SELECT endpoint_id FROM webhook_deliveries"))).scalars().all()
    await engine.dispose()

    assert listed == [endpoint.id]
