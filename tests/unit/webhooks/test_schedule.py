"""When a webhook is tried again, and what each answer means."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoway_router.carriers.http import HttpReply
from twoway_router.webhooks.delivery.schedule import SCHEDULE, judge, next_wait, read_retry_after, shown

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


def an_answer(status: int, retry_after: str = "") -> HttpReply:
    """An endpoint's answer."""
    return HttpReply(status=status, headers={"retry-after": retry_after} if retry_after else {}, body=b"")


def test_eight_tries_take_a_day_and_three_and_a_half_hours() -> None:
    total = sum(SCHEDULE, timedelta(0))

    assert (len(SCHEDULE), total) == (8, timedelta(hours=27, minutes=35, seconds=5))


@given(st.integers(1, 7), st.floats(0, 1, exclude_max=True))
def test_jitter_is_twenty_per_cent(attempt: int, chance: float) -> None:
    wait = next_wait(attempt, chance, None)

    assert wait is not None
    assert SCHEDULE[attempt] * 0.8 <= wait <= SCHEDULE[attempt] * 1.2


@pytest.mark.parametrize(
    ("wish", "seconds"), [(timedelta(seconds=7), 7), (timedelta(hours=1), 10), (timedelta(seconds=1), 5)]
)
def test_retry_after_counts_between_one_and_two_slots(wish: timedelta, seconds: int) -> None:
    wait = next_wait(1, 0.5, wish)

    assert wait == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (200, "done", None),
        (204, "done", None),
        (299, "done", None),
        (302, "pending", "status_302"),
        (400, "pending", "status_400"),
        (410, "failed", "gone"),
        (500, "pending", "status_500"),
    ],
)
def test_only_2xx_is_success_and_410_is_the_end(status: int, state: str, reason: str | None) -> None:
    verdict = judge(an_answer(status), None, 1, NOW, 0.5)

    assert (verdict.state, verdict.reason) == (state, reason)


def test_the_eighth_failure_is_the_last() -> None:
    verdict = judge(None, "timeout", 8, NOW, 0.5)

    assert (verdict.state, verdict.reason, verdict.due_at) == ("failed", "timeout", None)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("120", timedelta(seconds=120)),
        (format_datetime(NOW + timedelta(minutes=3), usegmt=True), timedelta(minutes=3)),
        (format_datetime(NOW - timedelta(minutes=3), usegmt=True), timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("", None),
        ("99999999999999999999", timedelta(days=1)),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str, expected: timedelta | None) -> None:
    read = read_retry_after(an_answer(429, header), NOW)

    assert read == expected


@given(st.binary(max_size=10_000))
def test_any_answer_can_be_stored(body: bytes) -> None:
    text = shown(body)

    assert "\x00" not in text
    assert len(text) <= 4_000
