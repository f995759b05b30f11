"""What a real broker does to us: it dies, stops, fills up, cancels consumers. Each row of a measured list of traps."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator

import aio_pika
import pytest

from tests.broker.bench import Dead, RabbitBench, Recorder, a_job, a_topology, eventually, ids_of, some_jobs
from tests.support.rabbitmq import EXTERNAL_URL, Broker, NamedBroker, RabbitNode, find_server
from twoway_router.dispatch.port import Publication
from twoway_router.dispatch.publisher import Outgoing, Publisher
from twoway_router.dispatch.rabbitmq import RabbitTransport
from twoway_router.dispatch.topology import Topology

pytestmark = [pytest.mark.broker, pytest.mark.xdist_group("broker")]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """A node of this module's own: what is done to it here must not reach other tests."""
    if named := os.environ.get(EXTERNAL_URL):
        yield NamedBroker(named)
        return
    with RabbitNode() as node:
        yield node


def a_bench(broker: Broker, topology: Topology | None = None) -> RabbitBench:
    return RabbitBench(broker.url, is_tidy=isinstance(broker, NamedBroker), topology=topology or a_topology())


@pytest.fixture
async def bench(broker: Broker) -> AsyncIterator[RabbitBench]:
    made = a_bench(broker)
    yield made
    await made.close()


async def delete_queue(url: str, name: str, *, again_with: Topology | None = None) -> None:
    """As an operator would; with ``again_with`` the queue is made again at once, unknown to its consumers."""
    connection = await aio_pika.connect(url, timeout=10)
    async with connection, connection.channel() as channel:
        await channel.queue_delete(name)
        if again_with is not None:
            queue = await channel.declare_queue(name, durable=True, arguments=again_with.job_arguments())
            await queue.bind(again_with.jobs_exchange, routing_key=name)


async def send_raw(url: str, exchange: str, key: str, body: bytes) -> None:
    connection = await aio_pika.connect(url, timeout=10)
    async with connection, connection.channel() as channel:
        target = await channel.get_exchange(exchange, ensure=False)
        await target.publish(aio_pika.Message(body), routing_key=key)


async def publish_until_confirmed(transport: RabbitTransport, jobs: list[Publication]) -> None:
    """What the relay does with what was not confirmed."""
    left = jobs
    async with asyncio.timeout(60):
        while left:
            confirmed = await transport.publish(left)
            left = [job for job, is_stored in zip(left, confirmed, strict=True) if not is_stored]
            await asyncio.sleep(0.05 if left else 0)


async def test_a_queue_that_was_deleted_and_made_again_is_consumed_again(bench: RabbitBench, broker: Broker) -> None:
    transport, handler, job = await bench.transport(), Recorder(), a_job("message.run", shard=2)
    await transport.consume(["message.run"], handler)
    await delete_queue(broker.url, bench.topology.queue("message.run", 2), again_with=bench.topology)

    await publish_until_confirmed(transport, [job])

    await eventually(lambda: handler.ids == ids_of([job]))
    await eventually(lambda: transport.is_healthy)


async def test_a_queue_that_nobody_consumes_is_made_again_when_a_job_needs_it(
    bench: RabbitBench, broker: Broker
) -> None:
    transport, handler, job = await bench.transport(), Recorder(), a_job()
    await delete_queue(broker.url, bench.topology.queue("webhook.deliver", 0))

    first = list(await transport.publish([job]))
    await publish_until_confirmed(transport, [job])

    await transport.consume(["webhook.deliver"], handler)
    await eventually(lambda: handler.ids == ids_of([job]))
    assert first == [False]


async def test_a_broker_killed_with_a_backlog_loses_nothing_it_confirmed(bench: RabbitBench, broker: Broker) -> None:
    transport, handler, jobs = await bench.transport(), Recorder(is_open=False), some_jobs(400, "sms.deliver", shard=1)
    await transport.consume(["sms.deliver"], handler)
    await publish_until_confirmed(transport, jobs[:300])
    killed = broker.pid

    broker.kill()
    publishing = asyncio.create_task(publish_until_confirmed(transport, jobs[300:]))
    await asyncio.to_thread(broker.restart)
    handler.gate.set()
    await publishing

    await eventually(lambda: set(handler.ids) == set(ids_of(jobs)), seconds=60)
    assert broker.pid != killed


async def test_a_stopped_broker_leaves_publishes_unknown_and_heals(bench: RabbitBench, broker: Broker) -> None:
    transport, handler, job = await bench.transport(), Recorder(), a_job()
    await transport.consume(["webhook.deliver"], handler)

    os.kill(broker.pid, signal.SIGSTOP)
    confirmed = list(await transport.publish([job]))
    await eventually(lambda: not transport.is_healthy, seconds=30)
    os.kill(broker.pid, signal.SIGCONT)

    await eventually(lambda: transport.is_healthy, seconds=60)
    await publish_until_confirmed(transport, [job])
    await eventually(lambda: job.ids[0] in handler.ids)
    assert confirmed == [False]


