"""MTs of one person go out one after the other, also when the turn passes on while the next one is just being planned."""

from datetime import datetime, timedelta

from tests.cast import PUBLIC_URL, SEALER
from tests.support.scene import Scene
from twoway_router.events.news import News
from twoway_router.executor.connections import ConnectionBook
from twoway_router.mts.delivery import Limits, SmsDelivery
from twoway_router.outbound.sms import HttpSender
from twoway_router.store import Session

REPLY = {"kind": "reply", "text": "{{ message.rest }}"}
LIMITS = Limits(lease=timedelta(seconds=60), timeout=timedelta(seconds=20), receipt_wait=timedelta(seconds=120))


async def test_an_mt_that_is_planned_while_its_predecessor_is_settled_is_not_forgotten(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id, "PIZZA one")])
    is_settling = False

    async def plan_the_next(session: Session, news: News, now: datetime) -> None:
        """The end of the settling transaction: a second executor plans the next MT and tries to claim it."""
        nonlocal is_settling
        if is_settling or not news.moved:
            return
        is_settling = True
        await scene.runner().run([await scene.ask(keyword_id, "PIZZA two")])
        await scene.sms().deliver(await scene.take_jobs("sms.deliver"))

    book = ConnectionBook(SEALER, PUBLIC_URL)
    sms = SmsDelivery(scene.engine, HttpSender(scene.http), book, limits=LIMITS, clock=scene.clock, tell=plan_the_next)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()
    before = await scene.states()
    scene.clock.advance(seconds=10)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()

    assert (before, await scene.states()) == (["handed_over", "planned"], ["handed_over", "handed_over"])
    assert scene.http.texts == ["one", "two"]


async def test_a_process_that_wakes_when_its_lease_is_over_sends_nothing(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id, "PIZZA one")])

    async def sleep_long(session: Session, news: News, now: datetime) -> None:
        """The end of the claiming transaction: the machine stands still for a while."""
        scene.clock.advance(seconds=50)

    book = ConnectionBook(SEALER, PUBLIC_URL)
    sms = SmsDelivery(scene.engine, HttpSender(scene.http), book, limits=LIMITS, clock=scene.clock, tell=sleep_long)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()
    [after] = await scene.mts()
    sent = len(scene.http.requests)
    scene.clock.advance(seconds=10)
    other = scene.sms()
    await other.deliver(await scene.take_jobs("sms.deliver"))
    await other.drain()

    assert (after.state, after.reason, sent) == ("planned", "lease_over", 0)
    assert (await scene.states(), scene.http.texts) == (["handed_over"], ["one"])
