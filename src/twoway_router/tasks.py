"""Every task has an owner, which waits for its end and logs its failure. Used by whatever works in the background.

Libraries under load leak ``CancelledError`` into tasks that nobody cancelled; a loop that only catches ``Exception``
would end without a log entry.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, TypeVar

import structlog

log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0

Failures = tuple[type[Exception], ...]
Result = TypeVar("Result")


class Abandoned(Exception):
    """A library cancelled what it was doing for us: the outcome is unknown."""


class OwnedTasks:
    """The tasks of one object. ``failure`` is the event that is logged when one of them raises, or is cancelled by a library.

    No ``TaskGroup``: one task's failure is not its neighbours', and its owner starts, drains and closes in different calls.
    """

    def __init__(self, failure: str) -> None:
        self._failure = failure
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(
        self, work: Coroutine[Any, Any, Result], *, then: Callable[[], None] | None = None, **facts: str
    ) -> asyncio.Task[Result]:
        """Begin ``work`` now. ``then`` is called at its end, whatever the end; ``facts`` are logged with a failure."""
        task = asyncio.create_task(work)
        self._running.add(task)

        def end(ended: asyncio.Task[Result]) -> None:
            self._running.discard(ended)
            if ended.cancelled():
                if not ended.cancelling():
                    log.error(self._failure, error="CancelledError", **facts)
            elif (error := ended.exception()) is not None:
                log.error(self._failure, error=type(error).__name__, exc_info=error, **facts)
            if then is not None:
                then()

        task.add_done_callback(end)
        return task

    async def drain(self, timeout: timedelta | None = None) -> None:
        """Wait until none runs, those that begin meanwhile included, but no longer than ``timeout``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout.total_seconds() if timeout is not None else None):
                while self._running:
                    await asyncio.wait(self._running)

    async def cancel(self) -> None:
        """Cancel all that run now and wait until they have ended."""
        running = set(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)


class Supervised:
    """A task that repeats ``body`` until it is stopped, or ``until`` says so."""

    def __init__(
        self,
        name: str,
        body: Callable[[], Awaitable[None]],
        *,
        until: Callable[[], bool] = lambda: False,
        expected: Failures = (),
    ) -> None:
        self._name = name
        self._body = body
        self._until = until
        self._expected = expected
        self._tasks = OwnedTasks("task.died")
        self._task: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        """False when it was never started, was stopped, or died."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin, once."""
        if self._task is None:
            self._task = self._tasks.start(
                repeat(self._name, self._body, until=self._until, expected=self._expected), task=self._name
            )

    async def stop(self) -> None:
        """Cancel it and wait until it has ended."""
        await self._tasks.cancel()


async def repeat(
    name: str,
    turn: Callable[[], Awaitable[None]],
    *,
    until: Callable[[], bool] = lambda: False,
    expected: Failures = (),
) -> None:
    """Call ``turn`` again and again. A failure is logged and slows it down, up to five seconds; our own cancellation ends it.

    What is ``expected``, such as a database that is away, is logged in one line; a surprise with its traceback.
    """
    pause = FIRST_PAUSE_SECONDS
    while not until():
        try:
            await turn()
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            log.error("task.cancelled_from_below", task=name, again_in_seconds=pause)
        except expected as error:
            log.warning("task.put_off", task=name, error=type(error).__name__, again_in_seconds=pause)
        except Exception as error:
            log.error("task.failed", task=name, error=type(error).__name__, again_in_seconds=pause, exc_info=True)
        else:
            pause = FIRST_PAUSE_SECONDS
            continue
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def bounded(work: Coroutine[Any, Any, Result], seconds: float) -> Result:
    """The result of ``work``; raises TimeoutError, or Abandoned when it was cancelled by anyone but us.

    It runs in a task of its own, so that neither a hang nor a leaked cancellation reaches the caller.
    """
    task, is_late = asyncio.create_task(work), False

    def end(ended: asyncio.Task[Result]) -> None:
        if not ended.cancelled() and (error := ended.exception()) is not None and is_late:
            log.info("task.failed_late", error=type(error).__name__)

    task.add_done_callback(end)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        is_late = not task.done()
        task.cancel()
    if is_late:
        raise TimeoutError
    if task.cancelled():
        raise Abandoned
    return task.result()


async def pause(stop: asyncio.Event, delay: timedelta) -> bool:
    """Wait between two turns of a loop, no longer than until ``stop``; whether it was set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(delay.total_seconds()):
            return await stop.wait()
    return False


def is_cancelled() -> bool:
    """Whether somebody has cancelled the current task on purpose; a library's leak does not count."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