async def test_a_broker_in_alarm_makes_us_unhealthy_until_it_is_over(bench: RabbitBench, broker: Broker) -> None:
    transport, job = await bench.transport(), a_job()

    await set_memory_limit(broker, "0.000001")
    refused = list(await transport.publish([job]))
    await eventually(lambda: not transport.is_healthy)
    await set_memory_limit(broker, "0.4")

    await eventually(lambda: transport.is_healthy, seconds=30)
    await publish_until_confirmed(transport, [job])
    assert refused == [False]


async def test_a_start_without_a_broker_waits_for_it(broker: Broker) -> None:
    await asyncio.to_thread(broker.kill)
    bench = a_bench(broker)
    transport, handler, job = RabbitTransport(broker.url, bench.topology), Recorder(), a_job()
    bench.opened.append(transport)
    await transport.start()
    await transport.consume(["webhook.deliver"], handler)
    unconfirmed = list(await transport.publish([job]))

    await asyncio.to_thread(broker.restart)

    await eventually(lambda: transport.is_healthy, seconds=30)
    await publish_until_confirmed(transport, [job])
    await eventually(lambda: handler.ids == ids_of([job]))
    await bench.close()
    assert unconfirmed == [False]


async def test_a_full_queue_refuses_and_the_rest_goes_on(broker: Broker) -> None:
    bench = a_bench(broker, Topology(shards=4, prefix=a_topology().prefix, max_length=2))
    transport = await bench.transport()

    confirmed = [(await transport.publish([job]))[0] for job in [*some_jobs(6), a_job("email.deliver")]]

    await bench.close()
    assert (confirmed[:2], confirmed[5], confirmed[6]) == ([True, True], False, True)


async def test_a_hundred_returns_of_the_same_job_are_all_noticed(bench: RabbitBench, broker: Broker) -> None:
    await bench.transport()
    connection = await aio_pika.connect(broker.url, timeout=10)
    same = Outgoing(exchange=bench.topology.jobs_exchange, routing_key="nowhere", body=b"{}")

    async with connection, connection.channel(on_return_raises=True) as channel:
        confirmed = await Publisher(channel).publish([same] * 100)

    assert confirmed == [False] * 100


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "the body is not JSON"),
        (b'{"v":2,"job":"webhook.deliver","ids":[]}', "version 2 is unknown"),
        (b'{"v":1,"job":"fax.deliver","ids":[]}', "the kind 'fax.deliver' is unknown"),
        (b'{"v":1,"job":"webhook.deliver","ids":["x"]}', "an id is not a UUID"),
        (b"[]", "the body lacks v, job or ids"),
    ],
)
async def test_an_unreadable_body_goes_to_the_dead(
    bench: RabbitBench, broker: Broker, body: bytes, reason: str
) -> None:
    transport, handler, dead, job = await bench.transport(), Recorder(), Dead(), a_job()
    await transport.consume(["webhook.deliver"], handler)
    await transport.consume_dead(dead)

    await send_raw(broker.url, bench.topology.jobs_exchange, bench.topology.queue("webhook.deliver", 0), body)
    await publish_until_confirmed(transport, [job])

    await eventually(lambda: handler.ids == ids_of([job]) and len(dead.jobs) == 1)
    assert dead.told == [(None, reason)]


async def test_a_job_that_kills_every_consumer_is_given_up_by_the_broker(broker: Broker) -> None:
    bench = a_bench(broker, Topology(shards=4, prefix=a_topology().prefix, delivery_limit=1))
    transport, dead, job = await bench.transport(), Dead(), a_job()
    await transport.consume_dead(dead)
    await publish_until_confirmed(transport, [job])

    for _ in range(2):
        await take_and_die(broker.url, bench.topology.queue("webhook.deliver", 0))

    await eventually(lambda: len(dead.jobs) == 1)
    await bench.close()
    assert [(each and each.ids, reason) for each, reason in dead.told] == [
        (job.ids, "given up by the broker: delivery_limit")
    ]


async def test_a_job_is_kept_on_disk(bench: RabbitBench, broker: Broker) -> None:
    transport, handler, jobs = await bench.transport(), Recorder(), some_jobs(20)
    await publish_until_confirmed(transport, jobs)

    await asyncio.to_thread(broker.restart)
    await transport.consume(["webhook.deliver"], handler)

    await eventually(lambda: sorted(handler.ids) == sorted(ids_of(jobs)), seconds=30)


async def take_and_die(url: str, queue: str) -> None:
    connection = await aio_pika.connect(url, timeout=10)
    async with connection, connection.channel() as channel:
        found = await (await channel.get_queue(queue, ensure=False)).get(fail=False)
        assert found is not None


async def set_memory_limit(broker: Broker, fraction: str) -> None:
    assert isinstance(broker, RabbitNode), "this test needs a broker of its own"
    command = [str(find_server().with_name("rabbitmqctl")), "-n", broker.environment["RABBITMQ_NODENAME"]]
    await asyncio.to_thread(
        subprocess.run,
        [*command, "set_vm_memory_high_watermark", fraction],
        env=broker.environment,
        check=True,
        capture_output=True,
    )
