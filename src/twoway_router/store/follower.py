"""Keeps what a process caches current by following the change feed. Used by ``ingress`` and ``management`` through caches.

A notification only wakes it early; the poll behind it is what is relied on. It knows how long ago it was last current.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import Protocol

import structlog

from twoway_router.store import changes
from twoway_router.store.changes import Change
from twoway_router.store.failures import DATABASE_ERRORS, describe
from twoway_router.store.listen import Listener
from twoway_router.store.transaction import Engine, Session, System, transaction

log = structlog.get_logger(__name__)


class Cache(Protocol):
    """Something that is loaded whole once and then follows what changes. Applying a change twice must be harmless."""

    async def load(self, session: Session) -> None: ...

    async def apply(self, session: Session, news: Sequence[Change]) -> None: ...


class ChangeFollower:
    """Feeds one or more caches. ``sequence`` is the newest change they contain."""

    def __init__(self, engine: Engine, listener: Listener, caches: Sequence[Cache], *, poll: timedelta) -> None:
        self._engine = engine
        self._listener = listener
        self._caches = caches
        self._poll = poll
        self._current_at: float | None = None
        self._turn = asyncio.Lock()
        self.sequence = 0

    @property
    def age(self) -> timedelta | None:
        """How long ago the caches were known to hold every committed change; None before the first load."""
        return None if self._current_at is None else timedelta(seconds=monotonic() - self._current_at)

    async def load(self) -> None:
        """Fill the caches. The sequence is read first: what commits meanwhile is applied again, harmlessly."""
        began = monotonic()
        async with transaction(self._engine, System("change feed")) as session:
            self.sequence = await changes.newest(session)
            for cache in self._caches:
                await cache.load(session)
        self._current_at = began

    async def catch_up(self) -> None:
        """Apply everything committed until now. One at a time: what was read earlier is not applied later."""
        async with self._turn:
            began = monotonic()
            async with transaction(self._engine, System("change feed")) as session:
                while news := await changes.list_since(session, self.sequence):
                    for cache in self._caches:
                        await cache.apply(session, news)
                    self.sequence = news[-1].sequence
            self._current_at = began

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until ``stop``; a database that is away is waited for, and ``age`` grows meanwhile."""
        while not stop.is_set():
            await self._listener.wait(changes.CHANNEL, self._poll.total_seconds())
            try:
                await self.catch_up()
            except DATABASE_ERRORS as error:
                log.warning("changes.unreachable", error=describe(error))
                await asyncio.sleep(self._poll.total_seconds())
