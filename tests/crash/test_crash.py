"""Real processes on RabbitMQ, killed with SIGKILL in the middle of their work: nothing is lost and nothing is doubled.

The judge reads the simulated carrier's journal, not our database. `TWOWAY_CRASH_SEED` repeats a run.
"""

import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.crash.drill import BACKLOG, SETTINGS, SLICE, TARGETS, Drill, Kill, make_schedule
from tests.crash.front import IDEMPOTENT, PLAIN, PRIZE, Front, Terms
from tests.crash.judge import Findings
from tests.support.system import System
from twoway_router.domain.messages import Capability, UnknownPolicy

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("TWOWAY_CRASH_SEED") or random.randrange(1_000_000))

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1800)]


TERMS = {
    "look_up": Terms(short_code="66701", told=Capability.LOOK_UP, does=Capability.LOOK_UP),
    "receipt": Terms(short_code="66702", told=Capability.RECEIPT, does=Capability.RECEIPT),
    "blind": Terms(
        short_code="66703", told=Capability.BLIND, does=Capability.BLIND, policy=UnknownPolicy.AT_LEAST_ONCE
    ),
    "boastful": Terms(short_code="66704", told=Capability.IDEMPOTENT, does=Capability.BLIND),
}
"""Carriers that are not idempotent, and one of which the router believes it."""

Fronts = Mapping[str, Front]


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with System(settings=SETTINGS) as system:
        yield system


@pytest.fixture(scope="module")
def drilled(system: System) -> tuple[Sequence[Kill], Findings]:
    """The real router after ten kills, two of each kind of process."""
    front = Front(system, system.carrier)
    kills = Drill(system, [front]).run(make_schedule(SEED, TARGETS * 2))
    return kills, front.judge()


@pytest.fixture(scope="module")
def fronts(system: System) -> Fronts:
    """The real router on four carriers at once after three kills of its executor."""
    fronts = {name: Front(system, system.add_carrier(name), terms) for name, terms in TERMS.items()}
    Drill(system, list(fronts.values())).run(make_schedule(SEED, ("executor",) * 3))
    return fronts


@pytest.fixture(scope="module")
def hasty(system: System) -> Iterator[tuple[Findings, Findings]]:
    """A relay that does not wait for the broker's word, after two kills of the broker: without the net below it, and with."""
    front = Front(system, system.add_carrier("hasty"), replace(IDEMPOTENT, short_code="66705"))
    drill = Drill(system, [front])
    system.restart("scheduler", {"TWOWAY_FORGOTTEN_AFTER": "PT1H"}, command=broken("broken_relay"))
    drill.run(make_schedule(SEED, ("broker", "broker")), is_settled=False)
    without_net = front.judge()
    system.restart("scheduler", {})
    drill.settle()
    yield without_net, front.judge()


@pytest.fixture(scope="module")
def drilled_broken() -> Iterator[Findings]:
    """The same drill, four kills long, on the ingress that acknowledges before it commits."""
    with System(settings=SETTINGS, commands={"ingress": broken("broken_ingress")}) as system:
        front = Front(system, system.carrier)
        Drill(system, [front]).run(make_schedule(SEED, ("ingress", "postgres") * 2))
        yield front.judge()


def broken(module: str) -> Sequence[str]:
    """The command of a router that is broken on purpose."""
    return ("/usr/bin/env", f"PYTHONPATH={ROOT}", sys.executable, "-m", f"tests.crash.{module}")


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


@pytest.mark.parametrize("name", TERMS)
def test_whoever_lost_an_answer_is_known(fronts: Fronts, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    front, findings = fronts[name], fronts[name].judge()

    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {findings}, {len(front.unknown())} reported unknown\n")

    assert set(findings.lost) <= front.unknown()
    assert not (findings.doubled_coupons or findings.wrong_replies)


def test_a_carrier_that_can_be_asked_loses_and_doubles_nothing(fronts: Fronts) -> None:
    findings = fronts["look_up"].judge()

    assert findings.is_clean, findings


def test_with_receipts_nothing_is_doubled_and_only_what_was_lost_stays_unknown(fronts: Fronts) -> None:
    findings = fronts["receipt"].judge()

    assert not findings.doubled_mts
    assert fronts["receipt"].unknown() == set(findings.lost)


def test_at_a_blind_carrier_a_message_with_a_coupon_is_never_doubled(fronts: Fronts) -> None:
    doubled = set(fronts["blind"].judge().doubled_mts)

    assert not doubled & fronts["blind"].senders_of(PRIZE)


def test_at_a_blind_carrier_at_least_once_loses_nothing(fronts: Fronts) -> None:
    lost = set(fronts["blind"].judge().lost)

    assert not lost & fronts["blind"].senders_of(PLAIN)


def test_the_judge_catches_a_carrier_that_is_wrongly_taken_for_idempotent(fronts: Fronts) -> None:
    assert fronts["boastful"].judge().doubled_mts


def test_the_judge_catches_a_relay_that_does_not_wait_for_the_broker(
    hasty: tuple[Findings, Findings], capsys: pytest.CaptureFixture[str]
) -> None:
    without_net, _ = hasty

    with capsys.disabled():
        sys.stdout.write(f"\nhasty relay: {without_net}\n")

    assert without_net.lost


def test_the_scheduler_finds_what_such_a_relay_has_lost(hasty: tuple[Findings, Findings]) -> None:
    _, with_net = hasty

    assert with_net.is_clean, with_net


def test_the_same_seed_makes_the_same_schedule() -> None:
    assert make_schedule(7, TARGETS * 2) == make_schedule(7, TARGETS * 2)
