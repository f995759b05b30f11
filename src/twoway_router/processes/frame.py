"""How a process runs and ends: its parts start, run in one task group, and drain after SIGTERM. Used by ``roles``.

A loop that fails ends the process: no process runs with a part missing. A second signal leaves at once.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog

from twoway_router.web.lifecycle import LameDuck, Lifecycle
from twoway_router.web.ops import OpsApp
from twoway_router.web.server import HttpServer

log = structlog.get_logger(__name__)

Loop = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
Check = Callable[[], Awaitable[str | None]]


class StartRefused(Exception):
    """Something is wrong before anything has begun; the text says what and names the next step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Something that starts, runs and drains. ``loops`` return when their event is set."""

    name: str
    start: Callable[[], Awaitable[None]] | None = None
    loops: Sequence[Loop] = ()
    servers: Sequence[HttpServer] = ()
    checks: Mapping[str, Check] = field(default_factory=dict)
    drain: Callable[[], Awaitable[None]] | None = None
    close: Callable[[], Awaitable[None]] | None = None
    refresh: Callable[[], None] | None = None


class Process:
    """Runs parts in the order given and ends them in the opposite order."""

    def __init__(
        self,
        parts: Sequence[Part],
        lifecycle: Lifecycle,
        *,
        ops_host: str,
        ops_port: int,
        lame_duck: timedelta,
        drain: timedelta,
    ) -> None:
        self._parts = parts
        self._lifecycle = lifecycle
        self._lame_duck = lame_duck
        self._drain = drain
        checks = {name: check for part in parts for name, check in part.checks.items()}
        app = OpsApp(lifecycle, checks, lambda: not self._lifecycle.stop.is_set(), self._refresh)
        self.ops = HttpServer(
            LameDuck(app, lifecycle), host=ops_host, port=ops_port, setting="TWOWAY_OPS_PORT", drain_seconds=1
        )
        self._signals = 0

    async def run(self, when_up: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Start, serve until a signal or ``stop``, then drain. Raises what a part raised.

        ``when_up`` runs beside the parts once all have started and is cancelled at the end.
        """
        started: list[Part] = []
        try:
            for part in self._parts:
                if part.start:
                    await part.start()
                started.append(part)
            async with asyncio.TaskGroup() as group:
                loop = asyncio.get_running_loop()
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, self._on_signal, number, group)
                group.create_task(self.ops.serve(), name="ops")
                for part in self._parts:
                    for part_loop in part.loops:
                        group.create_task(part_loop(self._lifecycle.stop), name=part.name)
                    for server in part.servers:
                        group.create_task(server.serve(), name=part.name)
                visitor = group.create_task(when_up(), name="when_up") if when_up else None
                await self._lifecycle.stop.wait()
                await self._end()
                if visitor:
                    visitor.cancel()
        finally:
            for part in reversed(started):
                if part.close:
                    await part.close()

    def stop(self) -> None:
        """End without a lame duck, as Ctrl-C does."""
        self._lifecycle.stop.set()

    def _on_signal(self, number: signal.Signals, group: asyncio.TaskGroup) -> None:
        self._signals += 1
        if self._signals > 1:
            os._exit(1)
        group.create_task(self._become_lame_duck(number), name="lame_duck")

    async def _become_lame_duck(self, number: signal.Signals) -> None:
        """Not ready and ``Connection: close``, but serving, for as long as a balancer needs to notice."""
        self._lifecycle.is_lame_duck = True
        log.info("process.lame_duck", signal=number.name, seconds=self._lame_duck.total_seconds())
        await asyncio.sleep(self._lame_duck.total_seconds())
        self._lifecycle.stop.set()

    async def _end(self) -> None:
        self._lifecycle.is_lame_duck = True
        try:
            async with asyncio.timeout(self._drain.total_seconds()):
                for part in self._parts:
                    for server in part.servers:
                        server.shut_down()
                for part in self._parts:
                    if part.drain:
                        await part.drain()
        except TimeoutError:
            log.warning("process.drain_timeout", seconds=self._drain.total_seconds())
        self.ops.shut_down()
        log.info("process.stopped")

    def _refresh(self) -> None:
        for part in self._parts:
            if part.refresh:
                part.refresh()
