"""Our connections to RabbitMQ, opened together and given up together. Used by ``rabbitmq``, which opens the next session.

Two connections, because a broker in alarm stops reading from those that publish, and acknowledgements must still get through.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Self

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError

from twoway_router.dispatch.topology import Topology, declare
from twoway_router.tasks import Abandoned, bounded

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
BLOCKED_PROBE_SECONDS: Final = 0.05
AMQP_HEARTBEAT_SECONDS: Final = 10

BROKER_ERRORS: Final = (AMQPError, OSError, TimeoutError, RuntimeError, Abandoned)
"""What a broker that is away, breaks off or refuses makes aio-pika raise; a leaked cancellation comes as Abandoned."""


class Session:
    """Connections and channels that live and fall together. ``lost`` is done, with the reason, when any of them breaks."""

    def __init__(self, publishing: AbstractConnection, consuming: AbstractConnection) -> None:
        self._publishing = publishing
        self._consuming = consuming
        self._lose_feed = self._loser("a consuming channel closed", is_consuming=True)
        self._is_closing = False
        self._has_stopped_consuming = False
        self.publish_channel: AbstractChannel = publishing.channel(publisher_confirms=True, on_return_raises=True)
        self.heartbeat_channel: AbstractChannel = consuming.channel(publisher_confirms=True)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, url: str, topology: Topology, name: str) -> Self:
        """Connect, declare everything, open the channels; raises one of BROKER_ERRORS."""
        publishing = await bounded(_connect(url, f"{name} publish"), CONNECT_SECONDS)
        consuming = None
        try:
            consuming = await bounded(_connect(url, f"{name} consume"), CONNECT_SECONDS)
            session = cls(publishing, consuming)
            await bounded(session._prepare(topology), CONNECT_SECONDS)
        except BaseException:
            await _close(publishing)
            if consuming is not None:
                await _close(consuming)
            raise
        return session

    async def _prepare(self, topology: Topology) -> None:
        await self.declare(topology)
        await self.publish_channel.initialize()
        await self.heartbeat_channel.initialize()
        self._publishing.close_callbacks.add(self._loser("the publishing connection closed"))
        self.publish_channel.close_callbacks.add(self._loser("the publishing channel closed"))
        self._consuming.close_callbacks.add(self._loser("the consuming connection closed", is_consuming=True))
        self.heartbeat_channel.close_callbacks.add(self._loser("the heartbeat's channel closed", is_consuming=True))

    def _loser(self, reason: str, *, is_consuming: bool = False) -> Callable[..., None]:
        def lose(*arguments: object) -> None:  # the last one is the error, where there was one
            if not (is_consuming and self._has_stopped_consuming):
                self.lose(f"{reason}: {arguments[-1]}" if arguments and arguments[-1] else reason)

        return lose

    def lose(self, reason: str) -> None:
        """Give this session up; the first reason counts."""
        if not self._is_closing and not self.lost.done():
            self.lost.set_result(reason)

    async def declare(self, topology: Topology) -> None:
        """Make what is missing, on a channel of its own, since a refusal closes the channel."""
        async with self._consuming.channel() as channel:
            await declare(channel, topology)

    async def open_feeding_channel(self) -> AbstractChannel:
        """A channel to consume on. The session is lost when it closes by itself, or when the broker cancels its consumer."""
        channel = self._consuming.channel()
        await channel.initialize()
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(lambda _: self.lose("the broker cancelled a consumer"))
        channel.close_callbacks.add(self._lose_feed)
        return channel

    async def close_feeding_channel(self, channel: AbstractChannel) -> None:
        """Close it on purpose."""
        channel.close_callbacks.discard(self._lose_feed)
        await channel.close()

    async def is_blocked(self) -> bool:
        """Whether the broker, short of memory or disk, takes nothing from publishers."""
        transport = self._publishing.transport
        if transport is None:
            return False
        try:
            await bounded(_wait(transport.ready()), BLOCKED_PROBE_SECONDS)
        except TimeoutError:
            return True
        except BROKER_ERRORS:
            return False
        return False

    async def stop_consuming(self) -> None:
        """Close the consuming side only: what was not acknowledged goes back to its queue."""
        self._has_stopped_consuming = True
        await _close(self._consuming)

    async def close(self) -> None:
        """Close both connections, or let go of them when the broker does not answer."""
        self._is_closing = True
        await _close(self._consuming)
        await _close(self._publishing)


class _Connection(aio_pika.Connection):
    """Closed by ``_close`` alone: aio-pika's own finaliser leaves a coroutine to whichever loop runs when one is collected."""

    def __del__(self) -> None:
        """Nothing: a connection that was never opened has nothing to close."""


async def _connect(url: str, name: str) -> AbstractConnection:
    return await aio_pika.connect(
        url,
        timeout=CONNECT_SECONDS,
        heartbeat=AMQP_HEARTBEAT_SECONDS,
        client_properties={"connection_name": name},
        connection_class=_Connection,
    )


async def _wait(ready: Awaitable[object]) -> None:
    await ready


async def _close(connection: AbstractConnection) -> None:
    try:
        await bounded(connection.close(), CLOSE_SECONDS)
    except BROKER_ERRORS as error:
        log.info("rabbitmq.not_closed_orderly", error=type(error).__name__)
