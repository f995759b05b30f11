"""A process's heartbeat in the database, so that operators see what runs, in which version and since when. Part of every role."""

import asyncio
import socket
from typing import Final

import structlog

from twoway_router import __version__
from twoway_router.domain.clock import Clock, utc_now
from twoway_router.domain.ids import new_id
from twoway_router.processes.frame import Part
from twoway_router.store import Engine, System, heartbeats, transaction
from twoway_router.store.failures import DATABASE_ERRORS
from twoway_router.store.migrate import CODE_LEVEL
from twoway_router.tasks import pause

LEAVE_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class Heartbeat:
    """Beats until it is told to stop. A beat that fails is skipped: the process goes on."""

    def __init__(self, engine: Engine, role: str, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._clock = clock
        self.presence = heartbeats.Presence(
            id=new_id(),
            role=role,
            host=socket.gethostname(),
            version=__version__,
            code_level=CODE_LEVEL,
            started_at=clock(),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """One beat after the other until ``stop``."""
        while not stop.is_set():
            try:
                async with transaction(self._engine, System("heartbeat")) as session:
                    await heartbeats.beat(session, self.presence, self._clock())
            except DATABASE_ERRORS as error:
                log.warning("heart.skipped_a_beat", error=type(error).__name__)
            await pause(stop, heartbeats.BEAT_EVERY)

    async def close(self) -> None:
        """Take the process off the list."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS), transaction(self._engine, System("heartbeat")) as session:
                await heartbeats.leave(session, self.presence.id)
        except DATABASE_ERRORS as error:
            log.warning("heart.left_its_row", error=type(error).__name__)


def heart_part(engine: Engine, role: str) -> Part:
    """The heartbeat of a process with this role; ``run`` is all of them in one."""
    heart = Heartbeat(engine, role)
    return Part(name="heart", loops=(heart.run,), close=heart.close)
