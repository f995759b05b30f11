"""A load generator in a process of its own (``twoway-router lab load``), cheap enough to leave a core to the router.

At a constant rate every latency counts from the moment the request was *due*, so a stalled server cannot hide its queue
(no coordinated omission). Without a rate, each connection sends its next request when the last one is answered.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field

from twoway_router.lab.client import Connection, Target, build_request, connect, read_target

_COLUMNS = "id due_ns answered_ns status"


class LoadPlan(BaseModel):
    """What to send. MO number ``n`` has id ``{run}-{n}``, sender ``sender_base + n`` and the text ``texts[n % len]``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    run: str = Field("load", pattern=r"^[a-z0-9-]{1,40}$")
    recipient: str
    sender_base: int = Field(393_310_000_000, description="First sender, without its plus sign.")
    senders: int = Field(1_000_000, ge=1, description="After so many messages the senders come again.")
    texts: list[str] = Field(min_length=1)
    connections: int = Field(64, ge=1, le=1024)
    rate: float | None = Field(None, gt=0, description="Requests per second; without it as fast as answers come.")
    most: int = Field(1_000_000, ge=1, le=5_000_000, description="Stop after so many requests.")
    seconds: float = Field(10.0, gt=0, le=900, description="Stop after this time.")
    warm_up_seconds: float = Field(0.0, ge=0, description="Requests due in this first time are not counted.")
    samples: Path | None = Field(None, description=f"File for one line per request: {_COLUMNS}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """What came back, without the warm-up. Latencies are in milliseconds; status 0 is a broken connection."""

    accepted: int
    statuses: dict[int, int]
    seconds: float
    rate: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    longest_ms: float


@dataclass(kw_only=True, slots=True)
class _Sample:
    due_ns: int
    answered_ns: int
    status: int
    index: int


@dataclass(kw_only=True, slots=True)
class _Run:
    plan: LoadPlan
    target: Target
    started_ns: int
    indices: "count[int]" = field(default_factory=count)
    samples: list[_Sample] = field(default_factory=list)

    @property
    def ends_ns(self) -> int:
        return self.started_ns + int(self.plan.seconds * 1e9)


async def run_load(plan: LoadPlan) -> LoadReport:
    """Send the whole plan and report it."""
    run = _Run(plan=plan, target=read_target(plan.url), started_ns=time.time_ns())
    async with asyncio.TaskGroup() as group:
        for _ in range(plan.connections):
            group.create_task(_work(run))
    if plan.samples is not None:
        lines = (f"{plan.run}-{s.index} {s.due_ns} {s.answered_ns} {s.status}\n" for s in run.samples)
        await asyncio.to_thread(plan.samples.write_text, f"{_COLUMNS}\n{''.join(lines)}")
    return summarise(plan, run.started_ns, [(s.due_ns, s.answered_ns, s.status) for s in run.samples])


async def _work(run: _Run) -> None:
    connection: Connection | None = None
    while True:
        index, due_ns = next(run.indices), time.time_ns()
        if run.plan.rate is not None:
            due_ns = run.started_ns + int(index / run.plan.rate * 1e9)
            if due_ns < run.ends_ns:
                await asyncio.sleep(max(0.0, (due_ns - time.time_ns()) / 1e9))
        if index >= run.plan.most or due_ns >= run.ends_ns:
            break
        headers = {"Content-Type": "application/json", **run.plan.headers}
        request = build_request("POST", run.target, build_mo(run.plan, index), headers)
        status = 0
        try:
            async with asyncio.timeout(30):
                if connection is None or not connection.is_open:
                    connection = await connect(run.target)
                status = (await connection.send(request)).status
        except (OSError, TimeoutError):
            connection = None
            await asyncio.sleep(0.01)
        run.samples.append(_Sample(due_ns=due_ns, answered_ns=time.time_ns(), status=status, index=index))
    if connection is not None:
        connection.close()


def build_mo(plan: LoadPlan, index: int) -> bytes:
    """The body of MO number ``index``: the same for the same plan."""
    return orjson.dumps(
        {
            "id": f"{plan.run}-{index}",
            "from": f"+{plan.sender_base + index % plan.senders}",
            "to": plan.recipient,
            "text": plan.texts[index % len(plan.texts)],
        }
    )


def summarise(plan: LoadPlan, started_ns: int, samples: list[tuple[int, int, int]]) -> LoadReport:
    """Count (due, answered, status) samples that were due after the warm-up."""
    counted_from_ns = started_ns + int(plan.warm_up_seconds * 1e9)
    counted = [sample for sample in samples if sample[0] >= counted_from_ns]
    accepted = [(due, answered) for due, answered, status in counted if 200 <= status < 300]
    latencies = sorted((answered - due) / 1e6 for due, answered in accepted)
    seconds = (max((answered for _, answered in accepted), default=counted_from_ns) - counted_from_ns) / 1e9
    return LoadReport(
        accepted=len(accepted),
        statuses=dict(Counter(status for _, _, status in counted)),
        seconds=seconds,
        rate=len(accepted) / seconds if seconds > 0 else 0.0,
        p50_ms=percentile(latencies, 50),
        p90_ms=percentile(latencies, 90),
        p99_ms=percentile(latencies, 99),
        longest_ms=latencies[-1] if latencies else 0.0,
    )


def percentile(ordered: list[float], share: float) -> float:
    """The nearest-rank percentile of an ordered list; 0 when it is empty."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * int(share * 10) // 1000) - 1)]
