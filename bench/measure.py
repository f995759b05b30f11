"""What benches count and how they print it: CPU of processes, WAL flushes, versions, tables with medians."""

import os
import platform
import statistics
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import asyncpg

ROOT: Final = Path(__file__).parents[1]
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, its living children and the children it has buried."""
    total = 0.0
    for member in (pid, *_children(pid)):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue  # it ended meanwhile: its time is now among its parent's buried children
        total += sum(int(field) for field in fields[11:15]) / _TICKS
    return total


def pin(pid: int, cores: Iterable[int]) -> None:
    """Bind a process with all its threads and children to cores."""
    wanted = set(cores)
    for member in (pid, *_children(pid)):
        for thread in Path(f"/proc/{member}/task").iterdir():
            os.sched_setaffinity(int(thread.name), wanted)


def _children(pid: int) -> Sequence[int]:
    """Direct children, whichever thread started them."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (thread / "children").read_text().split())
    return found


async def wal_flushes(url: str) -> int:
    """How often the server has flushed its log so far: what a commit costs on a real disk."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        if connection.get_server_version().major >= 18:
            return int(await connection.fetchval("SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"))
        return int(await connection.fetchval("SELECT wal_sync FROM pg_stat_wal"))
    finally:
        await connection.close()


async def server_version(url: str) -> str:
    """PostgreSQL's version."""
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version")).split()[0]
    finally:
        await connection.close()


def median(values: Iterable[float]) -> float:
    """The median; 0 of nothing."""
    found = list(values)
    return statistics.median(found) if found else 0.0


def machine(**more: str) -> str:
    """One line on where the numbers come from."""
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    facts: Mapping[str, str] = {
        "commit": git.stdout.strip() or "unknown",
        "CPU": f"{os.cpu_count()} × {_cpu_model()}",
        "Python": platform.python_version(),
        "uvicorn": version("uvicorn"),
        "asyncpg": version("asyncpg"),
        **more,
    }
    return " · ".join(f"{name} {value}" for name, value in facts.items())


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for a terminal and for docs/performance.md."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print(f"\n{title}\n")
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
