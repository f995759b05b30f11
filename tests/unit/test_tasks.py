"""What runs in the background belongs to somebody: it is drained, it is cancelled, and its failure is logged."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from twoway_router.tasks import Abandoned, OwnedTasks, Supervised, bounded, repeat

FAILURE = "mt.settle_failed"
SOON = timedelta(milliseconds=1)


async def fail() -> None:
    raise LookupError("the row of +39 333 1234567")


async def leak_a_cancellation() -> None:
    raise asyncio.CancelledError


async def test_draining_waits_also_for_what_begins_meanwhile() -> None:
    tasks, ended = OwnedTasks(FAILURE), list[str]()

    async def second() -> None:
        await asyncio.sleep(0)
        ended.append("second")

    async def first() -> None:
        await asyncio.sleep(0)
        tasks.start(second())
        ended.append("first")

    tasks.start(first())
    await tasks.drain()

    assert (ended, len(tasks)) == (["first", "second"], 0)


async def test_draining_nothing_returns_at_once() -> None:
    await OwnedTasks(FAILURE).drain()


async def test_draining_ends_with_its_time_and_leaves_what_runs_alone() -> None:
    tasks = OwnedTasks(FAILURE)
    task = tasks.start(asyncio.Event().wait())

    await tasks.drain(SOON)

    assert (task.done(), len(tasks)) == (False, 1)
    await tasks.cancel()


async def test_cancelling_waits_until_all_have_ended_and_logs_nothing() -> None:
    tasks = OwnedTasks(FAILURE)
    begun, never_begun = tasks.start(asyncio.Event().wait()), tasks.start(asyncio.Event().wait())
    await asyncio.sleep(0)

    with capture_logs() as logs:
        await tasks.cancel()

    assert begun.cancelled() and never_begun.cancelled()
    assert (logs, len(tasks)) == ([], 0)


async def test_a_failure_is_logged_with_its_facts_and_is_not_its_neighbours() -> None:
    tasks = OwnedTasks(FAILURE)
    neighbour = tasks.start(asyncio.sleep(0, "sent"))

    with capture_logs() as logs:
        tasks.start(fail(), queue="mt.1")
        await tasks.drain()

    [entry] = logs
    assert (entry["event"], entry["log_level"], entry["error"], entry["queue"]) == (
        FAILURE,
        "error",
        "LookupError",
        "mt.1",
    )
    assert isinstance(entry["exc_info"], LookupError)
    assert neighbour.result() == "sent"


async def test_a_cancellation_that_nobody_asked_for_is_logged() -> None:
    tasks = OwnedTasks(FAILURE)

    with capture_logs() as logs:
        tasks.start(leak_a_cancellation())
        await tasks.drain()

    assert [(entry["event"], entry["error"]) for entry in logs] == [(FAILURE, "CancelledError")]


async def succeed() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("work", [succeed, fail, leak_a_cancellation])
async def test_what_follows_a_task_follows_whatever_its_end(work: Callable[[], Coroutine[None, None, None]]) -> None:
    tasks, calls = OwnedTasks(FAILURE), list[int]()

    with capture_logs():
        tasks.start(work(), then=lambda: calls.append(len(tasks)))
        await tasks.drain()

    assert calls == [0]


async def test_what_follows_also_follows_a_task_that_is_cancelled_before_it_begins() -> None:
    tasks, calls = OwnedTasks(FAILURE), list[int]()

    tasks.start(asyncio.sleep(100), then=lambda: calls.append(len(tasks)))
    await tasks.cancel()

    assert calls == [0]


async def test_a_supervised_loop_survives_a_cancellation_from_below_and_ends_by_ours() -> None:
    turns, again = list[int](), asyncio.Event()

    async def turn() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise asyncio.CancelledError
        again.set()
        await asyncio.Event().wait()

    loop = Supervised("test", turn)
    with capture_logs() as logs:
        loop.start()
        await again.wait()
        was_alive = loop.is_alive
        await loop.stop()

    assert [entry["event"] for entry in logs] == ["task.cancelled_from_below"]
    assert (was_alive, loop.is_alive, turns) == (True, False, [0, 1])


async def test_a_loop_ends_when_it_has_nothing_more_to_do() -> None:
    turns = list[int]()

    async def turn() -> None:
        turns.append(len(turns))

    await repeat("test", turn, until=lambda: len(turns) == 3)

    assert turns == [0, 1, 2]


async def test_bounded_work_gives_its_result() -> None:
    assert await bounded(asyncio.sleep(0, "done"), 10) == "done"


async def test_bounded_work_that_hangs_is_late() -> None:
    with pytest.raises(TimeoutError):
        await bounded(asyncio.Event().wait(), SOON.total_seconds())


async def test_a_cancellation_inside_bounded_work_is_not_ours() -> None:
    with pytest.raises(Abandoned):
        await bounded(leak_a_cancellation(), 10)
