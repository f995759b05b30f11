"""Which fate a handset has, and how often it refuses."""

import pytest

from twoway_router.sandbox.rules import DELIVERED, FATES, example_of, fate_of


@pytest.mark.parametrize(
    ("recipient", "fate"),
    [
        ("+447700900001", "delivered"),
        ("+447700900002", "undelivered"),
        ("+12025550103", "opted_out"),
        ("+19175550104", "throttled"),
        ("+447700900099", "delivered"),
        ("+447700901002", "delivered"),
        ("+12025551102", "delivered"),
        ("+393200000002", "delivered"),
        ("+4477009000020", "delivered"),
    ],
)
def test_the_last_two_digits_decide_in_fictional_ranges_only(recipient: str, fate: str) -> None:
    assert fate_of(recipient).name == fate


@pytest.mark.parametrize(
    ("ending", "answers"),
    [
        ("01", [None, None, None]),
        ("03", ["opted_out", "opted_out", "opted_out"]),
        ("04", ["throttled", None, None]),
        ("05", ["invalid_recipient", "invalid_recipient", "invalid_recipient"]),
        ("11", ["unavailable", "unavailable", None]),
        ("12", ["answer_lost", None, None]),
    ],
)
def test_the_first_tries_are_refused_and_the_next_one_is_taken(ending: str, answers: list[str | None]) -> None:
    refusals = [FATES[ending].answer_to(attempt) for attempt in (1, 2, 3)]

    assert [refusal and refusal.error for refusal in refusals] == answers


@pytest.mark.parametrize("ending", FATES)
def test_every_fate_has_a_handset_that_has_it(ending: str) -> None:
    assert fate_of(example_of(ending)) is FATES[ending]


def test_fates_are_told_apart_by_their_names() -> None:
    assert len({fate.name for fate in FATES.values()}) == len(FATES)


def test_what_is_not_listed_is_delivered() -> None:
    assert fate_of("12345") is DELIVERED
