"""P2, P3, P9, P10: the whole path, MO in to MT handed to the carrier, one process of each role on RabbitMQ and PostgreSQL.

The figures come from the load generator's and the simulated carrier's own logs: from when an MO was due to when its
right reply was in the carrier's hands, on its disk. Everything shares the machine's cores.
"""

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.system import System

from bench import stage
from bench.measure import cpu_seconds, machine, print_table, server_version, wal_flushes
from twoway_router.lab.journal import read_journal
from twoway_router.lab.load import LoadPlan, percentile

ROUTER: Final = ("ingress", "executor", "scheduler")
PATIENCE_SECONDS: Final = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One load and what came of it. ``cpu_ms`` is per message and process."""

    name: str
    asked: int
    acknowledged: int
    replied: int
    wrong: int
    rate: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    ack_p99_ms: float
    flushes: float
    cpu_ms: Mapping[str, float]

    @property
    def router_ms(self) -> float:
        """CPU of one message over everything that a production system runs."""
        return sum(cost for part, cost in self.cpu_ms.items() if part != "carrier")


def main(arguments: Sequence[str]) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench path", description=__doc__)
    parser.add_argument("--keywords", type=int, default=5000)
    parser.add_argument("--messages", type=int, default=10_000, help="At full rate.")
    parser.add_argument("--seconds", type=float, default=20.0, help="At 100/s and at half of the full rate.")
    options = parser.parse_args(arguments)
    with System() as system:
        print(f"setting up {options.keywords:,} keywords by the management API …", flush=True)
        connection = stage.furnish(system, options.keywords)
        bench = _Bench(system, connection.mo_url, options.keywords)
        bench.run("warm-up", count=500, rate=None)
        full = bench.run("full rate", count=options.messages, rate=None)
        calm = bench.run("100/s", count=int(100 * options.seconds), rate=100.0)
        half = bench.run("half of full rate", count=int(full.rate / 2 * options.seconds), rate=full.rate / 2)
        version = asyncio.run(server_version(system.postgres.url))
        command = f"python -m bench path {' '.join(arguments)}".strip()
        _report((calm, half, full), options.keywords, machine(PostgreSQL=version, command=command))


class _Bench:
    """Runs loads one after the other on one system; senders never come again."""

    def __init__(self, system: System, mo_url: str, keywords: int) -> None:
        self._system = system
        self._mo_url = mo_url
        self._texts = stage.texts(keywords)
        self._keywords = keywords
        self._runs = 0

    def run(self, name: str, *, count: int, rate: float | None) -> Run:
        """Send ``count`` MOs; wait for all replies."""
        self._runs += 1
        plan = LoadPlan(
            url=self._mo_url,
            run=f"path-{self._runs}",
            recipient=stage.SHORT_CODE,
            sender_base=393_310_000_000 + self._runs * 1_000_000,
            texts=self._texts,
            rate=rate,
            most=count,
            seconds=count / rate + 1 if rate else 600,
            samples=self._system.folder / f"samples-{self._runs}",
        )
        before = self._counters()
        mts = self._mts()
        load = stage.start_load(plan)
        report = stage.finish_load(load)
        self._wait_for_replies(mts + report["accepted"])
        after = self._counters()
        used = {key: after[key] - before[key] for key in before}
        return self._evaluate(name, plan, report["p99_ms"], used)

    def _evaluate(self, name: str, plan: LoadPlan, ack_p99_ms: float, used: Mapping[str, float]) -> Run:
        assert plan.samples is not None
        due = _read_samples(plan.samples)
        base = plan.sender_base
        replies: dict[int, tuple[int, str]] = {}
        for record in read_journal(self._system.carrier.journal):
            if record["kind"] != "mt" or record["is_repeat"]:
                continue
            index = int(str(record["recipient"]).removeprefix("+")) - base
            if 0 <= index < plan.most:
                replies[index] = (int(str(record["at_ns"])), str(record["text"]))
        answered = sorted(set(due) & set(replies))
        latencies = sorted((replies[index][0] - due[index]) / 1e6 for index in answered)
        span = (max(replies[index][0] for index in answered) - min(due.values())) / 1e9
        return Run(
            name=name,
            asked=plan.most,
            acknowledged=len(due),
            replied=len(answered),
            wrong=sum(not replies[index][1].startswith(self._reply_to(index)) for index in answered),
            rate=len(answered) / span,
            p50_ms=percentile(latencies, 50),
            p99_ms=percentile(latencies, 99),
            longest_ms=latencies[-1],
            ack_p99_ms=ack_p99_ms,
            flushes=used["flushes"] / len(answered),
            cpu_ms={key: 1000 * value / len(answered) for key, value in used.items() if key != "flushes"},
        )

    def _reply_to(self, index: int) -> str:
        text = self._texts[index % len(self._texts)]
        return stage.reply_begins(int(text.split()[0].removeprefix("OFFER")))

    def _counters(self) -> dict[str, float]:
        system = self._system
        cpu = {role: cpu_seconds(system.programs[role].pid) for role in (*ROUTER, "carrier")}
        cpu |= {"postgresql": cpu_seconds(system.postgres.pid), "rabbitmq": cpu_seconds(system.broker.pid)}
        return {**cpu, "flushes": float(asyncio.run(wal_flushes(system.postgres.url)))}

    def _mts(self) -> int:
        stats = self._system.carrier.stats()
        assert stats is not None, "the carrier does not answer"
        return stats["mts"]

    def _wait_for_replies(self, wanted: int) -> None:
        """Until all are there, or none came for a long time."""
        seen, since = self._mts(), time.monotonic()
        while seen < wanted and time.monotonic() - since < PATIENCE_SECONDS:
            time.sleep(0.1)
            if (now := self._mts()) > seen:
                seen, since = now, time.monotonic()


def _read_samples(file: Path) -> dict[int, int]:
    """When each acknowledged MO was due."""
    due: dict[int, int] = {}
    for line in file.read_text().splitlines()[1:]:
        name, due_ns, _, status = line.split()
        if status.startswith("2"):
            due[int(name.rpartition("-")[2])] = int(due_ns)
    return due


def _report(runs: Sequence[Run], keywords: int, facts: str) -> None:
    head = ("load", "MOs", "lost", "wrong", "MT/s", "p50 ms", "p99 ms", "longest ms", "ack p99 ms", "flushes/MO")
    rows = [
        (
            run.name,
            f"{run.acknowledged:,}",
            str(run.acknowledged - run.replied),
            str(run.wrong),
            f"{run.rate:,.0f}",
            f"{run.p50_ms:.1f}",
            f"{run.p99_ms:.1f}",
            f"{run.longest_ms:.1f}",
            f"{run.ack_p99_ms:.1f}",
            f"{run.flushes:.3f}",
        )
        for run in runs
    ]
    print_table(
        f"P2, P3, P10 path: MO due to its right reply in the carrier's hands, {keywords:,} keywords", head, rows
    )
    calm, _, full = runs
    parts = [*ROUTER, "postgresql", "rabbitmq"]
    costs = [
        (
            run.name,
            *(f"{cost:.2f}" for cost in (*(run.cpu_ms[part] for part in parts), run.router_ms, run.cpu_ms["carrier"])),
        )
        for run in runs
    ]
    print_table("P9 CPU per message, ms", ("load", *parts, "sum", "(lab carrier)"), costs)
    p2, p3 = full.rate >= 500, calm.p50_ms <= 50 and calm.p99_ms <= 500
    print(f"\ngoal P2 ≥ 500/s: {_met(p2)} · goal P3 p50 ≤ 50 ms and p99 ≤ 500 ms at 100/s: {_met(p3)}")
    print(f"{facts} · {time.strftime('%Y-%m-%d')}")


def _met(is_met: bool) -> str:
    return "met" if is_met else "NOT met"
