"""The databases that tests get: each its own, and gone afterwards."""

import asyncio

import asyncpg
from tests.support.postgres import TestServer


async def database_names(server: TestServer) -> set[str]:
    connection = await asyncpg.connect(server.url)
    try:
        return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()


async def test_an_empty_database_has_no_table(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)

    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")

    await connection.close()
    assert tables == 0


async def test_a_migrated_database_has_the_tables(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)

    outbox = await connection.fetchval("SELECT to_regclass('public.outbox')::text")

    await connection.close()
    assert outbox == "outbox"


async def test_a_database_is_dropped_although_a_connection_is_open(postgres_server: TestServer) -> None:
    url = await asyncio.to_thread(postgres_server.create_empty_database)
    connection = await asyncpg.connect(url)

    await asyncio.to_thread(postgres_server.drop_database, url)

    connection.terminate()
    assert url.rpartition("/")[2] not in await database_names(postgres_server)
