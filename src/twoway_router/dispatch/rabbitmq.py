"""The port over RabbitMQ. Used by executor, scheduler and relay in production.

It opens a session, watches it, and opens the next when that one is lost, whatever the cause: broker down at start,
connection broken, queue deleted under a consumer, heartbeat gone. There is one way to recover, always the same,
which is why the connections are plain ones and not aio-pika's robust ones.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from twoway_router.dispatch.consumer import Consumer, Subscription
from twoway_router.dispatch.handling import Patience
from twoway_router.dispatch.headers import first_headers
from twoway_router.dispatch.jobs import JOBS, write_job
from twoway_router.dispatch.port import DeadHandler, Handler, Publication
from twoway_router.dispatch.publisher import CONFIRM_SECONDS, Outgoing, Publisher
from twoway_router.dispatch.session import BROKER_ERRORS, CONNECT_SECONDS, Session
from twoway_router.dispatch.topology import Topology
from twoway_router.dispatch.watchdog import Beat, Watchdog
from twoway_router.domain.clock import Clock, utc_now
from twoway_router.tasks import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    OwnedTasks,
    Supervised,
    bounded,
)

log = structlog.get_logger(__name__)

CANCEL_SECONDS: Final = 2.0


class _Open:
    """A session with what works on it."""

    def __init__(self, session: Session, publisher: Publisher, consumer: Consumer, watchdog: Watchdog) -> None:
        self.session = session
        self.publisher = publisher
        self.consumer = consumer
        self.watchdog = watchdog
        self.subscribed: set[int] = set()
        self.takes_dead = False


class RabbitTransport:
    """Implements ``Transport``. ``name`` is how the broker's console shows our connections."""

    def __init__(
        self,
        url: str,
        topology: Topology,
        *,
        name: str = "twoway-router",
        patience: Patience | None = None,
        beat: Beat | None = None,
        confirm_seconds: float = CONFIRM_SECONDS,
        heartbeat_max_age: timedelta = timedelta(seconds=30),
        clock: Clock = utc_now,
    ) -> None:
        self._url = url
        self._topology = topology
        self._name = name
        self._patience = patience or Patience(tries=topology.delivery_limit, delays=topology.delays)
        self._beat = beat or Beat()
        self._confirm_seconds = confirm_seconds
        self._heartbeat_max_age = heartbeat_max_age
        self._clock = clock
        self._subscriptions: list[Subscription] = []
        self._dead_handler: DeadHandler | None = None
        self._running = OwnedTasks("job.not_settled")
        self._open: _Open | None = None
        self._is_draining = False
        self._pause = FIRST_PAUSE_SECONDS
        self._keeper = Supervised("rabbitmq.keeper", self._live)
        self.last_heartbeat_at: datetime | None = None

    @property
    def is_healthy(self) -> bool:
        """A session is open, not blocked, and its heartbeat came back lately."""
        opened, seen = self._open, self.last_heartbeat_at
        if opened is None or seen is None or self._is_draining or not self._keeper.is_alive:
            return False
        return not opened.watchdog.is_blocked and self._clock() - seen <= self._heartbeat_max_age

    async def start(self) -> None:
        self._keeper.start()

    async def publish(self, jobs: Sequence[Publication]) -> Sequence[bool]:
        if self._open is None or self._open.watchdog.is_blocked:
            return [False] * len(jobs)
        known = [job for job in jobs if job.job in JOBS]
        messages = [
            Outgoing(
                exchange=self._topology.jobs_exchange,
                routing_key=self._topology.route(job.job, job.shard),
                body=write_job(job.job, job.ids),
                headers=first_headers(job.attempt),
            )
            for job in known
        ]
        confirmed = iter(await self._open.publisher.publish(messages))
        return [job.job in JOBS and next(confirmed) for job in jobs]

    async def consume(self, jobs: Sequence[str], handler: Handler, *, prefetch: int = 20) -> None:
        self._subscriptions += [Subscription(job=job, handler=handler, prefetch=prefetch) for job in jobs]
        await self._subscribe_to_open()

    async def consume_dead(self, handler: DeadHandler) -> None:
        self._dead_handler = handler
        await self._subscribe_to_open()

    async def drain(self, timeout: timedelta) -> None:
        self._is_draining = True
        opened = self._open
        if opened is not None:
            try:
                await bounded(opened.consumer.cancel(), CANCEL_SECONDS)
            except BROKER_ERRORS as error:
                log.info("rabbitmq.not_cancelled", error=type(error).__name__)
        await self._running.drain(timeout)
        await self._running.cancel()
        if opened is not None:
            await opened.session.stop_consuming()

    async def close(self) -> None:
        self._is_draining = True
        await self._keeper.stop()
        await self._running.cancel()

    async def _live(self) -> None:
        """One session, from opening to loss."""
        try:
            session = await Session.open(self._url, self._topology, self._name)
        except BROKER_ERRORS as error:
            log.warning("rabbitmq.unreachable", error=f"{type(error).__name__}: {error}", again_in_seconds=self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            return
        try:
            await self._work_on(session)
        except BROKER_ERRORS as error:
            log.warning("rabbitmq.lost", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(self._pause)
        finally:
            self._open = None
            await session.close()

    async def _work_on(self, session: Session) -> None:
        publisher = Publisher(session.publish_channel, confirm_seconds=self._confirm_seconds)
        consumer = Consumer(
            session, publisher, self._topology, patience=self._patience, running=self._running, clock=self._clock
        )
        watchdog = Watchdog(session, publisher, consumer, self._topology, self._beat, self._clock, self._hear)
        opened = _Open(session, publisher, consumer, watchdog)
        if not self._is_draining:
            await bounded(watchdog.start(), CONNECT_SECONDS)
        self._open = opened
        await self._subscribe_to_open()
        log.info("rabbitmq.open", queues=len(opened.subscribed))
        self._pause = FIRST_PAUSE_SECONDS
        watching = Supervised("rabbitmq.watchdog", watchdog.turn, until=lambda: self._is_draining)
        watching.start()
        try:
            log.warning("rabbitmq.lost", reason=await asyncio.shield(session.lost))
        finally:
            await watching.stop()

    async def _subscribe_to_open(self) -> None:
        """Consume what has a handler and is not yet consumed on the open session. A failure gives the session up."""
        opened = self._open
        if opened is None or self._is_draining:
            return
        try:
            for subscription in self._subscriptions:
                if id(subscription) not in opened.subscribed:
                    opened.subscribed.add(id(subscription))
                    await bounded(opened.consumer.subscribe(subscription), CONNECT_SECONDS)
            if self._dead_handler is not None and not opened.takes_dead:
                opened.takes_dead = True
                await bounded(opened.consumer.subscribe_dead(self._dead_handler), CONNECT_SECONDS)
        except BROKER_ERRORS as error:
            opened.session.lose(f"cannot consume: {type(error).__name__}: {error}")

    def _hear(self, at: datetime) -> None:
        self.last_heartbeat_at = at
