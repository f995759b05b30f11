"""The stage of flow tests."""

from collections.abc import AsyncIterator

import pytest

from tests.support.scene import Scene, set_scene
from twoway_router.store.engine import make_engine


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    """A shared number of an idempotent carrier, two tenants, a clock that stands at noon."""
    engine = make_engine(database_url)
    yield await set_scene(engine, settings={"capability": "idempotent"})
    await engine.dispose()
