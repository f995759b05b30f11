"""Every exchange, queue and argument on RabbitMQ, declared in this one place. Works on 3.10 and on 4.x.

    <prefix>.jobs   direct   ──► <prefix>.<job>.<shard>        quorum, delivery limit, bounded, dead letters ─┐
    <prefix>.delay.<ms> fanout ► <prefix>.delay.<ms>           quorum, time to live, back to <prefix>.jobs    │
    <prefix>.dead   fanout   ──► <prefix>.dead                 quorum, until they are consumed         ◄──────┘

The routing key is always the name of the job's queue, so that a job finds its way back from a delay or from the dead.
Arguments cannot be changed on a living queue: a change needs a new prefix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, HeadersType

from twoway_router.dispatch.handling import DELAYS
from twoway_router.dispatch.jobs import JOBS, shard_of

NEVER: Final = 1_000_000
"""As a delivery limit: reading dead jobs must not dead-letter them again. 3.10 knows no -1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """Names and arguments. All processes of an installation must agree on them."""

    shards: int
    prefix: str = "twr"
    delivery_limit: int = 20
    max_length: int = 10_000
    delays: Sequence[timedelta] = DELAYS

    @property
    def jobs_exchange(self) -> str:
        return f"{self.prefix}.jobs"

    @property
    def dead(self) -> str:
        """The name of both the exchange and the queue of the dead."""
        return f"{self.prefix}.dead"

    def queue(self, job: str, shard: int) -> str:
        """Where a job goes; also its routing key."""
        return f"{self.prefix}.{job}.{shard}"

    def queues(self, job: str) -> Mapping[str, int]:
        """All queues of a kind of job, with their shards."""
        shards = range(self.shards) if JOBS[job] else range(1)
        return {self.queue(job, shard): shard for shard in shards}

    def route(self, job: str, shard: int) -> str:
        """The routing key for a job; a shard of another count of shards is folded into this one."""
        return self.queue(job, shard_of(job, shard, self.shards))

    def delay(self, wanted: timedelta) -> str:
        """Exchange and queue of the shortest delay that is long enough, else of the longest one."""
        chosen = next((tier for tier in self.delays if tier >= wanted), self.delays[-1])
        return f"{self.prefix}.delay.{_milliseconds(chosen)}"

    def job_arguments(self) -> HeadersType:
        """A full queue refuses, so the backlog stays in the outbox."""
        return {
            **_quorum(self.delivery_limit),
            "x-max-length": self.max_length,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": self.dead,
            "x-dead-letter-strategy": "at-least-once",
        }

    def delay_arguments(self, delay: timedelta) -> HeadersType:
        """One time to live per queue: with one per message a long delay would hold up the short ones behind it."""
        return {
            **_quorum(NEVER),
            "x-message-ttl": _milliseconds(delay),
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": self.jobs_exchange,
            "x-dead-letter-strategy": "at-least-once",
        }


async def declare(channel: AbstractChannel, topology: Topology) -> None:
    """Make everything that is not there yet; fails when something is there with other arguments."""
    dead = await channel.declare_exchange(topology.dead, ExchangeType.FANOUT, durable=True)
    await (await channel.declare_queue(topology.dead, durable=True, arguments=_quorum(NEVER))).bind(dead)
    jobs = await channel.declare_exchange(topology.jobs_exchange, ExchangeType.DIRECT, durable=True)
    for name in (name for job in JOBS for name in topology.queues(job)):
        queue = await channel.declare_queue(name, durable=True, arguments=topology.job_arguments())
        await queue.bind(jobs, routing_key=name)
    for delay in topology.delays:
        name = topology.delay(delay)
        exchange = await channel.declare_exchange(name, ExchangeType.FANOUT, durable=True)
        queue = await channel.declare_queue(name, durable=True, arguments=topology.delay_arguments(delay))
        await queue.bind(exchange)


def _quorum(delivery_limit: int) -> HeadersType:
    return {"x-queue-type": "quorum", "x-delivery-limit": delivery_limit}


def _milliseconds(delay: timedelta) -> int:
    return round(delay.total_seconds() * 1000)
