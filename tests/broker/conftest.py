"""The benches: every contract test runs once per implementation."""

from collections.abc import AsyncIterator

import pytest
from tests.broker.bench import Bench, EmbeddedBench


@pytest.fixture(params=["embedded"])
def backing(request: pytest.FixtureRequest) -> str:
    """The URL of what the jobs travel through. Not async: a server is started outside of the loop."""
    url: str = request.getfixturevalue("database_url")
    return url


@pytest.fixture
async def bench(backing: str) -> AsyncIterator[Bench]:
    made = EmbeddedBench.on(backing)
    yield made
    await made.close()
