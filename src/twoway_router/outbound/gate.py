"""How much one destination is given at a time, and when it is left alone: concurrency bound, pause, circuit breaker.

Kept per process by ``delivery_loop``: one per connection, webhook endpoint or mail server, and one for all tries.
"""

import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

Key = TypeVar("Key")

TRIP_AFTER: Final = 5
FIRST_REST: Final = timedelta(seconds=1)
LONGEST_REST: Final = timedelta(seconds=30)


class Gate:
    """One destination. After five failures in a row it rests, longer every time, until a try succeeds."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way = 0
        self._failures = 0
        self._rests_until: datetime | None = None
        self._left = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        return self._under_way == 0 and self._failures == 0 and self._rests_until is None

    def rests_until(self, now: datetime) -> datetime | None:
        """When it may be tried again, None when it may be now."""
        return self._rests_until if self._rests_until is not None and self._rests_until > now else None

    def room(self, *, spares: bool = False) -> int:
        """How many more may be given to it now; one at a time after a rest, until a try has succeeded.

        Who ``spares`` it leaves a quarter of it to the others.
        """
        limit = self._limit if self._failures < TRIP_AFTER else 1
        return max(0, limit - (limit // 4 if spares else 0) - self._under_way)

    def enter(self, count: int) -> None:
        """Count tries that begin."""
        self._under_way += count

    def leave(self, *, has_answered: bool, now: datetime, pause: timedelta | None = None) -> None:
        """Count a try that ended. ``has_answered``: the other side works, whatever it said; ``pause`` is its own wish."""
        self._under_way -= 1
        self._failures = 0 if has_answered else self._failures + 1
        if self._failures >= TRIP_AFTER:
            rest: timedelta | None = min(FIRST_REST * 2 ** min(self._failures - TRIP_AFTER, 10), LONGEST_REST)
        else:
            rest = pause
        if rest is not None:
            self._rests_until = max(self._rests_until or now, now + rest)
        elif has_answered:
            self._rests_until = self.rests_until(now)
        self._left.set()

    def give_back(self, count: int) -> None:
        """Undo ``enter`` for tries that did not begin."""
        self._under_way -= count
        self._left.set()

    async def wait(self, limit: timedelta, *, count: int = 1, spares: bool = False) -> bool:
        """Wait for room; False when there was none in time.

        Of many that wait (``count``) none goes alone: a claim of one costs as much as a claim of ten.
        """
        enough = min(count, max(1, self._limit // 8))
        try:
            async with asyncio.timeout(limit.total_seconds()):
                while self.room(spares=spares) < (enough if self._failures < TRIP_AFTER else 1):
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            return self.room(spares=spares) > 0
        return True


class Gates(Generic[Key]):
    """The gates of one process by destination; idle ones are forgotten when there are many."""

    def __init__(self, limit: int, *, kept: int = 4096) -> None:
        self._limit = limit
        self._kept = kept
        self._gates: OrderedDict[Key, Gate] = OrderedDict()

    def of(self, key: Key) -> Gate:
        """The gate of a destination."""
        if key not in self._gates:
            if len(self._gates) >= self._kept:
                for idle in [known for known, gate in self._gates.items() if gate.is_idle][: self._kept // 8]:
                    del self._gates[idle]
            self._gates[key] = Gate(self._limit)
        self._gates.move_to_end(key)
        return self._gates[key]
