"""Listens to PostgreSQL's notifications on a connection of its own. Wakes relay, embedded transport and change feed early.

A hint only: a notification may be lost with its connection, so every caller polls behind it. It needs a direct
connection; a pooler in transaction mode would swallow ``LISTEN``.

The same connection holds the lock by which others know that this process lives (``store.living``): PostgreSQL frees it when
the process dies, and keeps it while it is only stopped.
"""

import asyncio
from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

import asyncpg
import structlog

from twoway_router.store import living
from twoway_router.store.engine import normalise_url
from twoway_router.store.failures import describe
from twoway_router.tasks import Supervised

log = structlog.get_logger(__name__)

CONNECT_SECONDS: Final = 5.0
CHECK_EVERY_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 0.1
_UNREACHABLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Listener:
    """One connection for all channels of a process. Any number of tasks may wait on a channel."""

    def __init__(self, database_url: str, channels: Sequence[str]) -> None:
        url = normalise_url(database_url)
        query = {name: value for name, value in url.query.items() if not name.startswith("prepared_statement")}
        self._options = {**url.translate_connect_args(username="user"), **query}
        self.process_number: Final = living.new_process_number()
        self._counts = dict.fromkeys(channels, 0)
        self._arrivals = {channel: asyncio.Event() for channel in channels}
        self._seen: WeakKeyDictionary[asyncio.Task[object], dict[str, int]] = WeakKeyDictionary()
        self._connection = Supervised("listener", self._listen, expected=_UNREACHABLE)

    async def start(self) -> None:
        """Connect in the background; never fails, a database that is away is tried again."""
        self._connection.start()

    async def close(self) -> None:
        """Give the connection back. Later waits only time out."""
        await self._connection.stop()

    async def wait(self, channel: str, timeout: float) -> None:
        """Return at the next notification, at once if one came since this task waited last, or after ``timeout`` seconds."""
        task = asyncio.current_task()
        seen = self._seen.setdefault(task, {}) if task is not None else {}
        if seen.get(channel) == self._counts[channel]:
            try:
                async with asyncio.timeout(timeout):
                    await self._arrivals[channel].wait()
            except TimeoutError:
                return
        seen[channel] = self._counts[channel]

    def _note(self, channel: str) -> None:
        self._counts[channel] += 1
        arrival, self._arrivals[channel] = self._arrivals[channel], asyncio.Event()
        arrival.set()

    async def _listen(self) -> None:
        """One connection, until it breaks. What was said before we listened is gone, so every waiter is woken once."""
        connection = await asyncpg.connect(
            **self._options, timeout=CONNECT_SECONDS, server_settings=dict(living.QUICK_KEEP_ALIVE)
        )
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.execute(living.show(self.process_number), timeout=CONNECT_SECONDS)
            for channel in self._counts:
                await connection.add_listener(channel, lambda *said: self._note(said[2]))
            for channel in self._counts:
                self._note(channel)
            while not lost.is_set():
                try:
                    async with asyncio.timeout(CHECK_EVERY_SECONDS):
                        await lost.wait()
                except TimeoutError:
                    await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)
            log.warning("listener.lost")
        except _UNREACHABLE as error:
            log.warning("listener.lost", error=describe(error))
        finally:
            connection.terminate()
        await asyncio.sleep(PAUSE_SECONDS)
