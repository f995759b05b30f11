"""What a lost job, a dead executor or time itself leaves behind is found by the scheduler's sweeps."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.cast import ANN
from tests.flow.doubles import QuietTransport, a_listener
from tests.flow.test_database_in_trouble import url_of
from tests.support.scene import FakeHttp, Scene
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.config import Settings
from twoway_router.dispatch.port import DeadJob, Job
from twoway_router.domain.ids import new_id
from twoway_router.scheduler.app import Scheduler
from twoway_router.scheduler.sweeps import DeadProcesses
from twoway_router.store import changes
from twoway_router.store.periods import first_id_of

REPLY = {"kind": "reply", "text": "Hello"}


@pytest.fixture
def scheduler(scene: Scene) -> Scheduler:
    """A scheduler of the scene."""
    return Scheduler(settings=Settings(), engine=scene.engine, transport=QuietTransport(), clock=scene.clock)


async def planned(scene: Scene) -> None:
    """One MT whose job is lost."""
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id)])
    await scene.take_jobs("sms.deliver")


async def die_while_sending(scene: Scene, process_number: int | None = None) -> None:
    """An executor that is killed after its claim."""
    stuck = asyncio.Event()

    async def never(request: HttpRequest) -> HttpReply:
        await stuck.wait()
        raise AssertionError

    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id)])
    sms = scene.sms(FakeHttp(answer=never), process_number=process_number)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms._answers._tries.cancel()


async def deliver(scene: Scene) -> None:
    """A living executor does what is due."""
    sms = scene.sms()
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()


async def test_a_planned_mt_without_a_job_gets_one_after_a_minute(scene: Scene, scheduler: Scheduler) -> None:
    await planned(scene)

    await scheduler.turn()
    early = await scene.take_jobs("sms.deliver")
    scene.clock.advance(seconds=61)
    await scheduler.turn()
    await scheduler.turn()

    assert (early, len(await scene.take_jobs("sms.deliver"))) == ([], 1)


async def watch(scene: Scene, *, seconds: int) -> None:
    """Two looks of one scheduler at the living, so many seconds apart."""
    dead = DeadProcesses(scene.engine)
    await dead.sweep(scene.clock())
    scene.clock.advance(seconds=seconds)
    await dead.sweep(scene.clock())


async def test_what_a_dead_process_had_claimed_goes_to_others_in_seconds(scene: Scene) -> None:
    await die_while_sending(scene, process_number=4711)

    await watch(scene, seconds=3)

    assert await scene.states() == ["unknown"]
    assert len(await scene.take_jobs("sms.deliver")) == 1


async def test_a_process_that_shows_no_sign_of_life_for_a_moment_keeps_its_claims(scene: Scene) -> None:
    await die_while_sending(scene, process_number=4711)

    await watch(scene, seconds=2)

    assert await scene.states() == ["claimed"]


async def test_a_process_that_lives_keeps_its_claims_until_it_lets_go(scene: Scene) -> None:
    listener = a_listener(url_of(scene.engine))
    await listener.start()
    await listener.wait(changes.CHANNEL, 30.0)
    await die_while_sending(scene, process_number=listener.process_number)

    await watch(scene, seconds=30)
    states_in_life = await scene.states()
    await listener.close()
    await scene.rows("SELECT pg_advisory_xact_lock(7301, CAST(:number AS integer))", number=listener.process_number)
    await watch(scene, seconds=3)

    assert (states_in_life, await scene.states()) == (["claimed"], ["unknown"])


async def test_an_mt_of_a_dead_executor_is_repeated_by_reference_when_its_lease_ends(
    scene: Scene, scheduler: Scheduler
) -> None:
    await die_while_sending(scene)

    scene.clock.advance(seconds=61)
    await scheduler.turn()
    for _ in range(2):
        await deliver(scene)
        scene.clock.advance(seconds=10)

    tries = await scene.rows("SELECT attempt, outcome FROM outbound_attempts ORDER BY attempt")
    assert (await scene.states(), [tuple(row) for row in tries]) == (["handed_over"], [(1, "unknown"), (2, "done")])


async def test_a_lease_that_has_not_ended_is_left_alone(scene: Scene, scheduler: Scheduler) -> None:
    await die_while_sending(scene)

    scene.clock.advance(seconds=30)
    await scheduler.turn()

    assert await scene.states() == ["claimed"]


async def test_an_mt_of_a_disabled_connection_expires(scene: Scene, scheduler: Scheduler) -> None:
    await planned(scene)
    await scene.rows("UPDATE connections SET state = 'disabled'")

    scene.clock.advance(hours=13)
    await scheduler.turn()

    (mt,) = await scene.mts()
    assert (mt.state, mt.reason) == ("failed", "expired")


async def test_who_waited_behind_an_expired_mt_gets_a_job(scene: Scene, scheduler: Scheduler) -> None:
    await planned(scene)
    await scene.rows("UPDATE outbound_messages SET expires_at = created_at")
    scene.clock.advance(seconds=90)
    (keyword,) = await scene.rows("SELECT id FROM keywords")
    await scene.runner().run([await scene.ask(keyword.id)])
    await scene.take_jobs("sms.deliver")

    await scheduler.turn()

    assert await scene.states() == ["failed", "planned"]
    assert len(await scene.take_jobs("sms.deliver")) == 1


async def test_an_accepted_message_without_a_job_gets_one(scene: Scene, scheduler: Scheduler) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    message_id = await scene.ask(keyword_id, at=scene.clock())
    scene.clock.advance(seconds=59)
    await scheduler.turn()
    early = await scene.take_jobs("message.run")

    scene.clock.advance(seconds=2)
    await scheduler.turn()
    await scheduler.turn()

    assert (early, await scene.take_jobs("message.run")) == ([], [message_id])


async def test_a_webhook_of_a_dead_executor_is_tried_again(scene: Scene, scheduler: Scheduler) -> None:
    endpoint, delivery = new_id(), new_id()
    await scene.rows(
        "INSERT INTO webhook_endpoints (id, tenant_id, url, event_types, secrets)"
        " VALUES (:id, :tenant, 'https://crm.example', '{}', '')",
        id=endpoint,
        tenant=scene.pizzeria,
    )
    await scene.rows(
        "INSERT INTO webhook_deliveries (id, tenant_id, endpoint_id, event_type, body, cause_id, cause_kind, state, attempt,"
        " due_at, lease_until, created_at) VALUES (:id, :tenant, :endpoint, 'x', '{}', :id, 'api_request', 'claimed', 1, :now,"
        " :now, :now)",
        id=delivery,
        tenant=scene.pizzeria,
        endpoint=endpoint,
        now=scene.clock(),
    )

    scene.clock.advance(seconds=1)
    await scheduler.turn()

    assert await scene.take_jobs("webhook.deliver") == [delivery]
    assert [row.state for row in await scene.rows("SELECT state FROM webhook_deliveries")] == ["pending"]


async def test_a_dead_job_counts_as_a_try_of_its_messages(scene: Scene, scheduler: Scheduler) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    message_id = await scene.ask(keyword_id)
    dead = DeadJob(job=Job(job="message.run", ids=(message_id,), shard=0, attempt=20), reason="x", dead_at=None)

    for _ in range(5):
        await scheduler.bury(dead)

    (row,) = await scene.rows("SELECT state, attempts, last_error FROM inbound_messages")
    assert tuple(row) == ("parked", 5, "job_dead")


async def test_a_dead_report_of_a_sandbox_comes_again_for_a_day(scene: Scene, scheduler: Scheduler) -> None:
    fresh, old = (first_id_of(scene.clock() - timedelta(hours=age)) for age in (23, 25))
    job = Job(job="sandbox.report", ids=(fresh, old), shard=0, attempt=20)

    await scheduler.bury(DeadJob(job=job, reason="x", dead_at=None))
    scene.clock.advance(seconds=61)

    assert await scene.take_jobs("sandbox.report") == [fresh]


async def test_old_idempotency_keys_are_forgotten_after_seven_days(scene: Scene, scheduler: Scheduler) -> None:
    for age in (6, 8):
        await scene.rows(
            "INSERT INTO idempotency_keys (owner, key, request_hash, status, headers, body, created_at)"
            " VALUES ('t', :key, '', 201, '{}', '', :at)",
            key=str(age),
            at=scene.clock() - timedelta(days=age),
        )

    await scheduler.turn()

    assert [row.key for row in await scene.rows("SELECT key FROM idempotency_keys")] == ["6"]


async def test_conversations_are_forgotten_thirty_days_after_they_ended(scene: Scene, scheduler: Scheduler) -> None:
    for age in (29, 31):
        await scene.rows(
            "INSERT INTO contexts (id, number_id, sender, tenant_id, kind, origin, choices, last_at, expires_at)"
            " VALUES (gen_random_uuid(), :number, :sender, :tenant, 'recent', 'exchange', '{}', :at, :at)",
            number=scene.number_id,
            tenant=scene.pizzeria,
            sender=f"+39320000{age:04}",
            at=scene.clock() - timedelta(days=age),
        )

    await scheduler.turn()

    assert [row.sender for row in await scene.rows("SELECT sender FROM contexts")] == ["+393200000029"]


async def test_two_schedulers_give_one_job(scene: Scene, scheduler: Scheduler) -> None:
    await planned(scene)
    other = Scheduler(settings=Settings(), engine=scene.engine, transport=QuietTransport(), clock=scene.clock)
    scene.clock.advance(seconds=61)

    await asyncio.gather(scheduler.turn(), other.turn())

    assert len(await scene.take_jobs("sms.deliver")) == 1


async def test_a_backlog_is_walked_through_and_not_asked_again_and_again(scene: Scene, scheduler: Scheduler) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    ids: list[Any] = [await scene.ask(keyword_id, at=scene.clock(), sender=f"{ANN}{turn}") for turn in range(3)]
    scene.clock.advance(seconds=61)

    for _ in range(4):
        await scheduler.turn()
        scene.clock.advance(seconds=5)

    assert sorted(await scene.take_jobs("message.run")) == sorted(ids)
