"""What the contract suite stands on: one backing (database or broker) and any number of transports over it."""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import UUID

import aio_pika

from twoway_router.dispatch.embedded import EmbeddedTransport
from twoway_router.dispatch.handling import Patience
from twoway_router.dispatch.jobs import JOBS
from twoway_router.dispatch.port import Ack, DeadJob, Handled, Job, Publication, Transport
from twoway_router.dispatch.rabbitmq import RabbitTransport
from twoway_router.dispatch.topology import Topology
from twoway_router.dispatch.watchdog import Beat
from twoway_router.domain.ids import new_id
from twoway_router.store import Engine
from twoway_router.store.engine import make_engine
from twoway_router.store.listen import Listener
from twoway_router.store.outbox import CHANNEL

SHARDS = 4
SHORT = (timedelta(milliseconds=300), timedelta(milliseconds=600))
BEAT = Beat(every=timedelta(seconds=0.5), lost_after=timedelta(seconds=3), quiet=timedelta(seconds=2))
PATIENCE = Patience(tries=3, delays=SHORT)
CRASHING_CONSUMER = Path(__file__).with_name("crashing_consumer.py")


class Bench(Protocol):
    """One implementation under test."""

    async def transport(self, *, patience: Patience = PATIENCE) -> Transport:
        """One more process' transport, started and healthy. Jobs are not merged, so that they can be counted."""
        ...

    async def crash_while_handling(self, job: str) -> None:
        """A process takes one job of this kind and dies by SIGKILL in its handler."""
        ...

    async def close(self) -> None: ...


@dataclass
class EmbeddedBench:
    """Transports over one database."""

    database_url: str
    engine: Engine
    opened: list[EmbeddedTransport] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)

    @classmethod
    def on(cls, database_url: str) -> "EmbeddedBench":
        return cls(database_url, make_engine(database_url, pool_size=10))

    async def transport(self, *, patience: Patience = PATIENCE) -> Transport:
        listener = Listener(self.database_url, [CHANNEL])
        await listener.start()
        transport = EmbeddedTransport(
            self.engine, listener, shards=SHARDS, batch_size=1, lease=timedelta(seconds=1.5), patience=patience
        )
        await transport.start()
        self.opened.append(transport)
        self.listeners.append(listener)
        await eventually(lambda: transport.is_healthy)
        return transport

    async def crash_while_handling(self, job: str) -> None:
        await run_crashing_consumer("embedded", self.database_url, "-", job)

    async def close(self) -> None:
        for transport in self.opened:
            await transport.close()
        for listener in self.listeners:
            await listener.close()
        await self.engine.dispose()


@dataclass
class RabbitBench:
    """Transports over one broker, in names of their own. A broker that is thrown away needs no tidying."""

    url: str
    is_tidy: bool = True
    topology: Topology = field(default_factory=lambda: a_topology())
    opened: list[RabbitTransport] = field(default_factory=list)

    async def transport(self, *, patience: Patience = PATIENCE) -> RabbitTransport:
        transport = RabbitTransport(self.url, self.topology, patience=patience, beat=BEAT, confirm_seconds=3)
        self.opened.append(transport)
        await transport.start()
        await eventually(lambda: transport.is_healthy)
        return transport

    async def crash_while_handling(self, job: str) -> None:
        await run_crashing_consumer("rabbitmq", self.url, self.topology.prefix, job)

    async def close(self) -> None:
        for transport in self.opened:
            await transport.close()
        if self.is_tidy:
            await remove(self.url, self.topology)


def a_topology() -> Topology:
    return Topology(shards=SHARDS, prefix=f"test-{new_id().hex[-12:]}", delays=SHORT)


async def remove(url: str, topology: Topology) -> None:
    """Take a topology off the broker."""
    delays = [topology.delay(delay) for delay in topology.delays]
    connection = await aio_pika.connect(url, timeout=10)
    async with connection, connection.channel() as channel:
        for name in [*(name for job in JOBS for name in topology.queues(job)), *delays, topology.dead]:
            await channel.queue_delete(name)
        for name in [topology.jobs_exchange, *delays, topology.dead]:
            await channel.exchange_delete(name)


async def run_crashing_consumer(kind: str, url: str, prefix: str, job: str) -> None:
    """Start the other process and wait until it has killed itself."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(CRASHING_CONSUMER), kind, url, prefix, job)
    async with asyncio.timeout(60):
        status = await process.wait()
    assert status == -9, f"the crashing consumer ended with {status}"


class Dead:
    """Takes dead jobs and keeps them."""

    def __init__(self) -> None:
        self.jobs: list[DeadJob] = []

    async def __call__(self, dead: DeadJob) -> None:
        self.jobs.append(dead)

    @property
    def told(self) -> list[tuple[Job | None, str]]:
        """Each job, with why it was given up."""
        return [(each.job, each.reason) for each in self.jobs]


async def eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(0.01)


def a_job(job: str = "webhook.deliver", *ids: UUID, shard: int = 0) -> Publication:
    return Publication(job=job, ids=ids or (new_id(),), shard=shard)


def some_jobs(count: int, job: str = "webhook.deliver", *, shard: int = 0) -> list[Publication]:
    return [a_job(job, shard=shard) for _ in range(count)]


def ids_of(publications: Sequence[Publication | Job]) -> list[UUID]:
    return [entry for publication in publications for entry in publication.ids]


class Recorder:
    """A handler that keeps what it got. ``answer`` decides; ``gate`` holds handlers back until it is set."""

    def __init__(self, answer: Callable[[Job], Handled] = lambda _: Ack(), *, is_open: bool = True) -> None:
        self.jobs: list[Job] = []
        self.times: list[float] = []
        self.running = 0
        self.most_running = 0
        self.finished = 0
        self.gate = asyncio.Event()
        self._answer = answer
        if is_open:
            self.gate.set()

    async def __call__(self, job: Job) -> Handled:
        self.jobs.append(job)
        self.times.append(time.monotonic())
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
            return self._answer(job)
        finally:
            self.running -= 1
            self.finished += 1

    @property
    def ids(self) -> list[UUID]:
        return ids_of(self.jobs)


def raising(job: Job) -> Handled:
    raise RuntimeError(f"cannot do {job.job}")


def answers(*handled: Handled) -> Callable[[Job], Handled]:
    """One answer after the other, the last one for ever."""
    left = list(handled)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
