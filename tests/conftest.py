"""Fixtures for everyone. A server is started when the first test of the session asks for it, and never before."""

import gc
import os
from collections.abc import Iterator

import pytest
import structlog

from tests.support.postgres import TestServer
from tests.support.rabbitmq import EXTERNAL_URL, Broker, NamedBroker, RabbitNode


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the broker run in one worker, so that a session starts one node."""
    for item in items:
        asks_by_name = "rabbitmq" in getattr(item, "fixturenames", ())
        asks_by_parameter = "rabbitmq" in item.name.partition("[")[2]
        if asks_by_name or asks_by_parameter:
            item.add_marker(pytest.mark.broker)
            item.add_marker(pytest.mark.xdist_group("broker"))


def pytest_configure() -> None:
    """Plain lines: by default structlog draws a traceback with every local variable, which takes longer than many a test."""
    plain: list[structlog.typing.Processor] = [structlog.processors.add_log_level, structlog.processors.format_exc_info]
    structlog.configure(processors=[*plain, structlog.dev.ConsoleRenderer(colors=False)])


def pytest_collection_finish() -> None:
    """What stands until the end of the session need not be looked at by each collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def rubbish_is_found_where_it_was_left() -> Iterator[None]:
    """An unclosed socket or a coroutine that nobody awaited fails the module that left it, not one that comes later."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServer]:
    """The PostgreSQL server of this session."""
    with TestServer(f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}") as server:
        yield server


@pytest.fixture
def database_url(postgres_server: TestServer) -> Iterator[str]:
    """A database of the test's own, migrated and empty: `postgresql://…`."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="module")
def shared_database_url(postgres_server: TestServer) -> Iterator[str]:
    """A migrated database that the tests of one module share."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def empty_database_url(postgres_server: TestServer) -> Iterator[str]:
    """A database without any table, for tests of the migrations."""
    url = postgres_server.create_empty_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[Broker]:
    """The session's broker: `.url`, `.pid`, `.kill()`, `.restart()`. A test that kills it starts it again."""
    if named := os.environ.get(EXTERNAL_URL):
        yield NamedBroker(named)
        return
    with RabbitNode() as node:
        yield node
