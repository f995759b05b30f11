"""The rate limiter: bursts up to the quota, then an even refill; neighbours do not matter."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.cast import NOON
from twoway_router.domain.ids import new_id
from twoway_router.web.limits import FailedTries, RateLimiter

KEY = new_id()
MINUTE = timedelta(minutes=1)


def test_a_burst_of_the_quota_passes_and_no_more() -> None:
    limiter = RateLimiter(quota=5, window=MINUTE)

    verdicts = [limiter.take(KEY, NOON) for _ in range(6)]

    assert [verdict.is_allowed for verdict in verdicts] == [True] * 5 + [False]
    assert [verdict.remaining for verdict in verdicts] == [4, 3, 2, 1, 0, 0]


def test_a_refused_request_says_when_the_next_one_passes() -> None:
    limiter = RateLimiter(quota=6, window=MINUTE)
    refused = [limiter.take(KEY, NOON) for _ in range(7)][-1]

    later = limiter.take(KEY, NOON + timedelta(seconds=refused.retry_seconds))

    assert (refused.retry_seconds, later.is_allowed) == (10, True)


def test_keys_do_not_share_a_quota() -> None:
    limiter = RateLimiter(quota=1, window=MINUTE)
    limiter.take(KEY, NOON)

    assert limiter.take(new_id(), NOON).is_allowed


def test_the_headers_follow_the_draft() -> None:
    limiter = RateLimiter(quota=600, window=MINUTE)

    headers = limiter.headers(limiter.take(KEY, NOON))

    assert headers == {"RateLimit": '"default";r=599;t=1', "RateLimit-Policy": '"default";q=600;w=60'}


def test_after_five_failures_in_a_minute_a_caller_must_wait() -> None:
    tries = FailedTries(allowed=5, window=MINUTE)
    for second in range(5):
        tries.note(KEY, NOON + timedelta(seconds=second))

    assert tries.wait_seconds(KEY, NOON + timedelta(seconds=10)) == 50


def test_failures_are_forgotten_after_a_minute_and_are_each_callers_own() -> None:
    tries = FailedTries(allowed=5, window=MINUTE)
    for _ in range(5):
        tries.note(KEY, NOON)

    assert tries.wait_seconds(new_id(), NOON) == 0
    assert tries.wait_seconds(KEY, NOON + MINUTE) == 0


@given(pauses=st.lists(st.integers(0, 30_000), min_size=1, max_size=200))
def test_no_window_ever_sees_more_than_twice_the_quota(pauses: list[int]) -> None:
    limiter = RateLimiter(quota=10, window=MINUTE)
    now = NOON
    passed = []

    for pause in pauses:
        now += timedelta(milliseconds=pause)
        if limiter.take(KEY, now).is_allowed:
            passed.append(now)

    assert all(sum(start <= at < start + MINUTE for at in passed) <= 20 for start in passed)
