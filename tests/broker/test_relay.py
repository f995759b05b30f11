"""The relay: what is committed is published, at least once, whoever commits late and whoever dies."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from tests.broker.bench import SHARDS, RabbitBench, Recorder, eventually, ids_of
from tests.cast import FakeClock
from tests.flow.doubles import QuietTransport
from tests.support.rabbitmq import Broker
from twoway_router.dispatch import queries
from twoway_router.dispatch.port import Publication
from twoway_router.dispatch.relay import Relay
from twoway_router.domain.ids import new_id
from twoway_router.store import Engine, System, outbox, transaction
from twoway_router.store.engine import make_engine
from twoway_router.store.listen import Listener


class FakeTransport(QuietTransport):
    """Keeps what is published. ``answer`` decides what is confirmed."""

    def __init__(self, answer: Callable[[Publication], bool] = lambda _: True) -> None:
        super().__init__()
        self.published: list[Publication] = []
        self.calls = 0
        self.answer = answer

    async def publish(self, jobs: Sequence[Publication]) -> Sequence[bool]:
        self.calls += 1
        await asyncio.sleep(0)
        confirmed = [self.answer(job) for job in jobs]
        self.published += [job for job, is_stored in zip(jobs, confirmed, strict=True) if is_stored]
        return confirmed


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    made = make_engine(database_url, pool_size=16)
    yield made
    await made.dispose()


@pytest.fixture
async def listener(database_url: str) -> AsyncIterator[Listener]:
    made = Listener(database_url, [outbox.CHANNEL])
    await made.start()
    yield made
    await made.close()


class OnlyNotified(Listener):
    """Whoever waits is woken by a notification and by nothing else."""

    async def wait(self, channel: str, timeout: float) -> None:
        await super().wait(channel, 60 * timeout)


async def add(engine: Engine, job: str, count: int, *, lane: int = 0, at: datetime | None = None) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    async with transaction(engine, System("test")) as session:
        await outbox.add(session, job, ids, [lane] * count, at=at)
    return ids


async def left(engine: Engine) -> int:
    async with transaction(engine, System("test")) as session:
        return len(await queries.take_due(session, 10_000))


def a_relay(
    engine: Engine, transport: FakeTransport, listener: Listener, *, batch_size: int = 100, rows_per_turn: int = 500
) -> Relay:
    return Relay(engine, transport, listener, shards=SHARDS, batch_size=batch_size, rows_per_turn=rows_per_turn)


async def test_rows_of_a_shard_travel_together_in_order(engine: Engine, listener: Listener) -> None:
    transport = FakeTransport()
    first = await add(engine, "message.run", 3, lane=6)
    other = await add(engine, "message.run", 2, lane=7)
    second = await add(engine, "message.run", 3, lane=10)

    await a_relay(engine, transport, listener).turn()

    assert [(job.shard, list(job.ids)) for job in transport.published] == [(2, first + second), (3, other)]


async def test_a_job_carries_no_more_ids_than_allowed(engine: Engine, listener: Listener) -> None:
    transport = FakeTransport()
    await add(engine, "webhook.deliver", 25)

    await a_relay(engine, transport, listener, batch_size=10).turn()

    assert [len(job.ids) for job in transport.published] == [10, 10, 5]


async def test_a_confirmed_row_is_gone(engine: Engine, listener: Listener) -> None:
    await add(engine, "sms.deliver", 3)

    done = await a_relay(engine, FakeTransport(), listener).turn()

    assert (done.taken, done.published, await left(engine)) == (3, 3, 0)


async def test_a_row_is_not_published_before_its_time(engine: Engine, listener: Listener) -> None:
    await add(engine, "sms.deliver", 1, at=datetime.now(UTC) + timedelta(seconds=60))

    done = await a_relay(engine, FakeTransport(), listener).turn()

    assert done.taken == 0


async def test_what_the_broker_did_not_confirm_stays(engine: Engine, listener: Listener) -> None:
    transport = FakeTransport(lambda _: False)
    transport.is_healthy = False
    await add(engine, "sms.deliver", 3)
    relay = a_relay(engine, transport, listener)

    await relay.turn()

    assert await left(engine) == 3


async def test_what_is_refused_does_not_hold_up_the_rest(engine: Engine, listener: Listener) -> None:
    transport = FakeTransport(lambda job: job.job != "sms.deliver")
    await add(engine, "sms.deliver", 5)
    mails = await add(engine, "email.deliver", 5)
    relay = a_relay(engine, transport, listener, rows_per_turn=5)

    await relay.turn()
    await relay.turn()

    assert ids_of(transport.published) == mails


async def test_a_kind_that_nobody_knows_is_dead_with_its_reason(engine: Engine, listener: Listener) -> None:
    await add(engine, "fax.deliver", 1)

    await a_relay(engine, FakeTransport(), listener).turn()

    async with transaction(engine, System("test")) as session:
        dead = await queries.list_dead_rows(session, 10)
    assert [(row.job, row.reason) for row in dead] == [("fax.deliver", "no such kind of job")]


async def test_a_dead_row_that_is_put_back_is_due_again(engine: Engine, listener: Listener) -> None:
    ids = await add(engine, "fax.deliver", 1)
    await a_relay(engine, FakeTransport(), listener).turn()

    async with transaction(engine, System("test")) as session:
        count = await queries.requeue_dead_rows(session, 10)

    async with transaction(engine, System("test")) as session:
        [row] = await queries.take_due(session, 10)
    assert (count, list(row.ids), row.attempts) == (1, ids, 0)


async def test_a_relay_that_dies_between_publish_and_delete_doubles_and_loses_nothing(
    engine: Engine, listener: Listener
) -> None:
    ids = await add(engine, "sms.deliver", 3)
    dying = FakeTransport()

    async def publish_and_die(jobs: Sequence[Publication]) -> Sequence[bool]:
        await FakeTransport.publish(dying, jobs)
        raise ConnectionResetError

    dying.publish = publish_and_die  # type: ignore[method-assign]  # a death has no other door
    heir = FakeTransport()

    with pytest.raises(ConnectionResetError):
        await a_relay(engine, dying, listener).turn()
    await a_relay(engine, heir, listener).turn()

    assert (ids_of(dying.published), ids_of(heir.published)) == (ids, ids)


async def test_two_relays_miss_no_row_of_eight_writers_that_commit_late(engine: Engine, listener: Listener) -> None:
    transport, stop = FakeTransport(), asyncio.Event()
    relays = [asyncio.create_task(a_relay(engine, transport, listener).run(stop)) for _ in range(2)]

    written = await asyncio.gather(*(write_slowly(engine, number) for number in range(8)))

    wanted = {entry for ids in written for entry in ids}
    await eventually(lambda: set(ids_of(transport.published)) >= wanted)
    stop.set()
    await asyncio.gather(*relays)
    assert len(ids_of(transport.published)) == len(wanted) == 800


async def test_a_commit_wakes_the_relay(engine: Engine, database_url: str) -> None:
    transport, listener, stop = FakeTransport(), OnlyNotified(database_url, [outbox.CHANNEL]), asyncio.Event()
    await listener.start()
    await listener.wait(outbox.CHANNEL, 1)  # rings when it is connected
    relay = a_relay(engine, transport, listener)
    running = asyncio.create_task(relay.run(stop))
    await eventually(lambda: relay.last_turn_at is not None)

    ids = await add(engine, "sms.deliver", 1)

    await eventually(lambda: ids_of(transport.published) == ids, seconds=3)
    stop.set()
    await asyncio.gather(running, add(engine, "sms.deliver", 1))
    await listener.close()


async def a_tried_relay(engine: Engine, listener: Listener, clock: FakeClock) -> Relay:
    """It has run for a while on a broker that confirms nothing, and then stopped."""
    transport, stop = FakeTransport(lambda _: False), asyncio.Event()
    transport.is_healthy = False
    relay = Relay(engine, transport, listener, shards=SHARDS, clock=clock)
    running = asyncio.create_task(relay.run(stop))
    await eventually(lambda: relay.last_turn_at is not None)
    stop.set()
    await running
    return relay


async def test_a_relay_is_in_order_after_its_first_turn(engine: Engine, listener: Listener) -> None:
    clock, limit = FakeClock(), timedelta(seconds=30)
    fresh = Relay(engine, FakeTransport(), listener, shards=SHARDS, clock=clock)

    tried = await a_tried_relay(engine, listener, clock)

    assert (fresh.find_trouble(limit) is None, tried.find_trouble(limit)) == (False, None)


async def test_a_relay_that_hangs_is_in_trouble(engine: Engine, listener: Listener) -> None:
    clock = FakeClock()
    relay = await a_tried_relay(engine, listener, clock)

    clock.advance(seconds=31)

    assert relay.find_trouble(timedelta(seconds=30)) == "the relay has not finished a turn in the last 30 s"


async def test_a_relay_tells_how_far_it_is_behind(engine: Engine, listener: Listener) -> None:
    clock = FakeClock(now=datetime.now(UTC))
    await add(engine, "sms.deliver", 1, at=clock() - timedelta(seconds=60))
    relay = await a_tried_relay(engine, listener, clock)

    clock.advance(seconds=5)

    assert relay.behind == timedelta(seconds=65)


async def test_a_relay_survives_its_database_connection(engine: Engine, listener: Listener, database_url: str) -> None:
    transport, stop = FakeTransport(), asyncio.Event()
    relay = a_relay(engine, transport, listener)
    running = asyncio.create_task(relay.run(stop))
    await eventually(lambda: relay.last_turn_at is not None)

    await disconnect_everybody(database_url)
    await engine.dispose()
    ids = await add(engine, "sms.deliver", 1)

    await eventually(lambda: ids_of(transport.published) == ids)
    stop.set()
    await running


async def test_a_relay_survives_a_cancellation_that_was_not_meant_for_it(engine: Engine, listener: Listener) -> None:
    transport, stop = FakeTransport(), asyncio.Event()

    def leak_once(job: Publication) -> bool:
        if transport.calls == 1:
            raise asyncio.CancelledError
        return True

    transport.answer = leak_once
    relay = asyncio.create_task(a_relay(engine, transport, listener).run(stop))

    ids = await add(engine, "sms.deliver", 1)

    await eventually(lambda: ids_of(transport.published) == ids)
    stop.set()
    await relay


async def test_the_outbox_reaches_a_consumer_through_the_broker(
    engine: Engine, listener: Listener, bench: RabbitBench
) -> None:
    transport, handler, stop = await bench.transport(), Recorder(), asyncio.Event()
    await transport.consume(["message.run"], handler)
    relay = Relay(engine, transport, listener, shards=SHARDS)
    running = asyncio.create_task(relay.run(stop))

    written = await asyncio.gather(*(write_slowly(engine, number) for number in range(4)))

    await eventually(lambda: len(handler.ids) >= 400)
    stop.set()
    await running
    assert set(handler.ids) == {entry for ids in written for entry in ids}
    assert [sorted(ids, key=handler.ids.index) for ids in written] == list(written)


@pytest.fixture
def broker(rabbitmq: Broker) -> Broker:
    return rabbitmq


@pytest.fixture
async def bench(broker: Broker) -> AsyncIterator[RabbitBench]:
    made = RabbitBench(broker.url)
    yield made
    await made.close()


async def write_slowly(engine: Engine, number: int) -> list[UUID]:
    """Twenty transactions of five rows that take their sequence numbers early and commit late."""
    written = []
    for turn in range(20):
        ids = [new_id() for _ in range(5)]
        async with transaction(engine, System("test")) as session:
            await outbox.add(session, "message.run", ids, [number] * 5)
            await asyncio.sleep(0.001 * ((turn * 7 + number) % 20))
        written += ids
    return written


async def disconnect_everybody(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
