"""A process's heartbeat in the database, from which ``GET /v1/processes`` lists what runs. Part of every role.

Readiness writes one too: a database that answers and takes no writes is of no use to any role.
"""

import asyncio
import socket
from typing import Final

import structlog

from twoway_router import __version__
from twoway_router.domain.clock import Clock, utc_now
from twoway_router.domain.ids import new_id
from twoway_router.processes.frame import Part
from twoway_router.store import Engine, System, heartbeats, transaction
from twoway_router.store.failures import DATABASE_ERRORS, describe, is_passing
from twoway_router.store.migrate import CODE_LEVEL
from twoway_router.tasks import pause

LEAVE_SECONDS: Final = 2.0
READINESS_SECONDS: Final = 2.0

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
                log.warning("heartbeat.failed", error=describe(error))
            await pause(stop, heartbeats.BEAT_EVERY)

    async def find_trouble(self) -> str | None:
        """A readiness check: a sentence when the database takes no writes within two seconds, or has no room on its disk."""
        try:
            async with asyncio.timeout(READINESS_SECONDS):
                try:
                    await self._try_to_write()
                except DATABASE_ERRORS as error:
                    # A connection that broke while nobody used it says nothing about the server of now.
                    if not is_passing(error):
                        raise
                    await self._try_to_write()
        except DATABASE_ERRORS as error:
            return f"the database takes no writes ({describe(error)})"
        return None

    async def _try_to_write(self) -> None:
        async with transaction(self._engine, System("readiness")) as session:
            await heartbeats.beat(session, self.presence, self._clock())
            await heartbeats.try_disk(session)

    async def close(self) -> None:
        """Take the process off the list."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS), transaction(self._engine, System("heartbeat")) as session:
                await heartbeats.leave(session, self.presence.id)
        except DATABASE_ERRORS as error:
            log.warning("heartbeat.not_removed", error=describe(error))


def heartbeat_part(engine: Engine, role: str) -> Part:
    """The heartbeat of a process with this role; ``run`` is all of them in one."""
    heartbeat = Heartbeat(engine, role)
    return Part(
        name="heartbeat", loops=(heartbeat.run,), checks={"database": heartbeat.find_trouble}, close=heartbeat.close
    )
