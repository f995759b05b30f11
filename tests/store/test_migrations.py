"""The migrations, forwards and backwards, on a database of their own."""

import asyncio
from pathlib import Path

import alembic.command
import asyncpg
from alembic.config import Config

from twoway_router.store import migrate

INI = Path(__file__).parents[2] / "alembic.ini"


def alembic_config(url: str) -> Config:
    config = Config(str(INI))
    config.attributes["url"] = url
    return config


async def test_the_migrations_make_the_tables_that_the_code_declares(empty_database_url: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty_database_url)

    await asyncio.to_thread(migrate.check, empty_database_url)


async def test_every_migration_can_be_undone(empty_database_url: str) -> None:
    await asyncio.to_thread(migrate.upgrade, empty_database_url)

    await asyncio.to_thread(alembic.command.downgrade, alembic_config(empty_database_url), "base")

    connection = await asyncpg.connect(empty_database_url)
    left = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert [row["tablename"] for row in left] == ["alembic_version"]
