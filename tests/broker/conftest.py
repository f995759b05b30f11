"""The benches: every contract test runs once per implementation."""

from collections.abc import AsyncIterator

import pytest

from tests.broker.bench import Bench, EmbeddedBench, RabbitBench

ON_BROKER = [pytest.mark.broker, pytest.mark.xdist_group("broker")]


@pytest.fixture(params=["embedded", pytest.param("rabbitmq", marks=ON_BROKER)])
def backing(request: pytest.FixtureRequest) -> tuple[str, str]:
    """What the jobs travel through, and its URL. Not async: a server is started outside of the loop."""
    if request.param == "embedded":
        return "embedded", request.getfixturevalue("database_url")
    return "rabbitmq", request.getfixturevalue("rabbitmq").url


@pytest.fixture
async def bench(backing: tuple[str, str]) -> AsyncIterator[Bench]:
    kind, url = backing
    made: Bench = EmbeddedBench.on(url) if kind == "embedded" else RabbitBench(url)
    yield made
    await made.close()
