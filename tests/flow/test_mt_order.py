"""In which order one person's MTs go: by first due. A retry holds what follows; bulk and what is not due hold nothing."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cast import ANN, BOB, an_effect
from tests.support.scene import FakeHttp, Scene, later, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.dispatch import queries as dispatch
from twoway_router.dispatch.jobs import JOBS
from twoway_router.domain.causes import CauseKind
from twoway_router.domain.ids import new_id
from twoway_router.domain.messages import DeliveryReceipt, DeliveryState, Origin
from twoway_router.mts.rules import MtClass, job_of
from twoway_router.mts.service import MtDraft, apply_receipts, queue_mts
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.store import System, outbox, transaction

JOB, BULK = job_of(MtClass.ANSWER), job_of(MtClass.BULK)
CAUSES = {
    MtClass.ANSWER: CauseKind.INBOUND_MESSAGE,
    MtClass.SERVICE: CauseKind.TIMER,
    MtClass.BULK: CauseKind.CAMPAIGN_RECIPIENT,
}


async def plan(
    scene: Scene, words: str, mt_class: MtClass = MtClass.ANSWER, *, due_at: datetime | None = None, handset: str = ANN
) -> None:
    """One MT of the pizzeria."""
    draft = MtDraft(
        tenant_id=scene.pizzeria,
        number_id=scene.number_id,
        recipient=handset,
        text=words,
        origin=Origin.REPLY,
        key=an_effect(CAUSES[mt_class]),
        due_at=due_at,
    )
    async with transaction(scene.engine, System("test")) as session:
        await queue_mts(session, [draft], now=scene.clock(), lifetime=timedelta(hours=12))


async def deliver(scene: Scene, http: FakeHttp | None = None) -> None:
    """One executor does all jobs that are available, bulk last."""
    sms = scene.sms(http)
    await sms.deliver(await scene.take_jobs(JOB))
    await sms.bulk.deliver(await scene.take_jobs(BULK))
    await sms.drain()


async def refused(request: HttpRequest) -> HttpReply:
    raise SendRefused("connect_failed")


async def test_a_reminder_for_tomorrow_does_not_stand_before_an_answer_of_today(scene: Scene) -> None:
    await plan(scene, "reminder", MtClass.SERVICE, due_at=later(days=1))
    await plan(scene, "answer")

    await deliver(scene)
    today = list(scene.http.texts)
    scene.clock.advance(days=1)
    await deliver(scene)

    assert (today, scene.http.texts) == (["answer"], ["answer", "reminder"])


async def test_a_reminder_lives_as_long_as_an_answer_once_it_is_due(scene: Scene) -> None:
    await plan(scene, "reminder", MtClass.SERVICE, due_at=later(days=1))

    (mt,) = await scene.mts()
    assert (mt.due_at, mt.expires_at) == (later(days=1), later(days=1, hours=12))


async def test_a_retry_holds_the_next_answer_and_keeps_its_place(scene: Scene) -> None:
    await plan(scene, "one")
    await deliver(scene, FakeHttp(answer=refused))
    await plan(scene, "two")

    await deliver(scene)
    early = list(scene.http.texts)
    scene.clock.advance(seconds=2)
    await deliver(scene)
    await deliver(scene)

    assert (early, scene.http.texts) == ([], ["one", "two"])


async def test_a_receipt_for_what_would_be_tried_again_lets_the_next_answer_go(scene: Scene) -> None:
    async def lost(request: HttpRequest) -> HttpReply:
        raise SendUnknown("timeout")

    await plan(scene, "one")
    await deliver(scene, FakeHttp(answer=lost))
    await plan(scene, "two")
    await deliver(scene)
    (one, _) = await scene.mts()
    receipt = DeliveryReceipt(state=DeliveryState.DELIVERED, raw_state="1", reference=str(one.id))

    async with transaction(scene.engine, System("test")) as session:
        await apply_receipts(session, [(scene.connection_id, receipt)], now=scene.clock())
    await deliver(scene)

    assert (await scene.states(), scene.http.texts) == (["confirmed", "handed_over"], ["two"])


async def test_a_retry_holds_a_reminder_that_has_become_due(scene: Scene) -> None:
    await plan(scene, "answer")
    await plan(scene, "reminder", MtClass.SERVICE, due_at=later(seconds=1))
    await deliver(scene, FakeHttp(answer=refused))
    scene.clock.advance(seconds=2)

    await deliver(scene)
    await deliver(scene)

    assert scene.http.texts == ["answer", "reminder"]


async def test_a_persons_retry_holds_nobody_elses_answer(scene: Scene) -> None:
    await plan(scene, "one")
    await deliver(scene, FakeHttp(answer=refused))
    await plan(scene, "two", handset=BOB)

    await deliver(scene)

    assert scene.http.texts == ["two"]


async def test_bulk_goes_behind_an_answer_that_was_planned_later(scene: Scene) -> None:
    await plan(scene, "bulk", MtClass.BULK)
    await plan(scene, "answer")
    sms = scene.sms()

    await sms.bulk.deliver(await scene.take_jobs(BULK))
    await sms.drain()
    await deliver(scene)
    early = list(scene.http.texts)
    scene.clock.advance(seconds=2)
    await deliver(scene)

    assert (early, scene.http.texts) == (["answer"], ["answer", "bulk"])


async def test_bulk_waits_as_long_as_an_answer_is_tried_again(scene: Scene) -> None:
    await plan(scene, "answer")
    await deliver(scene, FakeHttp(answer=refused))
    await scene.rows("UPDATE outbound_messages SET due_at = :at", at=later(minutes=5))
    await plan(scene, "bulk", MtClass.BULK)

    await deliver(scene)

    (bulk,) = [mt for mt in await scene.mts() if mt.mt_class == MtClass.BULK]
    assert (bulk.state, bulk.due_at, bulk.reason) == ("planned", later(minutes=5), "answers_first")
    assert await scene.take_jobs(BULK) == []


async def test_bulk_does_not_wait_for_a_reminder_of_tomorrow(scene: Scene) -> None:
    await plan(scene, "reminder", MtClass.SERVICE, due_at=later(days=1))
    await plan(scene, "bulk", MtClass.BULK)

    await deliver(scene)

    assert scene.http.texts == ["bulk"]


async def test_bulk_under_way_holds_no_answer(scene: Scene) -> None:
    during: list[str] = []

    async def answer_meanwhile(request: HttpRequest) -> HttpReply:
        """While the carrier takes its time for bulk, somebody gets an answer."""
        await plan(scene, "answer")
        sms = scene.sms()
        await sms.deliver(await scene.take_jobs(JOB))
        await sms.drain()
        during.extend(scene.http.texts)
        return await taken(request)

    await plan(scene, "bulk", MtClass.BULK)
    await deliver(scene, FakeHttp(answer=answer_meanwhile))

    assert (during, await scene.states()) == (["answer"], ["handed_over", "handed_over"])


async def test_bulk_waits_while_an_answer_is_under_way(scene: Scene) -> None:
    during: list[Mapping[str, Any]] = []

    async def try_bulk_meanwhile(request: HttpRequest) -> HttpReply:
        sms = scene.sms()
        await sms.bulk.deliver(await scene.take_jobs(BULK))
        await sms.drain()
        during.extend({"class": mt.mt_class, "state": mt.state} for mt in await scene.mts())
        return await taken(request)

    await plan(scene, "answer")
    await plan(scene, "bulk", MtClass.BULK)
    sms = scene.sms(FakeHttp(answer=try_bulk_meanwhile))
    await sms.deliver(await scene.take_jobs(JOB))
    await sms.drain()

    assert during == [{"class": "answer", "state": "claimed"}, {"class": "bulk", "state": "planned"}]


async def test_bulk_holds_no_other_bulk(scene: Scene) -> None:
    await plan(scene, "one", MtClass.BULK)
    await deliver(scene, FakeHttp(answer=refused))
    await plan(scene, "two", MtClass.BULK)

    await deliver(scene)

    assert scene.http.texts == ["two"]


@pytest.mark.parametrize("mt_class", MtClass)
def test_each_class_has_a_kind_of_job_and_bulk_has_its_own(mt_class: MtClass) -> None:
    assert job_of(mt_class) in JOBS
    assert (job_of(mt_class) == BULK) == (mt_class is MtClass.BULK)


async def test_bulk_leaves_the_outbox_only_when_nothing_else_is_due(scene: Scene) -> None:
    bulk, answers = [new_id() for _ in range(5)], [new_id() for _ in range(3)]
    async with transaction(scene.engine, System("test")) as session:
        await outbox.add(session, BULK, bulk)
        await outbox.add(session, JOB, answers)
    async with transaction(scene.engine, System("test")) as session:
        few = await dispatch.take_due(session, 2)
        more = await dispatch.take_due(session, 4)

    async with transaction(scene.engine, System("test")) as session:
        claimed = await dispatch.claim_rows(session, [BULK, JOB], timedelta(seconds=15), 4)

    assert [row.job for row in few] == [JOB, JOB]
    assert [row.job for row in more] == [JOB, JOB, JOB, BULK]
    assert sorted(row.job for row in claimed) == [JOB, JOB, JOB, BULK]
