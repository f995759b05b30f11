"""Notifications wake early and are never relied on."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from twoway_router.store.listen import Listener

CHANNEL, OTHER = "twr_test", "twr_other"
LONG = 100.0


@pytest.fixture
async def listener(database_url: str) -> AsyncIterator[Listener]:
    made = Listener(database_url, [CHANNEL, OTHER])
    await made.start()
    await look(made)
    await made.wait(CHANNEL, 5)  # rings when it is connected
    yield made
    await made.close()


async def notify(database_url: str, channel: str = CHANNEL) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"NOTIFY {channel}")
    await connection.close()


async def look(listener: Listener) -> None:
    """A task's first wait returns at once: it may have missed something before."""
    await listener.wait(CHANNEL, 0)


async def waited(listener: Listener, seconds: float) -> float:
    began = time.monotonic()
    await listener.wait(CHANNEL, seconds)
    return time.monotonic() - began


async def test_without_a_notification_the_wait_times_out(listener: Listener) -> None:
    await look(listener)

    assert await waited(listener, 0.2) >= 0.19


async def test_a_notification_ends_the_wait(listener: Listener, database_url: str) -> None:
    await look(listener)
    notifying = asyncio.create_task(notify(database_url))

    assert 0.001 < await waited(listener, LONG) < LONG

    await notifying


async def test_a_notification_that_came_while_nobody_waited_is_not_missed(
    listener: Listener, database_url: str
) -> None:
    await look(listener)
    await notify(database_url)
    await asyncio.sleep(0.2)

    assert await waited(listener, LONG) < LONG


async def test_another_channel_wakes_nobody(listener: Listener, database_url: str) -> None:
    await look(listener)
    await notify(database_url, OTHER)

    assert await waited(listener, 0.3) >= 0.29


async def test_it_listens_again_after_its_connection_was_lost(listener: Listener, database_url: str) -> None:
    await look(listener)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await listener.wait(CHANNEL, 10)  # connected again: everybody looks once
    notifying = asyncio.create_task(notify(database_url))

    assert 0.001 < await waited(listener, LONG) < LONG

    await notifying
    await connection.close()


async def test_without_a_database_it_only_times_out() -> None:
    lonely = Listener("postgresql://nobody@127.0.0.1:1/none", [CHANNEL])
    await lonely.start()
    await look(lonely)

    assert await waited(lonely, 0.2) >= 0.19

    await lonely.close()
