"""One router for the whole session; a line of its own for every test. ``line`` is parametrised by dialect."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conformance.stage import Line, Router, open_line, running_router
from tests.support.postgres import TestServer
from twoway_router.lab.dialects.registry import DIALECTS


@pytest.fixture(scope="session")
def conformance_database_url(postgres_server: TestServer) -> Iterator[str]:
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
async def router(conformance_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Router]:
    """The router that all lines lead to."""
    folder: Path = tmp_path_factory.mktemp("lab")
    async with running_router(conformance_database_url, folder) as running:
        yield running


@pytest.fixture(params=sorted(DIALECTS))
async def line(request: pytest.FixtureRequest, router: Router) -> Line:
    """A fresh connection of each carrier to its simulation."""
    return await open_line(router, request.param)
