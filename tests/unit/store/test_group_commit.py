"""Group commit: callers that wait together share a transaction; a bad item fails alone."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.exc import DBAPIError

from twoway_router.store.group_commit import GroupCommit


class Ledger:
    """Commits batches of numbers; a batch with a negative number fails."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, items: Sequence[int]) -> Sequence[int]:
        await self.gate.wait()
        if any(item < 0 for item in items):
            raise ValueError("a negative item")
        self.batches.append(list(items))
        return [item * 10 for item in items]


async def test_each_caller_gets_its_own_result() -> None:
    ledger = Ledger()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit)

    results = await asyncio.gather(*(group.submit(number) for number in range(100)))

    assert results == [number * 10 for number in range(100)]


async def test_callers_that_wait_while_a_commit_runs_share_the_next_one() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit, max_in_flight=1)

    waiting = [asyncio.create_task(group.submit(number)) for number in range(50)]
    await asyncio.sleep(0)
    ledger.gate.set()
    await asyncio.gather(*waiting)

    assert [len(batch) for batch in ledger.batches] == [1, 49]


async def test_what_nobody_waits_for_any_longer_is_not_committed() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit, max_in_flight=1)

    first, given_up, kept = (asyncio.create_task(group.submit(number)) for number in range(3))
    await asyncio.sleep(0)
    given_up.cancel()
    ledger.gate.set()
    await asyncio.gather(first, kept)

    assert ledger.batches == [[0], [2]]


async def test_a_batch_never_exceeds_its_limit() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit, max_rows=10, max_in_flight=1)

    waiting = [asyncio.create_task(group.submit(number)) for number in range(35)]
    await asyncio.sleep(0)
    ledger.gate.set()
    await asyncio.gather(*waiting)

    assert max(len(batch) for batch in ledger.batches) == 10


async def test_items_count_by_their_rows_and_a_large_one_goes_alone() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit, max_rows=10, max_in_flight=1, rows_of=lambda item: item)

    waiting = [asyncio.create_task(group.submit(number)) for number in (1, 4, 6, 1, 25, 3, 3)]
    await asyncio.sleep(0)
    ledger.gate.set()
    await asyncio.gather(*waiting)

    assert ledger.batches == [[1], [4, 6], [1], [25], [3, 3]]


async def test_a_bad_item_fails_alone() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit, max_in_flight=1)

    waiting = [asyncio.create_task(group.submit(number)) for number in [0, 1, 2, -3, 4, 5, 6]]
    await asyncio.sleep(0)
    ledger.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [result for result in results if not isinstance(result, Exception)] == [0, 10, 20, 40, 50, 60]
    assert isinstance(results[3], ValueError)


async def test_a_caller_that_gives_up_does_not_disturb_the_others() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit, max_in_flight=1)

    first = asyncio.create_task(group.submit(1))
    second = asyncio.create_task(group.submit(2))
    third = asyncio.create_task(group.submit(3))
    await asyncio.sleep(0)
    second.cancel()
    ledger.gate.set()

    assert (await first, await third) == (10, 30)
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_drain_waits_for_everything_that_was_submitted() -> None:
    ledger = Ledger()
    ledger.gate.clear()
    group: GroupCommit[int, int] = GroupCommit(ledger.commit, max_rows=2, max_in_flight=1)
    waiting = [asyncio.create_task(group.submit(number)) for number in range(9)]
    await asyncio.sleep(0)

    ledger.gate.set()
    await group.drain()

    assert group.depth == 0
    assert sorted(await asyncio.gather(*waiting)) == [number * 10 for number in range(9)]


class Database:
    """Fails as often as it is told, then commits."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.sizes: list[int] = []

    async def commit(self, items: Sequence[int]) -> Sequence[int]:
        self.sizes.append(len(items))
        if self.failures:
            raise self.failures.pop(0)
        return items


def a_broken_connection() -> DBAPIError:
    return DBAPIError("COMMIT", None, Exception("connection was closed"), connection_invalidated=True)


def a_rolled_back_transaction() -> DBAPIError:
    deadlock = Exception("deadlock detected")
    deadlock.sqlstate = "40P01"  # type: ignore[attr-defined] # as the driver's errors have it
    return DBAPIError("UPDATE", None, deadlock)


async def submit_together(database: Database, count: int) -> list[int | BaseException]:
    group: GroupCommit[int, int] = GroupCommit(database.commit, max_in_flight=1)
    return await asyncio.gather(*(group.submit(number) for number in range(count)), return_exceptions=True)


async def test_a_database_that_is_away_answers_everybody_at_once() -> None:
    database = Database(*[ConnectionRefusedError() for _ in range(1000)])

    results = await submit_together(database, 200)

    assert {type(result) for result in results} == {ConnectionRefusedError}
    assert database.sizes == [1, 199]


@pytest.mark.parametrize("failure", [a_broken_connection(), a_rolled_back_transaction()])
async def test_what_passes_by_itself_is_tried_once_more(failure: Exception) -> None:
    database = Database(failure)

    assert await submit_together(database, 1) == [0]


async def test_a_connection_that_stays_broken_is_a_database_that_is_away() -> None:
    database = Database(*[a_broken_connection() for _ in range(1000)])

    await submit_together(database, 200)

    assert database.sizes == [1, 1, 199, 199]
