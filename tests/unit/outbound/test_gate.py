"""A gate bounds what one destination is given and leaves it alone after failures."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from twoway_router.outbound.gate import Gate, Gates

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def fail(gate: Gate, times: int, now: datetime = NOW) -> None:
    """Tries without an answer."""
    for _ in range(times):
        gate.enter(1)
        gate.leave(has_answered=False, now=now)


def test_room_is_what_the_limit_leaves() -> None:
    gate = Gate(3)

    gate.enter(2)

    assert gate.room() == 1


@pytest.mark.parametrize(("limit", "under_way", "room"), [(8, 0, 6), (8, 6, 0), (8, 7, 0), (1, 0, 1)])
def test_who_spares_a_gate_leaves_a_quarter_of_it_to_the_others(limit: int, under_way: int, room: int) -> None:
    gate = Gate(limit)

    gate.enter(under_way)

    assert (gate.room(spares=True), gate.room()) == (room, limit - under_way)


@pytest.mark.parametrize(("failures", "seconds"), [(4, None), (5, 1), (6, 2), (7, 4), (20, 30)])
def test_after_five_failures_it_rests_longer_each_time(failures: int, seconds: int | None) -> None:
    gate = Gate(10)

    fail(gate, failures)

    assert gate.rests_until(NOW) == (None if seconds is None else NOW + timedelta(seconds=seconds))


def test_after_a_rest_one_try_goes_first() -> None:
    gate = Gate(10)

    fail(gate, 5)

    assert (gate.rests_until(NOW + timedelta(seconds=2)), gate.room()) == (None, 1)


def test_one_success_opens_it_again() -> None:
    gate = Gate(10)
    fail(gate, 8)

    gate.enter(1)
    gate.leave(has_answered=True, now=NOW + timedelta(minutes=1))

    assert (gate.rests_until(NOW + timedelta(minutes=1)), gate.room()) == (None, 10)


def test_a_pause_that_the_other_side_asks_for_is_kept() -> None:
    gate = Gate(10)
    gate.enter(1)

    gate.leave(has_answered=True, now=NOW, pause=timedelta(seconds=7))

    assert gate.rests_until(NOW) == NOW + timedelta(seconds=7)


async def test_waiting_ends_when_there_is_room() -> None:
    gate = Gate(1)
    gate.enter(1)

    early = await gate.wait(timedelta(milliseconds=1))
    gate.leave(has_answered=True, now=NOW)

    assert (early, await gate.wait(timedelta(seconds=1))) == (False, True)


def test_idle_gates_are_forgotten_when_there_are_many() -> None:
    gates: Gates[int] = Gates(5, kept=16)
    busy = gates.of(-1)
    busy.enter(1)

    made = [gates.of(key) for key in range(100)]

    assert (gates.of(-1), len({id(gate) for gate in made})) == (busy, 100)


async def test_of_many_that_wait_none_goes_alone() -> None:
    gate = Gate(64)
    gate.enter(64)

    many = asyncio.create_task(gate.wait(timedelta(seconds=60), count=100))
    one = asyncio.create_task(gate.wait(timedelta(seconds=60)))
    gate.leave(has_answered=True, now=NOW)
    await one
    went_alone = many.done()
    for _ in range(7):
        gate.leave(has_answered=True, now=NOW)

    assert not went_alone
    assert await many


async def test_who_waits_for_many_places_goes_with_the_one_that_there_is() -> None:
    gate = Gate(64)
    gate.enter(63)

    assert await gate.wait(timedelta(seconds=0.01), count=100)
