"""Takes messages from job queues, runs handlers and settles. One per session of ``rabbitmq``; handlers may outlive it.

A message is acknowledged only after what follows from it is stored: a retry or a dead letter is published and confirmed
first.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from aio_pika.abc import AbstractIncomingMessage

from twoway_router.dispatch.feed import Feed, Take
from twoway_router.dispatch.handling import Patience, run_handler
from twoway_router.dispatch.headers import REASON, dead_headers, read_attempt, read_dead, read_wait, retry_headers
from twoway_router.dispatch.jobs import UnreadableJob, read_job
from twoway_router.dispatch.port import Ack, DeadHandler, DeadLetter, Handled, Handler, Job, RetryAfter
from twoway_router.dispatch.publisher import Outgoing, Publisher
from twoway_router.dispatch.session import BROKER_ERRORS, Session
from twoway_router.dispatch.topology import Topology
from twoway_router.domain.clock import Clock
from twoway_router.tasks import OwnedTasks, bounded

log = structlog.get_logger(__name__)

SETTLE_SECONDS: Final = 5.0
REQUEUE_PAUSE_SECONDS: Final = 1.0
NEARLY_DUE: Final = timedelta(milliseconds=20)
DEAD_PREFETCH: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """Who handles jobs of a kind, and how many messages per queue at a time."""

    job: str
    handler: Handler
    prefetch: int


class Consumer:
    """Runs as many handlers as messages are delivered, which prefetch limits. ``running`` is shared by all sessions."""

    def __init__(
        self,
        session: Session,
        publisher: Publisher,
        topology: Topology,
        *,
        patience: Patience,
        running: OwnedTasks,
        clock: Clock,
    ) -> None:
        self._session = session
        self._publisher = publisher
        self._topology = topology
        self._patience = patience
        self._running = running
        self._clock = clock
        self._feeds: list[Feed] = []
        self._is_cancelled = False

    async def subscribe(self, subscription: Subscription) -> None:
        """Consume every queue of the kind."""
        for name, shard in self._topology.queues(subscription.job).items():

            async def take(message: AbstractIncomingMessage, shard: int = shard) -> None:
                await self._handle(message, subscription.handler, shard)

            await self._open(name, take, subscription.prefetch)

    async def subscribe_dead(self, handler: DeadHandler) -> None:
        """Consume dead jobs."""

        async def take(message: AbstractIncomingMessage) -> None:
            await self._handle_dead(message, handler)

        await self._open(self._topology.dead, take, DEAD_PREFETCH)

    async def cancel(self) -> None:
        """Ask the broker for no more."""
        self._is_cancelled = True
        for feed in self._feeds:
            await feed.cancel()

    async def refresh(self, quiet: timedelta) -> None:
        """Consume anew from queues that gave nothing for that long."""
        for feed in self._feeds:
            if not self._is_cancelled:
                await feed.refresh(quiet.total_seconds())

    async def _open(self, name: str, take: Take, prefetch: int) -> None:
        feed = Feed(self._session, name, prefetch=prefetch, take=take, running=self._running)
        await feed.open()
        self._feeds.append(feed)

    async def _handle(self, message: AbstractIncomingMessage, handler: Handler, shard: int) -> None:
        attempt = read_attempt(message.headers)
        try:
            name, ids = read_job(message.body)
        except UnreadableJob as error:
            await self._settle(message, attempt, DeadLetter(reason=error.detail))
            return
        wait = read_wait(message.headers, self._clock())
        if wait > NEARLY_DUE:
            await self._delay(message, attempt, wait, str(message.headers.get(REASON, "")))
            return
        job = Job(job=name, ids=ids, shard=shard, attempt=attempt)
        await self._settle(message, attempt, await run_handler(handler, job, self._patience))

    async def _settle(self, message: AbstractIncomingMessage, attempt: int, handled: Handled) -> None:
        match handled:
            case Ack():
                await self._finish(message, True)
            case RetryAfter(delay=delay, reason=reason):
                await self._delay(message, attempt + 1, delay, reason)
            case DeadLetter(reason=reason):
                log.error("job.dead", queue=message.routing_key, attempt=attempt, reason=reason)
                headers = dead_headers(attempt, self._clock(), reason)
                await self._move(message, self._topology.dead, headers)

    async def _delay(self, message: AbstractIncomingMessage, attempt: int, wait: timedelta, reason: str) -> None:
        headers = retry_headers(attempt, self._clock() + wait, reason)
        await self._move(message, self._topology.delay(wait), headers)

    async def _move(self, message: AbstractIncomingMessage, exchange: str, headers: dict[str, str | int]) -> None:
        copy = Outgoing(exchange=exchange, routing_key=message.routing_key or "", body=message.body, headers=headers)
        [is_stored] = await self._publisher.publish([copy])
        await self._finish(message, is_stored)

    async def _finish(self, message: AbstractIncomingMessage, is_done: bool) -> None:
        """Acknowledge, or give back after a pause so that it does not spin. On a broken channel the broker gives it back."""
        try:
            if is_done:
                await bounded(message.ack(), SETTLE_SECONDS)
            else:
                await asyncio.sleep(REQUEUE_PAUSE_SECONDS)
                await bounded(message.nack(requeue=True), SETTLE_SECONDS)
        except BROKER_ERRORS as error:
            log.info("rabbitmq.not_settled", queue=message.routing_key, error=type(error).__name__)

    async def _handle_dead(self, message: AbstractIncomingMessage, handler: DeadHandler) -> None:
        dead = read_dead(message.body, message.routing_key or "", message.headers)
        try:
            await handler(dead)
        except Exception:
            log.error("job.dead_handler_raised", queue=message.routing_key, exc_info=True)
            await self._finish(message, False)
        else:
            await self._finish(message, True)
