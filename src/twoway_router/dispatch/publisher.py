"""Publishes so that True means stored: persistent, mandatory, confirmed. Used by ``rabbitmq`` and by its consumers."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractExchange
from aio_pika.exceptions import DeliveryError, PublishError

from twoway_router.dispatch.session import BROKER_ERRORS
from twoway_router.tasks import OwnedTasks, is_cancelled
from twoway_router.telemetry.metrics import PUBLISH_RETURNED, PUBLISH_SECONDS

log = structlog.get_logger(__name__)

WINDOW: Final = 200
CONFIRM_SECONDS: Final = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """One broker message. An empty exchange is the broker's own, whose routing keys are queue names."""

    exchange: str
    routing_key: str
    body: bytes
    headers: Mapping[str, str | int] = field(default_factory=dict)


class Publisher:
    """On one channel. ``unroutable`` is set when the broker had no queue for a message: something must be declared again."""

    def __init__(self, channel: AbstractChannel, *, confirm_seconds: float = CONFIRM_SECONDS) -> None:
        self._channel = channel
        self._confirm_seconds = confirm_seconds
        self._window = asyncio.Semaphore(WINDOW)
        self._exchanges: dict[str, AbstractExchange] = {}
        self._publishing = OwnedTasks("rabbitmq.publish_failed")
        self.unroutable = asyncio.Event()

    async def publish(self, messages: Sequence[Outgoing]) -> list[bool]:
        """One flag per message: whether it was confirmed in time. One that was not may still arrive.

        Every message has a task of its own, because aiormq may cancel whoever waits for a confirm.
        """
        if not messages:
            return []
        tasks = [self._publishing.start(self._publish(message)) for message in messages]
        try:
            with PUBLISH_SECONDS.time():
                await asyncio.wait(tasks, timeout=self._confirm_seconds)
        finally:
            late = {task for task in tasks if not task.done()}
            for task in late:
                task.cancel()
        if late:
            log.warning("rabbitmq.unconfirmed", messages=len(late), of=len(messages), seconds=self._confirm_seconds)
        confirmed = [
            task not in late and not task.cancelled() and task.exception() is None and task.result() for task in tasks
        ]
        PUBLISH_RETURNED.inc(confirmed.count(False))
        return confirmed

    async def _publish(self, message: Outgoing) -> bool:
        """A fresh message id per try: aiormq mixes up confirms and returns of two in flight with the same one."""
        async with self._window:
            try:
                if message.exchange not in self._exchanges:
                    self._exchanges[message.exchange] = (
                        await self._channel.get_exchange(message.exchange, ensure=False)
                        if message.exchange
                        else self._channel.default_exchange
                    )
                await self._exchanges[message.exchange].publish(
                    Message(
                        body=message.body,
                        headers=dict(message.headers),
                        delivery_mode=DeliveryMode.PERSISTENT,
                        content_type="application/json",
                        message_id=uuid4().hex,
                    ),
                    routing_key=message.routing_key,
                    mandatory=True,
                )
            except PublishError:
                self.unroutable.set()
                return False
            except DeliveryError:
                return False
            except BROKER_ERRORS as error:
                log.debug("rabbitmq.not_published", error=type(error).__name__)
                return False
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                return False
        return True
