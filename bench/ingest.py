"""P1: MOs acknowledged after their commit, per second, on one ingress process bound to one core.

Next to it in the same run: the same ingress with one transaction per request, and a bare ASGI echo as the ceiling.
PostgreSQL flushes (fsync on); 64 connections; the load generator and PostgreSQL have the other cores.
"""

import argparse
import asyncio
import os
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.support.ports import free_ports
from tests.support.system import Program, System
from tests.support.waiting import wait_until

from bench import stage
from bench.measure import ROOT, cpu_seconds, machine, median, pin, print_table, server_version, wal_flushes
from twoway_router.lab.load import LoadPlan

CONNECTIONS: Final = 64
GOAL: Final = 6000
GOAL_RATIO: Final = 4
VARIANTS: Final = {
    "group commit": {},
    "one transaction per request": {"TWOWAY_BATCH_ROWS": "1", "TWOWAY_BATCHES_IN_FLIGHT": "8"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One measurement of one variant."""

    variant: str
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    flushes: float
    refused: int


def main(arguments: Sequence[str]) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench ingest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keywords", type=int, default=1000)
    options = parser.parse_args(arguments)
    with System(roles=("api", "ingress")) as system:
        connection = stage.furnish(system, options.keywords)
        system.programs["api"].stop()
        system.programs["carrier"].stop()
        rounds: list[Round] = []
        for number in range(options.rounds):
            rounds.append(_measure_echo(system, options.seconds))
            for variant, settings in VARIANTS.items():
                system.restart("ingress", settings)
                plan = _plan(connection.mo_url, options.seconds, f"{number}-{len(rounds)}", options.keywords)
                rounds.append(_measure(system, variant, system.programs["ingress"].pid, plan))
        version = asyncio.run(server_version(system.postgres.url))
        _report(rounds, machine(PostgreSQL=version, command=f"python -m bench ingest {' '.join(arguments)}".strip()))


def _plan(url: str, seconds: float, run: str, keywords: int) -> LoadPlan:
    return LoadPlan(
        url=url,
        run=f"ingest-{run}",
        recipient=stage.SHORT_CODE,
        texts=stage.texts(keywords),
        connections=CONNECTIONS,
        seconds=seconds + 2,
        warm_up_seconds=2,
    )


def _measure(system: System, variant: str, pid: int, plan: LoadPlan) -> Round:
    cores = sorted(os.sched_getaffinity(0))
    others = cores[1:] or cores
    pin(pid, cores[:1])
    pin(system.postgres.pid, others)
    flushes = asyncio.run(wal_flushes(system.postgres.url))
    cpu = cpu_seconds(pid)
    load = stage.start_load(plan)
    pin(load.pid, others)
    report = stage.finish_load(load)
    cpu = cpu_seconds(pid) - cpu
    flushes = asyncio.run(wal_flushes(system.postgres.url)) - flushes
    total = report["rate"] * plan.seconds
    return Round(
        variant=variant,
        rate=report["rate"],
        p50_ms=report["p50_ms"],
        p99_ms=report["p99_ms"],
        cpu_ms=1000 * cpu / total,
        flushes=flushes / total,
        refused=sum(count for status, count in report["statuses"].items() if not status.startswith("2")),
    )


def _measure_echo(system: System, seconds: float) -> Round:
    [port] = free_ports(1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    echo = Program("echo", (sys.executable, "-m", "bench.echo", str(port)), environment, system.folder / "echo.log")
    echo.start()
    try:
        wait_until(lambda: _answers(port), what="the echo listens")
        return _measure(system, "bare ASGI echo", echo.pid, _plan(f"http://127.0.0.1:{port}/", seconds, "echo", 1000))
    finally:
        echo.stop()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


HEAD: Final = (
    "variant",
    "MO/s",
    "lowest – highest",
    "to single",
    "of echo",
    "p50 ms",
    "p99 ms",
    "CPU ms/MO",
    "MO/CPU s",
    "flushes/MO",
    "refused",
)


def _report(rounds: Sequence[Round], facts: str) -> None:
    by_name = {name: [r for r in rounds if r.variant == name] for name in dict.fromkeys(r.variant for r in rounds)}
    medians = {name: median(r.rate for r in mine) for name, mine in by_name.items()}
    single, ceiling = medians["one transaction per request"], medians["bare ASGI echo"]
    rows = [_row(name, mine, single, ceiling) for name, mine in by_name.items()]
    print_table("P1 ingest: MOs acknowledged after commit, one process on one core, 64 connections", HEAD, rows)
    rate = medians["group commit"]
    met = rate >= GOAL and rate >= GOAL_RATIO * single
    print(
        f"\ngoal: ≥ {GOAL:,}/s and ≥ {GOAL_RATIO} × single: {'met' if met else 'NOT met'}\n{facts} · {time.strftime('%Y-%m-%d')}"
    )


def _row(name: str, mine: Sequence[Round], single: float, ceiling: float) -> tuple[str, ...]:
    rate = median(r.rate for r in mine)
    return (
        name,
        f"{rate:,.0f}",
        f"{min(r.rate for r in mine):,.0f} – {max(r.rate for r in mine):,.0f}",
        f"{rate / single:.1f} ×",
        f"{100 * rate / ceiling:.0f} %",
        f"{median(r.p50_ms for r in mine):.1f}",
        f"{median(r.p99_ms for r in mine):.1f}",
        f"{median(r.cpu_ms for r in mine):.3f}",
        f"{1000 / median(r.cpu_ms for r in mine):,.0f}",
        f"{median(r.flushes for r in mine):.3f}",
        f"{sum(r.refused for r in mine)}",
    )
