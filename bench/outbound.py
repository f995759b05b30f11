"""What one call of a carrier's send API costs: our HTTP client beside httpx, against the simulated carrier.

The carrier is a process of its own; the cost is the caller's CPU time per call, 32 calls at a time on kept connections.
"""

import argparse
import asyncio
import re
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import orjson
from tests.support.system import PROGRAM

from bench.measure import machine, median, print_table
from twoway_router.carriers.http import HttpRequest
from twoway_router.domain.addresses import read_networks
from twoway_router.outbound.http import PooledHttpClient
from twoway_router.outbound.network import Guard

AT_A_TIME: Final = 32
TIMEOUT: Final = timedelta(seconds=20)

Send = Callable[[bytes], Awaitable[int]]


def main(arguments: Sequence[str]) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m bench outbound", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        command = [PROGRAM, "lab", "carrier", "--port", "0", "--journal", str(Path(folder) / "carrier.jsonl")]
        carrier = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert carrier.stdout is not None
            with closing(carrier.stdout):
                url = f"{re.findall('http://[0-9.:]+', carrier.stdout.readline())[0]}/messages"
                asyncio.run(_compare(url, options.calls, options.rounds))
        finally:
            carrier.terminate()
            carrier.wait()


async def _compare(url: str, calls: int, rounds: int) -> None:
    ours = PooledHttpClient(Guard(allowed=read_networks(["127.0.0.0/8"])), connections=AT_A_TIME)
    limits = httpx.Limits(max_connections=AT_A_TIME, max_keepalive_connections=AT_A_TIME)
    theirs = httpx.AsyncClient(trust_env=False, limits=limits, timeout=TIMEOUT.total_seconds())
    headers = {"Content-Type": "application/json"}

    async def by_us(body: bytes) -> int:
        request = HttpRequest(method="POST", url=url, headers=headers, body=body)
        return (await ours.send(request, timeout=TIMEOUT)).status

    async def by_httpx(body: bytes) -> int:
        return (await theirs.post(url, content=body, headers=headers)).status_code

    senders: dict[str, Send] = {"outbound.http": by_us, "httpx": by_httpx}
    costs: dict[str, list[float]] = {name: [] for name in senders}
    rates: dict[str, list[float]] = {name: [] for name in senders}
    for number in range(rounds):
        for name, send in senders.items():
            cpu, wall = await _spend(send, f"{name}-{number}", calls)
            costs[name].append(1e6 * cpu / calls)
            rates[name].append(calls / wall)
    await ours.close()
    await theirs.aclose()
    base = median(costs["outbound.http"])
    rows = [
        (name, f"{median(costs[name]):.0f}", f"{median(costs[name]) / base:.1f} ×", f"{median(rates[name]):,.0f}")
        for name in senders
    ]
    print_table("One call of a send API, 32 at a time", ("client", "CPU µs/call", "to ours", "calls/s"), rows)
    print(f"\n{machine(httpx=httpx.__version__)} · {time.strftime('%Y-%m-%d')}")


async def _spend(send: Send, run: str, calls: int) -> tuple[float, float]:
    """CPU and wall seconds."""
    turns = iter(range(calls))

    async def work() -> None:
        for number in turns:
            mt = {"reference": f"{run}-{number}", "from": "66777", "to": "+447700900001", "text": "Hello"}
            status = await send(orjson.dumps(mt))
            assert status == 200, status

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_A_TIME)))
    return time.process_time() - cpu, time.perf_counter() - wall
