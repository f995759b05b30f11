"""Opt-outs at the carrier: an error in answer to an MT, a receipt, or a mark on an MO. Who is silenced, and who is told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.cast import ANN, BOB, a_number, an_effect
from tests.flow.test_progress import subscribe, told
from tests.support.scene import FakeHttp, Scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import DeliveryReceipt, DeliveryState
from twoway_router.events.news import Departure
from twoway_router.mts import service as mts
from twoway_router.store import System, transaction
from twoway_router.webhooks.listener import tell_endpoints

REPLY = {"kind": "reply", "text": "Hello"}


async def blocked(request: HttpRequest) -> HttpReply:
    """What a carrier answers to an MT to somebody who opted out there."""
    return HttpReply(status=400, body=orjson.dumps({"code": "21610"}))


@pytest.fixture
async def refusing(scene: Scene) -> Scene:
    """The scene, with a carrier that names opt-outs in its answers, both tenants listening."""
    await scene.rows(
        'UPDATE connections SET settings = settings || \'{"send_errors": {"21610": "opted_out"}}\', revision = 2'
    )
    for tenant_id in (scene.pizzeria, scene.gym):
        await subscribe(scene, tenant_id, "sender.opted_out")
    return scene


async def send(scene: Scene, http: FakeHttp, **columns: Any) -> UUID:
    """One reply of the pizzeria's, tried once."""
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id, **columns)])
    sms = scene.sms(http)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()
    return keyword_id


async def held_by(scene: Scene, tenant_id: TenantId) -> None:
    """A keyword of another tenant's on the number."""
    await scene.rows(
        "INSERT INTO keywords (id, tenant_id, number_id, word, state, revision, definition)"
        " VALUES (gen_random_uuid(), :tenant_id, :number_id, 'GYM', 'released', 1, '{}')",
        tenant_id=tenant_id,
        number_id=scene.number_id,
    )


async def suppressed(scene: Scene) -> list[tuple[UUID, str, UUID | None, str]]:
    rows = await scene.rows("SELECT number_id, msisdn, tenant_id, reason FROM suppressions")
    return [(row.number_id, row.msisdn, row.tenant_id, row.reason) for row in rows]


async def test_a_refusal_of_the_carrier_silences_everybody_on_a_shared_number(refusing: Scene) -> None:
    await send(refusing, FakeHttp(answer=blocked))

    assert await suppressed(refusing) == [(refusing.number_id, ANN, None, "carrier")]


async def test_a_refusal_is_told_to_the_tenant_whose_message_it_was(refusing: Scene) -> None:
    await send(refusing, FakeHttp(answer=blocked))

    assert await told(refusing) == [
        (
            refusing.pizzeria,
            "sender.opted_out",
            {"inbound_message_id": None, "number": "12345", "sender": ANN},
        )
    ]


async def test_a_receipt_is_told_to_every_tenant_that_the_person_wrote_to(refusing: Scene) -> None:
    await held_by(refusing, refusing.gym)
    await refusing.add_inbound("GYM", tenant_id=refusing.gym, state="done")
    await send(refusing, refusing.http)

    await report(refusing)

    assert {(tenant_id, event_type) for tenant_id, event_type, _ in await told(refusing)} == {
        (refusing.pizzeria, "sender.opted_out"),
        (refusing.gym, "sender.opted_out"),
    }
    assert await suppressed(refusing) == [(refusing.number_id, ANN, None, "carrier")]


async def test_no_tenant_learns_of_a_person_it_had_nothing_to_do_with_lately(refusing: Scene) -> None:
    await held_by(refusing, refusing.gym)
    await refusing.add_inbound("GYM", sender=BOB, tenant_id=refusing.gym, state="done")
    long_ago = refusing.clock() - timedelta(days=91)
    await refusing.add_inbound("GYM", tenant_id=refusing.gym, state="done", at=long_ago, received_at=long_ago)
    await send(refusing, refusing.http)

    await report(refusing)

    assert [tenant_id for tenant_id, _, _ in await told(refusing)] == [refusing.pizzeria]


async def test_a_departure_is_told_once(refusing: Scene) -> None:
    await send(refusing, refusing.http)

    await report(refusing)
    await report(refusing)

    assert len(await told(refusing)) == 1


async def test_a_receipt_that_overtakes_its_answer_is_told_and_obeyed_all_the_same(refusing: Scene) -> None:
    async def receipt_first(request: HttpRequest) -> HttpReply:
        await report(refusing)
        return await taken(request)

    await send(refusing, FakeHttp(answer=receipt_first))

    assert await suppressed(refusing) == [(refusing.number_id, ANN, None, "carrier")]
    assert [tenant_id for tenant_id, _, _ in await told(refusing)] == [refusing.pizzeria]


async def test_the_owner_of_a_dedicated_number_is_told(refusing: Scene) -> None:
    async with transaction(refusing.engine, System("test")) as session:
        owned = await a_number(session, refusing.connection_id, "+390612345678", owner=refusing.gym)
        news = await mts.leave(session, [Departure(number_id=owned, msisdn=ANN, key=an_effect())], now=refusing.clock())
        await tell_endpoints(session, news, refusing.clock())

    assert await suppressed(refusing) == [(owned, ANN, None, "carrier")]
    assert [tenant_id for tenant_id, _, _ in await told(refusing)] == [refusing.gym]


async def test_a_bare_stop_on_a_shared_number_is_told_to_those_that_the_person_wrote_to(refusing: Scene) -> None:
    await send(refusing, refusing.http)
    await held_by(refusing, refusing.gym)

    await refusing.runner().run([await refusing.add_inbound("STOP", route="opt_out", rule="reserved")])

    assert [(tenant_id, data["sender"]) for tenant_id, _, data in await told(refusing)] == [(refusing.pizzeria, ANN)]


@pytest.mark.parametrize("route", ["opt_out", "opt_in", "help"])
async def test_what_the_carrier_has_answered_is_not_answered_again(scene: Scene, route: str) -> None:
    await scene.rows(
        "INSERT INTO suppressions (id, number_id, msisdn, reason) VALUES (gen_random_uuid(), :number_id, :msisdn, 'api')",
        number_id=scene.number_id,
        msisdn=ANN,
    )

    await scene.runner().run(
        [await scene.add_inbound("STOP", route=route, rule="reserved", extra={"carrier_replied": "true"})]
    )

    (run,) = await scene.rows("SELECT state, values FROM action_runs")
    assert await scene.mts() == []
    assert run.state == "done"


async def test_a_keyword_that_the_carrier_has_answered_is_answered_by_its_tenant_too(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)

    await scene.runner().run([await scene.ask(keyword_id, extra={"carrier_replied": "true"})])

    assert len(await scene.mts()) == 1


async def report(scene: Scene) -> None:
    """A receipt for the last MT that says that its recipient opted out."""
    mt = (await scene.mts())[-1]
    receipt = DeliveryReceipt(
        state=DeliveryState.UNDELIVERED, raw_state="failed", carrier_message_id=f"c-{mt.id}", opted_out=True
    )
    async with transaction(scene.engine, System("test")) as session:
        news = await mts.apply_receipts(session, [(scene.connection_id, receipt)], now=scene.clock())
        await tell_endpoints(session, news, scene.clock())
