"""Receipts move MTs forward, whether they come late, early, twice or in the wrong order."""

import pytest

from tests.support.scene import FakeHttp, Scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.domain.messages import DeliveryReceipt, DeliveryState
from twoway_router.mts import service as mts
from twoway_router.outbound.errors import SendUnknown
from twoway_router.store import System, transaction

REPLY = {"kind": "reply", "text": "Hello"}


async def handed_over(scene: Scene, http: FakeHttp | None = None) -> str:
    """One MT at the carrier; the carrier's id."""
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id)])
    sms = scene.sms(http)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()
    return f"c-{(await scene.mts())[0].id}"


async def report(scene: Scene, *states: DeliveryState, carrier_id: str | None = None, **fields: object) -> None:
    """Receipts, each in a transaction of its own."""
    for state in states:
        receipt = DeliveryReceipt(state=state, raw_state=state.value, carrier_message_id=carrier_id, **fields)  # type: ignore[arg-type] # test fields
        async with transaction(scene.engine, System("test")) as session:
            await mts.apply_receipts(session, [(scene.connection_id, receipt)], now=scene.clock())


D = DeliveryState


@pytest.mark.parametrize(
    ("reported", "state", "delivery_state"),
    [
        ([D.DELIVERED], "confirmed", "delivered"),
        ([D.ACCEPTED], "handed_over", "accepted"),
        ([D.ACCEPTED, D.DELIVERED], "confirmed", "delivered"),
        ([D.DELIVERED, D.ACCEPTED], "confirmed", "delivered"),
        ([D.DELIVERED, D.UNDELIVERED], "confirmed", "delivered"),
        ([D.UNDELIVERED], "failed", "undelivered"),
        ([D.EXPIRED, D.DELIVERED], "failed", "expired"),
        ([D.UNKNOWN], "handed_over", "unknown"),
        ([D.UNKNOWN, D.REJECTED], "failed", "rejected"),
    ],
)
async def test_receipts_never_move_an_mt_backwards(
    scene: Scene, reported: list[DeliveryState], state: str, delivery_state: str
) -> None:
    carrier_id = await handed_over(scene)

    await report(scene, *reported, carrier_id=carrier_id)

    (mt,) = await scene.mts()
    assert (mt.state, mt.delivery_state) == (state, delivery_state)


async def test_a_receipt_that_overtakes_its_answer_is_applied_with_it(scene: Scene) -> None:
    async def receipt_first(request: HttpRequest) -> HttpReply:
        reply = await taken(request)
        (mt,) = await scene.mts()
        await report(scene, D.DELIVERED, carrier_id=f"c-{mt.id}")
        return reply

    await handed_over(scene, FakeHttp(answer=receipt_first))

    (mt,) = await scene.mts()
    (receipt,) = await scene.rows("SELECT outbound_message_id FROM delivery_receipts")
    assert (mt.state, mt.delivery_state, receipt.outbound_message_id) == ("confirmed", "delivered", mt.id)


async def test_a_receipt_by_our_reference_settles_an_mt_whose_answer_was_lost(scene: Scene) -> None:
    async def receipt_only(request: HttpRequest) -> HttpReply:
        (mt,) = await scene.mts()
        await report(scene, D.ACCEPTED, reference=str(mt.id))
        raise SendUnknown("timeout")

    await handed_over(scene, FakeHttp(answer=receipt_only))

    assert await scene.states() == ["handed_over"]


async def test_a_late_receipt_still_settles_an_unknown_mt(scene: Scene) -> None:
    await handed_over(scene)
    await scene.rows(
        "UPDATE outbound_messages SET state = 'unknown', reason = 'not_repeated', carrier_message_id = NULL"
    )
    (mt,) = await scene.mts()

    await report(scene, D.DELIVERED, reference=str(mt.id))

    assert await scene.states() == ["confirmed"]


async def test_a_receipt_of_another_connection_says_nothing_about_our_mt(scene: Scene) -> None:
    carrier_id = await handed_over(scene)
    receipt = DeliveryReceipt(state=D.DELIVERED, raw_state="ok", carrier_message_id=carrier_id)

    async with transaction(scene.engine, System("test")) as session:
        await mts.apply_receipts(session, [(scene.gym, receipt)], now=scene.clock())  # type: ignore[list-item] # a foreign id

    assert await scene.states() == ["handed_over"]


async def test_an_opt_out_in_a_receipt_that_overtakes_its_answer_is_not_lost(scene: Scene) -> None:
    async def receipt_first(request: HttpRequest) -> HttpReply:
        reply = await taken(request)
        (mt,) = await scene.mts()
        await report(scene, D.UNDELIVERED, carrier_id=f"c-{mt.id}", opted_out=True)
        return reply

    await handed_over(scene, FakeHttp(answer=receipt_first))

    assert [row.reason for row in await scene.rows("SELECT reason FROM suppressions")] == ["carrier"]


async def test_an_opted_out_receipt_suppresses_the_recipient(scene: Scene) -> None:
    carrier_id = await handed_over(scene)

    await report(scene, D.UNDELIVERED, carrier_id=carrier_id, opted_out=True)

    assert [row.reason for row in await scene.rows("SELECT reason FROM suppressions")] == ["carrier"]
