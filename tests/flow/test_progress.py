"""Tenants who asked for it hear how their messages fare; nobody hears of another tenant's."""

from typing import Any

import orjson
import pytest

from tests.cast import SEALER
from tests.flow.doubles import QuietTransport
from tests.flow.front_door import open_door
from tests.support.scene import FakeHttp, Scene
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.config import Settings
from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import DeliveryReceipt, DeliveryState
from twoway_router.mts import service as mts
from twoway_router.scheduler.app import Scheduler
from twoway_router.store import System, transaction
from twoway_router.webhooks import service as webhooks
from twoway_router.webhooks.listener import tell_endpoints


async def subscribe(scene: Scene, tenant_id: TenantId, *types: str) -> None:
    """An endpoint for these events."""
    values = {"url": "https://crm.example/sms", "event_types": list(types), "description": ""}
    async with transaction(scene.engine, System("test")) as session:
        await webhooks.create_endpoint(session, SEALER, tenant_id, values, secret=None, allowed=(), now=scene.clock())


async def told(scene: Scene) -> list[tuple[TenantId, str, dict[str, Any]]]:
    """Who was told what."""
    rows = await scene.rows("SELECT tenant_id, event_type, body FROM webhook_deliveries ORDER BY id")
    return [(row.tenant_id, row.event_type, orjson.loads(row.body)["data"]) for row in rows]


async def send(scene: Scene, http: FakeHttp | None = None) -> None:
    """One MT, tried once."""
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Hello"})
    await scene.runner().run([await scene.ask(keyword_id)])
    sms = scene.sms(http)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()


async def test_a_hand_over_is_told_to_its_tenant_only(scene: Scene) -> None:
    for tenant_id in (scene.pizzeria, scene.gym):
        await subscribe(scene, tenant_id, "message.handed_over")

    await send(scene)

    ((tenant_id, event_type, data),) = await told(scene)
    assert (tenant_id, event_type, data["state"], data["number"]) == (
        scene.pizzeria,
        "message.handed_over",
        "handed_over",
        "12345",
    )


async def test_a_failure_is_told_with_its_reason(scene: Scene) -> None:
    async def never(request: HttpRequest) -> HttpReply:
        return HttpReply(status=400, headers={}, body=b"{}")

    await subscribe(scene, scene.pizzeria, "message.failed")

    await send(scene, FakeHttp(answer=never))

    ((_, event_type, data),) = await told(scene)
    assert (event_type, data["reason"]) == ("message.failed", "carrier_refused")


async def test_an_mt_silenced_by_a_stop_is_told_as_failed(scene: Scene) -> None:
    await subscribe(scene, scene.pizzeria, "message.failed")
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Hello"})
    await scene.runner().run([await scene.ask(keyword_id)])
    await scene.rows(
        "INSERT INTO suppressions (id, number_id, msisdn, reason)"
        " SELECT id, number_id, recipient, 'api' FROM outbound_messages"
    )

    sms = scene.sms()
    await sms.deliver(await scene.take_jobs("sms.deliver"))

    ((_, event_type, data),) = await told(scene)
    assert (event_type, data["state"], data["reason"]) == ("message.failed", "suppressed", "opted_out")


@pytest.mark.parametrize(("text", "reason"), [("Hello", "opted_out"), ("Hello " * 200, "too_many_segments")])
async def test_an_mt_that_is_refused_at_once_is_told_as_failed(scene: Scene, text: str, reason: str) -> None:
    await subscribe(scene, scene.pizzeria, "message.failed")
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": text})
    message_id = await scene.ask(keyword_id)
    if reason == "opted_out":
        await scene.rows(
            "INSERT INTO suppressions (id, number_id, msisdn, reason)"
            " SELECT id, number_id, sender, 'api' FROM inbound_messages"
        )

    await scene.runner().run([message_id])

    ((tenant_id, event_type, data),) = await told(scene)
    (mt,) = await scene.mts()
    assert (tenant_id, event_type, data["reason"]) == (scene.pizzeria, "message.failed", reason)
    assert (data["outbound_message_id"], data["inbound_message_id"]) == (str(mt.id), str(message_id))


async def test_a_delivery_receipt_is_told(scene: Scene) -> None:
    await subscribe(scene, scene.pizzeria, "message.delivered")
    await send(scene)
    (mt,) = await scene.mts()
    receipt = DeliveryReceipt(state=DeliveryState.DELIVERED, raw_state="ok", carrier_message_id=mt.carrier_message_id)

    async with transaction(scene.engine, System("test")) as session:
        news = await mts.apply_receipts(session, [(scene.connection_id, receipt)], now=scene.clock())
        await tell_endpoints(session, news, scene.clock())

    ((_, event_type, data),) = await told(scene)
    assert (event_type, data["delivery_state"]) == ("message.delivered", "delivered")


async def test_an_mt_that_a_stop_cancels_is_told_with_the_stop(scene: Scene, database_url: str) -> None:
    await subscribe(scene, scene.pizzeria, "message.failed")
    keyword = {"word": "PIZZA", "actions": [{"kind": "reply", "text": "Hello"}]}
    door = await open_door(scene, database_url, (scene.pizzeria, keyword))
    await door.say("PIZZA")

    await door.send("stop", "STOP")

    ((tenant_id, event_type, data),) = await told(scene)
    assert (tenant_id, event_type, data["reason"]) == (scene.pizzeria, "message.failed", "opted_out")


async def test_an_mt_that_expires_before_anybody_claims_it_is_told(scene: Scene) -> None:
    await subscribe(scene, scene.pizzeria, "message.failed")
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Hello"})
    await scene.runner().run([await scene.ask(keyword_id)])

    scene.clock.advance(hours=13)
    await Scheduler(settings=Settings(), engine=scene.engine, transport=QuietTransport(), clock=scene.clock).turn()

    ((tenant_id, event_type, data),) = await told(scene)
    assert (tenant_id, event_type, data["reason"]) == (scene.pizzeria, "message.failed", "expired")
