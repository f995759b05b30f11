"""What has arrived, in order, to be waited for: the demo and tests wait for effects and never for time."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


class Arrivals(Generic[Item]):
    """The newest items in order. Only for use inside one event loop."""

    def __init__(self, *, longest: int = 20_000) -> None:
        self._items: deque[Item] = deque(maxlen=longest)
        self._changed = asyncio.Event()

    @property
    def items(self) -> Sequence[Item]:
        return tuple(self._items)

    def add(self, item: Item) -> None:
        """Append an item and wake everyone who waits."""
        self._items.append(item)
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for(self, find: Callable[[Sequence[Item]], Found | None], *, timeout_seconds: float) -> Found | None:
        """What ``find`` sees in the items, asked again on every change; None when the time is over."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while (found := find(self.items)) is None:
                    await self._changed.wait()
        except TimeoutError:
            return None
        return found
