"""Looks into the queue of the dead and puts jobs back to work. Used by ``rabbitmq`` for the operator's commands."""

from collections.abc import Sequence
from typing import Final

from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from twoway_router.dispatch.headers import first_headers, read_dead
from twoway_router.dispatch.port import DeadJob
from twoway_router.dispatch.publisher import Outgoing, Publisher
from twoway_router.dispatch.session import Session
from twoway_router.dispatch.supervise import bounded
from twoway_router.dispatch.topology import Topology

LOOK_SECONDS: Final = 30.0


async def list_dead(session: Session, topology: Topology, limit: int) -> Sequence[DeadJob]:
    """Oldest first. The messages go back when the channel closes."""
    return await bounded(_list(session, topology, limit), LOOK_SECONDS)


async def requeue_dead(session: Session, publisher: Publisher, topology: Topology, limit: int) -> int:
    """Each is acknowledged after its new message was confirmed. What cannot be read stays."""
    return await bounded(_requeue(session, publisher, topology, limit), LOOK_SECONDS)


async def _list(session: Session, topology: Topology, limit: int) -> Sequence[DeadJob]:
    async with session.channel() as channel:
        queue = await channel.get_queue(topology.dead, ensure=False)
        found: list[DeadJob] = []
        while len(found) < limit and (message := await _next(queue)) is not None:
            found.append(read_dead(message.body, message.routing_key or "", message.headers))
        return found


async def _requeue(session: Session, publisher: Publisher, topology: Topology, limit: int) -> int:
    count = 0
    async with session.channel() as channel:
        queue = await channel.get_queue(topology.dead, ensure=False)
        while count < limit and (message := await _next(queue)) is not None:
            job = read_dead(message.body, message.routing_key or "", message.headers).job
            if job is None:
                continue
            again = Outgoing(
                exchange=topology.jobs_exchange,
                routing_key=topology.route(job.job, job.shard),
                body=message.body,
                headers=first_headers(1),
            )
            [is_stored] = await publisher.publish([again])
            if not is_stored:
                break
            await message.ack()
            count += 1
    return count


async def _next(queue: AbstractQueue) -> AbstractIncomingMessage | None:
    return await queue.get(fail=False)
