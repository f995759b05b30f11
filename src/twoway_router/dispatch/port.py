"""How jobs travel: the one port that RabbitMQ and the embedded transport implement. Used by executor, scheduler and relay.

Delivery is at least once: a handler must be harmless when it is called again with the same ids. ``tests/broker`` holds
the contract that both implementations pass.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A kind of work and the rows it is about, in order. ``attempt`` is 1 at the first time; it is a hint, not a ledger."""

    job: str
    ids: tuple[UUID, ...]
    shard: int
    attempt: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Publication:
    """A job to be published. ``attempt`` is the one that its consumer will see."""

    job: str
    ids: tuple[UUID, ...]
    shard: int = 0
    attempt: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadJob:
    """A job that was given up. ``job`` is None when the body could not be read."""

    job: Job | None
    reason: str
    dead_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ack:
    """It is done, or another process has it: forget the job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryAfter:
    """Come back with it, not before ``delay``."""

    delay: timedelta
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """Never again, unless someone asks for it."""

    reason: str


Handled = Ack | RetryAfter | DeadLetter
Handler = Callable[[Job], Awaitable[Handled]]
DeadHandler = Callable[[DeadJob], Awaitable[None]]


class Transport(Protocol):
    """Start it, consume, publish, drain, close. Every method may be called while the other side is down."""

    @property
    def is_healthy(self) -> bool:
        """Whether jobs can flow now: no part of it is dead and the last heartbeat is recent."""
        ...

    @property
    def last_heartbeat_at(self) -> datetime | None:
        """When a heartbeat last made the whole way: published, confirmed and consumed."""
        ...

    async def start(self) -> None:
        """Begin to connect and return; a server that is down is tried again and again."""
        ...

    async def publish(self, jobs: Sequence[Publication]) -> Sequence[bool]:
        """One flag per publication: whether it is surely stored. One that is not may still arrive: publish it again."""
        ...

    async def consume(self, jobs: Sequence[str], handler: Handler, *, prefetch: int = 20) -> None:
        """Hand jobs of these kinds to ``handler``, at most ``prefetch`` at a time per queue. Handlers start in order of delivery.

        A handler that raises gets the job again after a back-off; after the last try the job is dead.
        """
        ...

    async def consume_dead(self, handler: DeadHandler) -> None:
        """Hand over every dead job. It is forgotten when the handler returns and comes back when it raises."""
        ...

    async def drain(self, timeout: timedelta) -> None:
        """Take nothing new, let running handlers finish, give the rest back. Publishing goes on until ``close``."""
        ...

    async def close(self) -> None:
        """Close at once; what was not finished is delivered again."""
        ...
