"""The crash drill: MOs in slices, and in the middle of each slice something is killed, with a backlog waiting.

The schedule follows from the seed alone, so that a failing run can be repeated: TWOWAY_CRASH_SEED=… make test.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from tests.crash.front import Front
from tests.support.system import System
from tests.support.waiting import wait_until

TARGETS: Final = ("ingress", "executor", "scheduler", "broker", "postgres")
BACKLOG: Final = 100
SLICE: Final = 200
PATIENCE_SECONDS: Final = 240.0
SILENCE_SECONDS: Final = 5.0
_OPEN_WORK: Final = """
    SELECT (SELECT count(*) FROM inbound_messages WHERE state = 'accepted')
         + (SELECT count(*) FROM outbound_messages WHERE state IN ('planned', 'claimed')
                OR (state = 'unknown' AND settled_at IS NULL))
"""

SETTINGS: Final[Mapping[str, str]] = {
    "TWOWAY_MT_LEASE": "PT5S",
    "TWOWAY_MT_TIMEOUT": "PT3S",
    "TWOWAY_MT_RECEIPT_WAIT": "PT4S",
    "TWOWAY_SWEEP_EVERY": "PT1S",
    "TWOWAY_FORGOTTEN_AFTER": "PT5S",
}
"""What a kill interrupts is taken up again soon, so that the drill does not wait for production's leases."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """Kill ``target`` when ``accepted`` messages of the slice are acknowledged and the backlog is long enough."""

    target: str
    accepted: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kill:
    """A kill that was made. ``backlog``: messages acknowledged and not yet answered at that moment."""

    target: str
    old_pid: int
    new_pid: int
    backlog: int

    def __str__(self) -> str:
        return f"{self.target} {self.old_pid} → {self.new_pid} with {self.backlog} waiting"


def make_schedule(seed: int, targets: Sequence[str]) -> Sequence[Step]:
    """The targets in an order, and each at a moment of its slice, that the seed alone decides."""
    chance = random.Random(seed)
    order = list(targets)
    chance.shuffle(order)
    return [Step(target=target, accepted=chance.randint(40, 160)) for target in order]


class Drill:
    """One run over one system. All fronts get their messages at the same time and suffer the same kills.

    Several fronts send faster than messages come, so that nothing waits: there a kill comes when enough is under way.
    """

    def __init__(self, system: System, fronts: Sequence[Front]) -> None:
        self._system = system
        self._fronts = fronts
        self._has_backlog = len(fronts) == 1
        for front in fronts:
            front.make_slow()

    def run(self, schedule: Sequence[Step], *, is_settled: bool = True) -> Sequence[Kill]:
        """Send a slice for each step and kill in the middle of it; then let everything settle, or at least fall silent."""
        kills = [self._kill_in_slice(number, step) for number, step in enumerate(schedule)]
        for front in self._fronts:
            front.make_quick()
        if is_settled:
            self.settle()
        else:
            self._fall_silent()
        return kills

    def settle(self) -> None:
        """Until the carriers have nothing left to send and the router nothing left to do."""
        self._wait(lambda: self._total("mos_waiting") == 0, what="every MO is acknowledged")
        self._wait(lambda: asyncio.run(_count_open(self._system.postgres.url)) == 0, what="all work is done")

    def _fall_silent(self) -> None:
        """Until no MT has come for a while, although work may be left."""
        self._wait(lambda: self._total("mos_waiting") == 0, what="every MO is acknowledged")
        seen, since = -1, time.monotonic()

        def is_silent() -> bool:
            nonlocal seen, since
            if (mts := self._total("mts")) != seen:
                seen, since = mts, time.monotonic()
            return time.monotonic() - since > SILENCE_SECONDS

        self._wait(is_silent, what="no MT comes any more")

    def _kill_in_slice(self, number: int, step: Step) -> Kill:
        accepted, taken = self._total("mos_accepted"), self._total("mts")
        for front in self._fronts:
            front.send_slice(number, SLICE // len(self._fronts))
        if self._has_backlog:
            self._wait(
                lambda: self._total("mos_accepted") >= accepted + step.accepted and self._backlog() >= BACKLOG,
                what=f"{BACKLOG} messages wait while slice {number} comes in",
            )
        else:
            self._wait(
                lambda: self._total("mts") >= taken + step.accepted // 2, what=f"slice {number} is being answered"
            )
        backlog = self._backlog()
        old_pid = self._pid(step.target)
        self._kill(step.target)
        return Kill(target=step.target, old_pid=old_pid, new_pid=self._pid(step.target), backlog=backlog)

    def _kill(self, target: str) -> None:
        """SIGKILL, then start it again as a cluster would."""
        if target == "broker":
            self._system.broker.kill()
            self._system.broker.start()
        elif target == "postgres":
            os.kill(self._system.postgres.pid, signal.SIGKILL)
            self._system.postgres.start()
        else:
            self._system.programs[target].kill()
            self._system.wait_ready(target)

    def _pid(self, target: str) -> int:
        if target == "broker":
            return self._system.broker.pid
        return self._system.postgres.pid if target == "postgres" else self._system.programs[target].pid

    def _backlog(self) -> int:
        return self._total("mos_accepted") - self._total("mts")

    def _total(self, count: str) -> int:
        return sum(front.stats()[count] for front in self._fronts)

    def _wait(self, condition: Callable[[], bool], *, what: str) -> None:
        def holds() -> bool:
            self._system.supervise()
            return condition()

        wait_until(holds, what=what, seconds=PATIENCE_SECONDS, every_seconds=0.01)


async def _count_open(url: str) -> int:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError):
        return -1
    try:
        return int(await connection.fetchval(_OPEN_WORK))
    finally:
        await connection.close()
