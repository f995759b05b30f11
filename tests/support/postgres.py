"""Databases for tests: one server per test session, one migrated template in it, one clone of that per test.

The server is our own embedded one with fsync off, or the one that TWOWAY_TEST_DATABASE_URL names (its role must be
allowed to create databases). Used by the database fixtures.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from twoway_router.store.embedded import EmbeddedPostgres
from twoway_router.store.migrate import upgrade

EXTERNAL_URL: Final = "TWOWAY_TEST_DATABASE_URL"


class TestServer:
    """Creates and drops databases. `close()` leaves nothing behind."""

    __test__ = False

    def __init__(self, name: str) -> None:
        self._name = name
        self._numbers = itertools.count(1)
        self._folder: Path | None = None
        self._embedded: EmbeddedPostgres | None = None
        self._template: str | None = None
        self._url = os.environ.get(EXTERNAL_URL) or self._start_embedded()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The server's own database, for looking at the server."""
        return self._url

    def create_empty_database(self) -> str:
        """The URL of a new database without any table."""
        return self._create("template0")

    def create_database(self) -> str:
        """The URL of a new database with every migration applied."""
        if self._template is None:
            url = self.create_empty_database()
            _run(asyncio.to_thread(upgrade, url))
            self._template = _database_of(url)
        return self._create(self._template)

    def drop_database(self, url: str) -> None:
        """Also when connections to it are still open: a failed test may have left some."""
        _run(_execute(self._url, f'DROP DATABASE IF EXISTS "{_database_of(url)}" WITH (FORCE)'))

    def close(self) -> None:
        if self._embedded is None and self._template is not None:
            self.drop_database(_with_database(self._url, self._template))
        if self._embedded is not None:
            self._embedded.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start_embedded(self) -> str:
        self._folder = Path(tempfile.mkdtemp(prefix="twoway-postgresql-"))
        self._folder.chmod(0o711)  # as root the server is another user, who must find its way in
        self._embedded = EmbeddedPostgres(self._folder, fsync=False)
        return self._embedded.start()

    def _create(self, template: str) -> str:
        database = f"twoway_test_{self._name}_{next(self._numbers)}"
        _run(_execute(self._url, f'CREATE DATABASE "{database}" TEMPLATE "{template}"'))
        return _with_database(self._url, database)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """In a loop of its own that becomes nobody's current loop: the tests keep theirs."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(coroutine)
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def _database_of(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
