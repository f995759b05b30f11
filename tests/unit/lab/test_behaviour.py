"""What a simulated carrier decides: faults that replay, receipts, pauses."""

import pytest
from pydantic import ValidationError

from twoway_router.lab.behaviour import Behaviour, Fault, Receipts, Report, RetryRule, choose_fault, receipt_plan

D = Report.DELIVERED
REFERENCES = [f"mt-{number}" for number in range(2000)]


def test_the_same_seed_chooses_the_same_faults_in_any_order() -> None:
    behaviour = Behaviour(faults={Fault.DROP: 0.2, Fault.ERROR: 0.1}, seed=7)

    forward = {reference: choose_fault(behaviour, reference, 1) for reference in REFERENCES}
    backward = {reference: choose_fault(behaviour, reference, 1) for reference in reversed(REFERENCES)}

    assert forward == backward


def test_faults_come_about_as_often_as_asked() -> None:
    behaviour = Behaviour(faults={Fault.DROP: 0.2, Fault.ERROR: 0.1})

    faults = [choose_fault(behaviour, reference, 1) for reference in REFERENCES]

    assert 300 < faults.count(Fault.DROP) < 500
    assert 120 < faults.count(Fault.ERROR) < 280


def test_probabilities_above_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="must not exceed 1"):
        Behaviour(faults={Fault.DROP: 0.7, Fault.ERROR: 0.7})


@pytest.mark.parametrize(
    ("receipts", "expected"),
    [
        (Receipts.NONE, ()),
        (Receipts.EARLY, ()),
        (Receipts.SOON, ((0.1, D),)),
        (Receipts.LATE, ((3.0, D),)),
        (Receipts.TWICE, ((0.1, D), (3.0, D))),
        (Receipts.PROGRESS, ((0.1, Report.ACCEPTED), (3.0, D))),
        (Receipts.DISORDER, ((0.1, D), (3.0, Report.ACCEPTED))),
    ],
)
def test_receipts_come_when_the_behaviour_says(receipts: Receipts, expected: tuple[tuple[float, Report], ...]) -> None:
    behaviour = Behaviour(receipts=receipts, receipt_soon_seconds=0.1, receipt_late_seconds=3)

    assert receipt_plan(behaviour) == expected


def test_a_scaled_schedule_keeps_the_carrier_s_patience() -> None:
    rule = RetryRule(first_seconds=60, factor=2, longest_seconds=240, timeout_seconds=8).scaled(0.01)

    assert (rule.pause_after(1), rule.pause_after(9), rule.timeout_seconds) == (0.6, 2.4, 8)


@pytest.mark.parametrize(("attempt", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (500, 3.0)])
def test_the_pause_between_tries_doubles_up_to_its_longest(attempt: int, pause: float) -> None:
    rule = RetryRule(first_seconds=0.5, factor=2, longest_seconds=3)

    assert rule.pause_after(attempt) == pause


@pytest.mark.parametrize(
    ("fault", "is_accepted"),
    [
        (Fault.SLOW, True),
        (Fault.DROP, True),
        (Fault.ERROR, True),
        (Fault.WRONG_JSON, True),
        (Fault.RESET, False),
        (Fault.THROTTLED, False),
        (Fault.HIDDEN, False),
        (Fault.PERMANENT, False),
        (Fault.OPTED_OUT, False),
    ],
)
def test_a_fault_says_whether_the_handset_gets_the_mt(fault: Fault, is_accepted: bool) -> None:
    assert fault.is_accepted is is_accepted
