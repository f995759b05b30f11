"""A carrier that is dead, slow or throttling delays its own MTs only, and is left alone for a while."""

import asyncio
from datetime import timedelta
from uuid import UUID

from tests.cast import BOB, SEALER
from tests.flow.test_mt_order import plan
from tests.support.scene import FakeHttp, Scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.executor.connections import ConnectionBook
from twoway_router.mts.delivery import Limits, SmsDelivery
from twoway_router.mts.rules import MtClass
from twoway_router.outbound.errors import SendRefused
from twoway_router.outbound.sms import HttpSender
from twoway_router.webhooks.listener import tell_endpoints

REPLY = {"kind": "reply", "text": "{{ message.rest }}"}


def executor(scene: Scene, http: FakeHttp, at_once: int = 4) -> SmsDelivery:
    """An executor that gives a carrier only so many MTs at once."""
    limits = Limits(
        lease=timedelta(seconds=60),
        timeout=timedelta(seconds=20),
        receipt_wait=timedelta(seconds=120),
        per_connection=at_once,
    )
    book = ConnectionBook(SEALER, "https://in.example")
    sender, chance = HttpSender(http), lambda: 0.5
    return SmsDelivery(scene.engine, sender, book, limits=limits, clock=scene.clock, tell=tell_endpoints, chance=chance)


async def planned(scene: Scene, count: int) -> list[UUID]:
    """MTs to different people; their jobs."""
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}", sender=f"+3932000{turn:05}") for turn in range(count)]
    await scene.runner().run(ids)
    return await scene.take_jobs("sms.deliver")


async def test_a_carrier_is_never_given_more_than_its_share_at_once(scene: Scene) -> None:
    jobs = await planned(scene, 20)
    under_way: list[int] = []
    now = 0

    async def count(request: HttpRequest) -> HttpReply:
        nonlocal now
        now += 1
        under_way.append(now)
        await asyncio.sleep(0.01)
        now -= 1
        return await taken(request)

    sms = executor(scene, FakeHttp(answer=count))
    await sms.deliver(jobs)
    await sms.drain()

    assert (max(under_way), set(await scene.states())) == (4, {"handed_over"})


async def test_bulk_at_a_slow_carrier_leaves_room_for_answers(scene: Scene) -> None:
    for turn in range(6):
        await plan(scene, "bulk", MtClass.BULK, handset=f"+3932000{turn:05}")
    await plan(scene, "answer", handset=BOB)
    is_full, is_answered, may_go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    http = FakeHttp()

    async def slow_for_bulk(request: HttpRequest) -> HttpReply:
        if http.texts[-1] == "answer":
            is_answered.set()
        elif len(http.texts) == 3:
            is_full.set()
        if b"bulk" in request.body:
            await may_go.wait()
        return await taken(request)

    http.answer = slow_for_bulk
    sms = executor(scene, http)
    delivering = asyncio.create_task(sms.bulk.deliver(await scene.take_jobs("sms.deliver_bulk")))
    await asyncio.wait_for(is_full.wait(), 60)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await asyncio.wait_for(is_answered.wait(), 60)
    begun = list(http.texts)
    may_go.set()
    await delivering
    await sms.drain()

    assert begun == ["bulk", "bulk", "bulk", "answer"]


async def test_a_dead_carrier_is_left_alone_after_five_failures(scene: Scene) -> None:
    jobs = await planned(scene, 30)

    async def dead(request: HttpRequest) -> HttpReply:
        raise SendRefused("connect_failed")

    http = FakeHttp(answer=dead)
    sms = executor(scene, http)
    for start in range(0, 30, 2):
        await sms.deliver(jobs[start : start + 2])
        await sms.drain()

    assert len(http.requests) == 6
    assert set(await scene.states()) == {"planned"}


async def test_after_the_rest_everything_goes_out(scene: Scene) -> None:
    jobs = await planned(scene, 10)
    is_dead = True

    async def recovering(request: HttpRequest) -> HttpReply:
        if is_dead:
            raise SendRefused("connect_failed")
        return await taken(request)

    sms = executor(scene, FakeHttp(answer=recovering))
    for each in jobs:
        await sms.deliver([each])
        await sms.drain()
    is_dead = False
    for _ in range(4):
        scene.clock.advance(seconds=40)
        await sms.deliver(await scene.take_jobs("sms.deliver"))
        await sms.drain()

    assert set(await scene.states()) == {"handed_over"}


async def test_a_throttling_carrier_gets_its_pause(scene: Scene) -> None:
    jobs = await planned(scene, 10)

    async def throttling(request: HttpRequest) -> HttpReply:
        return HttpReply(status=429, headers={"retry-after": "7"}, body=b"{}")

    http = FakeHttp(answer=throttling)
    sms = executor(scene, http)
    for each in jobs:
        await sms.deliver([each])
        await sms.drain()

    assert len(http.requests) == 1


async def test_a_disabled_connection_sends_nothing_until_it_is_back(scene: Scene) -> None:
    jobs = await planned(scene, 3)
    await scene.rows("UPDATE connections SET state = 'disabled'")
    http = FakeHttp()
    sms = executor(scene, http)
    await sms.deliver(jobs)
    while_disabled = len(http.requests)

    await scene.rows("UPDATE connections SET state = 'active', revision = revision + 1")
    scene.clock.advance(seconds=61)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()

    assert (while_disabled, len(http.requests)) == (0, 3)


async def test_a_changed_connection_is_used_from_the_next_mt_on(scene: Scene) -> None:
    first, second = await planned(scene, 2)
    http = FakeHttp()
    sms = executor(scene, http)
    await sms.deliver([first])
    await sms.drain()

    await scene.rows(
        "UPDATE connections SET revision = revision + 1,"
        " settings = jsonb_set(settings, '{send_url}', '\"https://new.example/send\"')"
    )
    await sms.deliver([second])
    await sms.drain()

    assert [request.url for request in http.requests] == ["https://lab.example/send", "https://new.example/send"]
