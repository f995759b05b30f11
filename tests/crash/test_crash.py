"""Real processes on RabbitMQ, killed with SIGKILL in the middle of their work: nothing is lost and nothing is doubled.

The judge reads the simulated carrier's journal, not our database. `TWOWAY_CRASH_SEED` repeats a run.
"""

import os
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.crash.drill import BACKLOG, SETTINGS, SLICE, TARGETS, Drill, Kill, make_schedule
from tests.crash.judge import Findings
from tests.support.system import System

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("TWOWAY_CRASH_SEED") or random.randrange(1_000_000))

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def drilled() -> Iterator[tuple[Sequence[Kill], Findings]]:
    """The real router after ten kills, two of each kind of process."""
    with System(settings=SETTINGS) as system:
        drill = Drill(system)
        kills = drill.run(make_schedule(SEED, TARGETS * 2))
        yield kills, drill.judge()


@pytest.fixture(scope="module")
def drilled_broken() -> Iterator[Findings]:
    """The same drill, four kills long, on the ingress that acknowledges before it commits."""
    command = ("/usr/bin/env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.crash.broken_ingress")
    with System(settings=SETTINGS, commands={"ingress": command}) as system:
        drill = Drill(system)
        drill.run(make_schedule(SEED, ("ingress", "postgres") * 2))
        yield drill.judge()


def test_ten_kills_lose_and_double_nothing(
    drilled: tuple[Sequence[Kill], Findings], capsys: pytest.CaptureFixture[str]
) -> None:
    kills, findings = drilled

    with capsys.disabled():
        sys.stdout.write("\n".join(("", f"TWOWAY_CRASH_SEED={SEED}", *map(str, kills), str(findings), "")))

    assert findings.is_clean, findings
    assert (findings.acknowledged, findings.mts) == (SLICE * 10, SLICE * 10)


def test_each_kill_has_killed(drilled: tuple[Sequence[Kill], Findings]) -> None:
    kills, _ = drilled

    assert sorted(kill.target for kill in kills) == sorted(TARGETS * 2)
    assert all(kill.old_pid != kill.new_pid for kill in kills)


def test_messages_were_waiting_when_it_happened(drilled: tuple[Sequence[Kill], Findings]) -> None:
    kills, _ = drilled

    assert sum(kill.backlog >= BACKLOG for kill in kills) >= 8


def test_every_coupon_went_to_one_person(drilled: tuple[Sequence[Kill], Findings]) -> None:
    _, findings = drilled

    assert findings.coupons == SLICE * 10 // 2


def test_the_judge_catches_a_router_that_acknowledges_before_it_commits(
    drilled_broken: Findings, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\nbroken on purpose: {drilled_broken}\n")

    assert drilled_broken.lost


def test_the_same_seed_makes_the_same_schedule() -> None:
    assert make_schedule(7, TARGETS * 2) == make_schedule(7, TARGETS * 2)
