"""The load generator: what it sends, and that it times from the moment a request was due."""

from pathlib import Path

import orjson
import pytest

from twoway_router.lab.client import read_target
from twoway_router.lab.load import LoadPlan, build_mo, percentile, run_load, summarise
from twoway_router.lab.sink import running_sink

A_PLAN = LoadPlan(url="http://127.0.0.1:1/mo", recipient="12345", texts=["PIZZA", "GYM"], senders=3)
SECOND = 1_000_000_000


def test_an_mo_is_made_from_its_number() -> None:
    mo = orjson.loads(build_mo(A_PLAN, 4))

    assert mo == {"id": "load-4", "from": "+393310000001", "to": "12345", "text": "PIZZA"}


@pytest.mark.parametrize(("share", "expected"), [(50, 50.0), (99, 99.0), (100, 100.0), (0, 1.0)])
def test_percentiles_are_nearest_rank(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 101)], share) == expected


def test_latency_counts_from_when_the_request_was_due() -> None:
    report = summarise(A_PLAN, 0, [(0, SECOND, 200), (SECOND // 2, SECOND, 200)])

    assert (report.p50_ms, report.longest_ms) == (500.0, 1000.0)


def test_the_warm_up_is_not_counted() -> None:
    plan = A_PLAN.model_copy(update={"warm_up_seconds": 1.0})

    report = summarise(plan, 0, [(0, SECOND, 200), (SECOND, SECOND + 1, 200), (SECOND, SECOND + 1, 503)])

    assert (report.accepted, report.statuses) == (1, {200: 1, 503: 1})


@pytest.mark.parametrize("url", ["http://example.com/mo", "https://127.0.0.1/mo", "http://10.0.0.1/mo"])
def test_only_the_loopback_interface_is_loaded(url: str) -> None:
    with pytest.raises(ValueError, match="talks only to"):
        read_target(url)


@pytest.mark.parametrize("rate", [None, 1000.0])
async def test_a_plan_is_sent_to_its_end(tmp_path: Path, rate: float | None) -> None:
    async with running_sink(tmp_path / "log") as sink:
        plan = A_PLAN.model_copy(update={"url": f"{sink.url}/mo", "most": 100, "connections": 8, "rate": rate})
        report = await run_load(plan)
        received = len(sink.hooks.items)

    assert (report.accepted, received) == (100, 100)


async def test_each_request_leaves_a_sample(tmp_path: Path) -> None:
    samples = tmp_path / "samples"

    async with running_sink(tmp_path / "log") as sink:
        plan = A_PLAN.model_copy(update={"url": f"{sink.url}/mo", "most": 20, "connections": 4, "samples": samples})
        await run_load(plan)

    lines = samples.read_text().splitlines()
    assert len(lines) == 21
    assert {line.split()[0] for line in lines[1:]} == {f"load-{number}" for number in range(20)}
