"""A process's heartbeat in the database, from which ``GET /v1/processes`` lists what runs. Part of every role."""

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
    """Writes the heartbeat of one process. One that fails is logged and left out: the process goes on."""

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
        """Write a heartbeat at once and then at every interval until ``stop``."""
        while not stop.is_set():
            try:
                async with transaction(self._engine, System("heartbeat")) as session:
                    await heartbeats.beat(session, self.presence, self._clock())
            except DATABASE_ERRORS as error:
                log.warning("heartbeat.failed", error=type(error).__name__)
            await pause(stop, heartbeats.BEAT_EVERY)

    async def close(self) -> None:
        """Take the process off the list."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS), transaction(self._engine, System("heartbeat")) as session:
                await heartbeats.leave(session, self.presence.id)
        except DATABASE_ERRORS as error:
            log.warning("heartbeat.not_removed", error=type(error).__name__)


def heartbeat_part(engine: Engine, role: str) -> Part:
    """The heartbeat of a process with this role; ``run`` is all of them in one."""
    heartbeat = Heartbeat(engine, role)
    return Part(name="heartbeat", loops=(heartbeat.run,), close=heartbeat.close)
