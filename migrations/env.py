"""Runs migrations online with asyncpg, under an advisory lock. Called by ``store.migrate`` and by the alembic command."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from twoway_router.schema import METADATA
from twoway_router.store.engine import normalise_url

LOCK = 7_203_915


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=METADATA, compare_type=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def _online() -> None:
    url = context.config.attributes.get("url") or os.environ["TWOWAY_DATABASE_URL"]
    engine = create_async_engine(normalise_url(url), poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        await connection.execute(text("SET lock_timeout = '1s'"))
        await connection.commit()
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


asyncio.run(_online())
