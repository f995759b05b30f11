"""Each kind of job and the coroutine that does it. Built by ``app``, fed by the transport.

Every handler is harmless when it is called again with the same ids: the rows decide what is still to be done.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

import structlog

from twoway_router.dispatch.port import Ack, Handled, Job, RetryAfter, Transport
from twoway_router.executor.runs import MessageRunner
from twoway_router.store.failures import describe, is_transient

log = structlog.get_logger(__name__)

LONGEST_WAIT: Final = timedelta(seconds=30)

Work = Callable[[Sequence[UUID]], Awaitable[None]]


class Delivery(Protocol):
    """Claims rows by id, talks to the outside and settles; ``drain`` waits for what is under way."""

    async def deliver(self, ids: Sequence[UUID]) -> None: ...

    async def drain(self) -> None: ...


class JobRunner:
    """Consumes jobs until it is drained. ``deliveries`` are by their kind of job; a kind without one is not consumed."""

    def __init__(
        self, transport: Transport, runner: MessageRunner, deliveries: Mapping[str, Delivery], *, prefetch: int
    ) -> None:
        self._transport = transport
        self._prefetch = prefetch
        self._deliveries = deliveries
        work = {job: delivery.deliver for job, delivery in deliveries.items()}
        self._work: Mapping[str, Work] = {"message.run": runner.run, **work}

    async def start(self) -> None:
        """Begin to consume; each kind of job has its own queues and its own prefetch."""
        for job in self._work:
            await self._transport.consume([job], self.handle, prefetch=self._prefetch)

    async def handle(self, job: Job) -> Handled:
        """Do one job. A database that is away is nobody's fault: the job comes back; everything else is a surprise."""
        try:
            await self._work[job.job](job.ids)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("job.put_off", job=job.job, ids=len(job.ids), error=describe(error))
            delay = min(timedelta(seconds=2 ** min(job.attempt, 10)), LONGEST_WAIT)
            return RetryAfter(delay=delay, reason=describe(error))
        return Ack()

    async def drain(self, limit: timedelta) -> None:
        """Take nothing new, finish what has begun; what is not finished in time stays claimed until its lease ends."""
        await self._transport.drain(limit)
        try:
            async with asyncio.timeout(limit.total_seconds()):
                for delivery in self._deliveries.values():
                    await delivery.drain()
        except TimeoutError:
            log.warning("executor.drain_incomplete")
