"""Hears PostgreSQL's notifications on a connection of its own. Wakes the relay, the embedded transport and the change feed early.

A hint only: a notification may be lost with its connection, so every caller polls behind it. It needs a direct
connection; a pooler in transaction mode would swallow ``LISTEN``.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

import asyncpg
import structlog

from twoway_router.store.engine import normalise_url

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 5.0
CHECK_EVERY_SECONDS: Final = 10.0
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0


class Listener:
    """One connection for all channels of a process. Any number of tasks may wait on a channel."""

    def __init__(self, database_url: str, channels: Sequence[str]) -> None:
        url = normalise_url(database_url)
        query = {name: value for name, value in url.query.items() if not name.startswith("prepared_statement")}
        self._options = {**url.translate_connect_args(username="user"), **query}
        self._news = dict.fromkeys(channels, 0)
        self._bells = {channel: asyncio.Event() for channel in channels}
        self._seen: WeakKeyDictionary[asyncio.Task[object], dict[str, int]] = WeakKeyDictionary()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect in the background; never fails, a database that is away is tried again."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep_connected(), name="listener")
            self._task.add_done_callback(_tell_if_it_died)

    async def close(self) -> None:
        """Give the connection back. Later waits only time out."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def wait(self, channel: str, timeout: float) -> None:
        """Return at the next notification, at once if one came since this task waited last, or after ``timeout`` seconds."""
        task = asyncio.current_task()
        seen = self._seen.setdefault(task, {}) if task is not None else {}
        if seen.get(channel) == self._news[channel]:
            try:
                async with asyncio.timeout(timeout):
                    await self._bells[channel].wait()
            except TimeoutError:
                return
        seen[channel] = self._news[channel]

    def _ring(self, channel: str) -> None:
        self._news[channel] += 1
        bell, self._bells[channel] = self._bells[channel], asyncio.Event()
        bell.set()

    async def _keep_connected(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(**self._options, timeout=CONNECT_SECONDS)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listener.unreachable", error=type(error).__name__, again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                continue
            try:
                await self._listen(connection)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listener.lost", error=type(error).__name__)
            finally:
                connection.terminate()
            pause = FIRST_PAUSE_SECONDS
            await asyncio.sleep(pause)

    async def _listen(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Until the connection breaks. What was said before we listened is gone, so everybody looks once."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        for channel in self._news:
            await connection.add_listener(channel, lambda *said: self._ring(said[2]))
        for channel in self._news:
            self._ring(channel)
        while not lost.is_set():
            try:
                async with asyncio.timeout(CHECK_EVERY_SECONDS):
                    await lost.wait()
            except TimeoutError:
                await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)


def _tell_if_it_died(task: asyncio.Task[None]) -> None:
    """Everybody polls, so it goes on more slowly; but it must be known."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("listener.died", error=type(error).__name__, exc_info=error)
