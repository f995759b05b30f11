"""A database's URL as hosted databases hand it out works for everything that connects."""

import asyncio

from sqlalchemy import text

from twoway_router.store import System, migrate, transaction
from twoway_router.store.engine import make_engine
from twoway_router.store.listen import Listener

PLAIN = "?sslmode=disable&target_session_attrs=read-write"


async def test_an_engine_takes_what_libpq_takes(database_url: str) -> None:
    engine = make_engine(database_url + PLAIN)

    async with transaction(engine, System("test")) as session:
        answer = await session.scalar(text("SELECT 1"))

    await engine.dispose()
    assert answer == 1


async def test_a_listener_takes_what_libpq_takes(database_url: str) -> None:
    listener, engine = Listener(database_url + PLAIN, ("bell",)), make_engine(database_url)
    await listener.start()

    async with asyncio.timeout(10):
        heard = asyncio.create_task(listener.wait("bell", timeout=60))
        while not heard.done():
            async with transaction(engine, System("test")) as session:
                await session.execute(text("SELECT pg_notify('bell', '')"))
            await asyncio.sleep(0.1)

    await listener.close()
    await engine.dispose()


def test_migrations_take_what_libpq_takes(database_url: str) -> None:
    migrate.upgrade(database_url + PLAIN)
