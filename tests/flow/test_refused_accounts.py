"""A carrier that refuses our account (key, credit, sender): its connection rests, its MTs wait, and one call resumes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from structlog.testing import capture_logs

from tests.flow.test_carriers_in_trouble import executor, planned
from tests.support.scene import FakeHttp, Scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.mts.jobs import resume
from twoway_router.numbers.connection_service import count_resting
from twoway_router.store import System, transaction


class Account:
    """A carrier's side: it refuses our key until that is put right."""

    def __init__(self) -> None:
        self.works = False
        self.http = FakeHttp(answer=self.answer)

    async def answer(self, request: HttpRequest) -> HttpReply:
        return await taken(request) if self.works else HttpReply(status=401, headers={}, body=b'{"code": "bad_key"}')


async def deliver(scene: Scene, account: Account, jobs: Sequence[UUID] | None = None) -> None:
    """A new executor does these jobs, or all that are due."""
    sms = executor(scene, account.http)
    await sms.deliver(await scene.take_jobs("sms.deliver") if jobs is None else jobs)
    await sms.drain()


async def rest_of(scene: Scene) -> Any:
    (row,) = await scene.rows("SELECT * FROM sending_paces")
    return row


async def test_mts_wait_for_an_account_that_is_refused_and_go_when_it_works(scene: Scene) -> None:
    account = Account()
    await deliver(scene, account, await planned(scene, 6))
    waiting = await scene.states()
    account.works = True
    for _ in range(4):
        scene.clock.advance(seconds=65)
        await deliver(scene, account)

    assert set(waiting) == {"planned"}
    assert set(await scene.states()) == {"handed_over"}


async def test_no_other_mt_is_tried_while_the_connection_rests(scene: Scene) -> None:
    account = Account()
    jobs = await planned(scene, 6)
    await deliver(scene, account, jobs[:1])
    await deliver(scene, account, jobs[1:])
    scene.clock.advance(seconds=30)
    await deliver(scene, account)

    assert len(account.http.requests) == 1
    assert {mt.reason for mt in await scene.mts()} == {"carrier_account", "carrier_rests"}


async def test_the_rest_doubles_up_to_a_quarter_of_an_hour(scene: Scene) -> None:
    account = Account()
    await deliver(scene, account, await planned(scene, 1))
    rests = [(await rest_of(scene)).rests_until - scene.clock()]
    for _ in range(6):
        scene.clock.advance(seconds=901)
        await deliver(scene, account)
        rests.append((await rest_of(scene)).rests_until - scene.clock())

    assert rests == [timedelta(minutes=each) for each in (1, 2, 4, 8, 15, 15, 15)]


async def test_refusals_of_all_that_was_under_way_are_one(scene: Scene) -> None:
    account = Account()
    await deliver(scene, account, await planned(scene, 4))

    row = await rest_of(scene)
    assert (len(account.http.requests), row.rests, row.rest_reason) == (4, 1, "account")
    assert row.rest_detail == "code bad_key"


async def test_the_refused_tries_do_not_count(scene: Scene) -> None:
    account = Account()
    await deliver(scene, account, await planned(scene, 1))
    for _ in range(6):
        scene.clock.advance(seconds=901)
        await deliver(scene, account)

    (mt,) = await scene.mts()
    assert (mt.state, mt.attempt, mt.spared) == ("planned", 7, 7)
    assert {row.outcome for row in await scene.rows("SELECT outcome FROM outbound_attempts")} == {"account"}


async def test_an_mt_waits_until_its_lifetime_is_over_and_no_longer(scene: Scene) -> None:
    account = Account()
    await deliver(scene, account, await planned(scene, 1))
    await scene.rows("UPDATE outbound_messages SET expires_at = :at", at=scene.clock() + timedelta(seconds=30))
    before = await scene.states()
    scene.clock.advance(seconds=65)
    account.works = True
    await deliver(scene, account)

    (mt,) = await scene.mts()
    assert (before, mt.state, mt.reason) == (["planned"], "failed", "expired")


async def test_one_call_resumes(scene: Scene) -> None:
    account = Account()
    jobs = await planned(scene, 6)
    await deliver(scene, account, jobs[:1])
    await deliver(scene, account, jobs[1:])
    account.works = True
    async with transaction(scene.engine, System("test")) as session:
        count = await resume(session, scene.connection_id, scene.clock())
    for _ in range(3):
        await deliver(scene, account)

    assert (count, set(await scene.states())) == (6, {"handed_over"})


async def test_a_rest_is_logged_when_it_begins_and_when_it_is_over(scene: Scene) -> None:
    account = Account()
    with capture_logs() as logs:
        await deliver(scene, account, await planned(scene, 3))
        account.works = True
        scene.clock.advance(seconds=65)
        await deliver(scene, account)

    about = [(each["event"], each["log_level"]) for each in logs if each["event"].startswith("connection.")]
    assert about == [("connection.rests", "warning"), ("connection.works", "info")]


async def test_resting_connections_are_counted_until_one_works(scene: Scene) -> None:
    account = Account()
    counts = []
    await deliver(scene, account, await planned(scene, 1))
    for seconds in (0, 65):
        scene.clock.advance(seconds=seconds)
        async with transaction(scene.engine, System("test")) as session:
            counts.append(await count_resting(session, scene.clock()))
    account.works = True
    await deliver(scene, account)
    async with transaction(scene.engine, System("test")) as session:
        counts.append(await count_resting(session, scene.clock()))

    assert counts == [{"account": each, "throttled": 0} for each in (1, 1, 0)]
