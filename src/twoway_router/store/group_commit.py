"""Group commit: callers that wait at the same time share one transaction. Used by ``ingress`` and ``executor``.

A batch forms by itself while earlier ones commit; there is no artificial delay. A failing batch is split in two until
the one bad item stands alone, so it never fails its neighbours. A connection that broke gets one more try; a database that
is away fails the whole batch at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from twoway_router.store.failures import is_away, is_passing
from twoway_router.tasks import OwnedTasks

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """``commit`` stores a whole batch in one transaction and returns one result per item, in order.

    ``rows_of`` says how many of ``max_rows`` an item takes; one that takes more goes alone.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        max_rows: int = 500,
        max_in_flight: int = 2,
        rows_of: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._commit = commit
        self._rows_of = rows_of
        self._max_rows = max_rows
        self._max_in_flight = max_in_flight
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._in_flight = OwnedTasks("batch.failed")

    @property
    def depth(self) -> int:
        """How many items wait for a transaction that has not begun."""
        return len(self._waiting)

    async def submit(self, item: Item) -> Result:
        """Return when the item's transaction has committed; raise what its own transaction raised.

        Cancelled before its transaction has begun, the item is not stored; afterwards it may be.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        return await future

    async def drain(self) -> None:
        """Wait until nothing is waiting or in flight."""
        while self._waiting or self._in_flight:
            self._start()
            await self._in_flight.drain()

    def _start(self) -> None:
        while self._waiting and len(self._in_flight) < self._max_in_flight:
            batch: list[tuple[Item, asyncio.Future[Result]]] = []
            rows = 0
            while self._waiting:
                item, future = self._waiting[0]
                # Its caller did not wait any longer, and has been answered so.
                if not future.done():
                    rows += self._rows_of(item)
                    if batch and rows > self._max_rows:
                        break
                    batch.append((item, future))
                self._waiting.popleft()
            if batch:
                self._in_flight.start(self._flush(batch), then=self._start)

    async def _flush(self, batch: Sequence[tuple[Item, asyncio.Future[Result]]], *, is_repeat: bool = False) -> None:
        try:
            results = await self._commit([item for item, _ in batch])
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:
            await self._recover(batch, error, is_repeat=is_repeat)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _recover(
        self, batch: Sequence[tuple[Item, asyncio.Future[Result]]], error: Exception, *, is_repeat: bool
    ) -> None:
        """Try once more, or fail all, or go on with the halves of the batch, down to the single item that fails."""
        if is_passing(error) and not is_repeat:
            await self._flush(batch, is_repeat=True)
        elif is_away(error) or len(batch) == 1:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        else:
            middle = len(batch) // 2
            await self._flush(batch[:middle])
            await self._flush(batch[middle:])
