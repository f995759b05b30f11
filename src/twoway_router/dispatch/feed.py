"""One queue that we consume: a channel of its own, its consumer, and what we hold of it. Used by ``consumer``.

A channel per queue can be opened anew without disturbing the others. That is needed: when a queue is deleted and made
again at once, RabbitMQ 3.10 cancels nobody, counts us as a consumer, hands us messages and never sends them.
"""

from collections.abc import Callable, Coroutine
from time import monotonic

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, ConsumerTag

from twoway_router.dispatch.session import Session
from twoway_router.tasks import OwnedTasks

Take = Callable[[AbstractIncomingMessage], Coroutine[object, object, None]]


class Feed:
    """``take`` is what is done with a message. ``running`` is shared by all sessions, since handlers may outlive one."""

    def __init__(self, session: Session, name: str, *, prefetch: int, take: Take, running: OwnedTasks) -> None:
        self._session = session
        self._name = name
        self._prefetch = prefetch
        self._take = take
        self._running = running
        self._channel: AbstractChannel | None = None
        self._queue: AbstractQueue | None = None
        self._tag: ConsumerTag | None = None
        self._held = 0
        self._fed_at = monotonic()

    async def open(self) -> None:
        """Consume. Whatever breaks the channel later gives the session up."""
        self._channel = await self._session.open_feeding_channel()
        await self._channel.set_qos(prefetch_count=self._prefetch)
        self._queue = await self._channel.get_queue(self._name, ensure=False)
        self._fed_at = monotonic()
        self._tag = await self._queue.consume(self._begin)

    async def cancel(self) -> None:
        """Ask the broker for no more; what runs goes on and can be acknowledged."""
        tag, self._tag = self._tag, None
        if self._queue is not None and tag is not None:
            await self._queue.cancel(tag)

    async def refresh(self, quiet_seconds: float) -> None:
        """Open the channel anew when nothing came for a while: a quiet queue and a consumer that gets nothing look the same."""
        if self._held or monotonic() - self._fed_at < quiet_seconds:
            return
        await self.cancel()
        await self._reopen()

    async def _reopen(self) -> None:
        """What came at the last moment can still be acknowledged on the old channel, which then ends with the session."""
        if not self._held and self._channel is not None:
            await self._session.close_feeding_channel(self._channel)
        await self.open()

    async def _begin(self, message: AbstractIncomingMessage) -> None:
        """In a task of our own: aio-pika cancels its tasks with the channel, and the handler may have committed already."""
        self._held += 1
        self._fed_at = monotonic()
        self._running.start(self._take(message), then=self._end, queue=self._name)

    def _end(self) -> None:
        self._held -= 1
