"""Proves that messages get through: a heartbeat is published, confirmed and consumed through the broker. Used by ``rabbitmq``.

An open connection proves nothing: a broker that is stopped, or in alarm, or has cancelled us, keeps it open.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from aio_pika.abc import AbstractIncomingMessage

from twoway_router.dispatch.consumer import Consumer
from twoway_router.dispatch.publisher import Outgoing, Publisher
from twoway_router.dispatch.session import BROKER_ERRORS, CONNECT_SECONDS, Session
from twoway_router.dispatch.topology import Topology
from twoway_router.domain.clock import Clock
from twoway_router.tasks import bounded

log = structlog.get_logger(__name__)

DECLARE_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Beat:
    """How often a heartbeat goes out, after how long without one the session is given up, and after how long without
    a message a queue is consumed anew."""

    every: timedelta = timedelta(seconds=5)
    lost_after: timedelta = timedelta(seconds=15)
    quiet: timedelta = timedelta(seconds=30)


class Watchdog:
    """Watches one session. ``heard`` is called when a heartbeat came back."""

    def __init__(
        self,
        session: Session,
        publisher: Publisher,
        consumer: Consumer,
        topology: Topology,
        beat: Beat,
        clock: Clock,
        heard: Callable[[datetime], None],
    ) -> None:
        self._session = session
        self._publisher = publisher
        self._consumer = consumer
        self._topology = topology
        self._beat = beat
        self._clock = clock
        self._heard = heard
        self._last_at = clock()
        self._queue = ""
        self.is_blocked = False

    async def start(self) -> None:
        """A queue of our own that vanishes with the connection. Exclusive: transient shared queues are being removed."""
        queue = await self._session.heartbeat_channel.declare_queue(exclusive=True, auto_delete=True)
        self._queue = queue.name
        await queue.consume(self._take, no_ack=True)

    async def turn(self) -> None:
        """Send one heartbeat, judge the session, and wait for the next or for something to repair."""
        await self._publisher.publish([Outgoing(exchange="", routing_key=self._queue, body=b"{}")])
        self._notice_block(await self._session.is_blocked())
        if not self.is_blocked and self._clock() - self._last_at > self._beat.lost_after:
            self._session.lose("no heartbeat came back")
            return
        try:
            await bounded(self._consumer.refresh(self._beat.quiet), CONNECT_SECONDS)
        except BROKER_ERRORS as error:
            self._session.lose(f"cannot consume again: {type(error).__name__}: {error}")
        try:
            async with asyncio.timeout(self._beat.every.total_seconds()):
                await self._publisher.unroutable.wait()
        except TimeoutError:
            return
        await self._declare()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._last_at = self._clock()
        self._heard(self._last_at)

    def _notice_block(self, is_blocked: bool) -> None:
        if is_blocked and not self.is_blocked:
            log.warning(
                "rabbitmq.blocked", hint="the broker is short of memory or disk and takes nothing from publishers"
            )
        if self.is_blocked and not is_blocked:
            log.warning("rabbitmq.unblocked")
            self._last_at = self._clock()
        self.is_blocked = is_blocked

    async def _declare(self) -> None:
        """A queue was deleted: make it again. The broker cancels its consumers, ours too, and they start anew."""
        log.warning("rabbitmq.unroutable", hint="declaring exchanges and queues again")
        await asyncio.sleep(DECLARE_PAUSE_SECONDS)
        self._publisher.unroutable.clear()
        try:
            await bounded(self._session.declare(self._topology), CONNECT_SECONDS)
        except BROKER_ERRORS as error:
            self._session.lose(f"cannot declare: {error}")
