"""The crash drill: MOs in slices, and in the middle of each slice something is killed, with a backlog waiting.

The schedule follows from the seed alone, so that a failing run can be repeated: TWOWAY_CRASH_SEED=… make test.
"""

import asyncio
import os
import random
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tests.crash.judge import Findings, judge
from tests.support.system import System
from tests.support.waiting import wait_until
from twoway_router.lab.api import ManagementApi
from twoway_router.lab.journal import read_journal
from twoway_router.lab.setup import make_connection, make_keyword, make_number, make_tenant

SHORT_CODE: Final = "66777"
TARGETS: Final = ("ingress", "executor", "scheduler", "broker", "postgres")
REPLIES: Final = {"Lucky7": "You win", "oldcars": "A dealer"}
BACKLOG: Final = 100
SLICE: Final = 200
SLICE_RATE: Final = 600.0
PATIENCE_SECONDS: Final = 240.0
_FIRST_SENDER: Final = 393_310_000_000
_OPEN_WORK: Final = """
    SELECT (SELECT count(*) FROM inbound_messages WHERE state = 'accepted')
         + (SELECT count(*) FROM outbound_messages WHERE state IN ('planned', 'claimed', 'unknown'))
"""

SETTINGS: Final[Mapping[str, str]] = {
    "TWOWAY_MT_LEASE": "PT5S",
    "TWOWAY_MT_TIMEOUT": "PT3S",
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
    """One run over one system."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._mo_url = asyncio.run(_furnish(system))
        system.tell_carrier("PUT", "/control/behaviour", {"faults": {"slow": 1.0}, "slow_seconds": 0.3})

    def run(self, schedule: Sequence[Step]) -> Sequence[Kill]:
        """Send a slice for each step and kill in the middle of it; then let everything settle."""
        kills = [self._kill_in_slice(number, step) for number, step in enumerate(schedule)]
        self._system.tell_carrier("PUT", "/control/behaviour", {})
        self._settle()
        return kills

    def judge(self) -> Findings:
        """By the carrier's journal alone."""
        return judge(read_journal(self._system.journal), REPLIES)

    def _kill_in_slice(self, number: int, step: Step) -> Kill:
        before = self._stats()["mos_accepted"]
        burst = {"url": self._mo_url, "messages": _slice(number), "rate": SLICE_RATE, "connections": 64}
        self._system.tell_carrier("POST", "/control/mos", burst)
        self._wait(
            lambda: self._stats()["mos_accepted"] >= before + step.accepted and self._backlog() >= BACKLOG,
            what=f"{BACKLOG} messages wait while slice {number} comes in",
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

    def _settle(self) -> None:
        """Until the carrier has nothing left to send and the router nothing left to do."""
        self._wait(lambda: self._stats()["mos_waiting"] == 0, what="every MO is acknowledged")
        self._wait(lambda: asyncio.run(_count_open(self._system.postgres.url)) == 0, what="all work is done")

    def _backlog(self) -> int:
        stats = self._stats()
        return stats["mos_accepted"] - stats["mts"]

    def _stats(self) -> Mapping[str, int]:
        stats = self._system.carrier_stats()
        assert stats is not None, "the simulated carrier is gone"
        return stats

    def _wait(self, condition: Any, *, what: str) -> None:
        def holds() -> bool:
            self._system.supervise()
            return bool(condition())

        wait_until(holds, what=what, seconds=PATIENCE_SECONDS, every_seconds=0.01)


def _slice(number: int) -> list[dict[str, str]]:
    return [
        {
            "id": f"drill-{index}",
            "sender": f"+{_FIRST_SENDER + index}",
            "recipient": SHORT_CODE,
            "text": list(REPLIES)[index % len(REPLIES)],
        }
        for index in range(number * SLICE, (number + 1) * SLICE)
    ]


async def _count_open(url: str) -> int:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, asyncpg.PostgresError):
        return -1
    try:
        return int(await connection.fetchval(_OPEN_WORK))
    finally:
        await connection.close()


async def _furnish(system: System) -> str:
    """Two tenants on one short code: one hands out coupons. Returns where MOs go."""
    once = "drill"
    async with ManagementApi(system.api_url, system.operator_key) as operator:
        connection = await make_connection(operator, carrier_url=system.carrier_url, key="drill", once=once)
        fields = {
            "country": "IT",
            "address": SHORT_CODE,
            "kind": "short_code",
            "sharing": "shared",
            "connection_id": connection.id,
        }
        number_id = await make_number(operator, fields, once=once)
        winners = await make_tenant(operator, "Winners", once=once)
        dealers = await make_tenant(operator, "Dealers", once=once)
    async with ManagementApi(system.api_url, winners.key) as api:
        pool = await api.post("/coupon-pools", {"name": "Prizes", "source": "generated"}, once=once)
        actions = [
            {"kind": "issue_coupon", "pool_id": pool["id"]},
            {"kind": "reply", "text": "You win: code {{ coupon.code }}"},
        ]
        await make_keyword(api, number_id, "LUCKY7", actions, once=once)
    async with ManagementApi(system.api_url, dealers.key) as api:
        await make_keyword(api, number_id, "OLDCARS", [{"kind": "reply", "text": "A dealer calls you"}], once=once)
    return connection.mo_url
