"""Stores what would be lost otherwise, such as a carrier's answer, while the database is away. Called by deliveries."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from twoway_router.store.failures import DATABASE_ERRORS, is_transient

PATIENCE_SECONDS: Final = 600.0
FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0


async def until_stored(store: Callable[[], Awaitable[None]], *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Repeat ``store``, which must be harmless twice, until it succeeds; raises what will not pass, or did not in time."""
    now = asyncio.get_running_loop().time
    until, pause = now() + patience_seconds, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await store()
        except DATABASE_ERRORS as error:
            if not is_transient(error) or now() + pause > until:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
