"""What follows a try: back-off, the end after the last one, and that each is counted."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from twoway_router.dispatch.handling import Patience, run_handler
from twoway_router.dispatch.port import Ack, DeadLetter, Handled, Job, RetryAfter

ONE, TEN, SIXTY = (timedelta(seconds=seconds) for seconds in (1, 10, 60))
PATIENCE = Patience(tries=5)


def a_job(attempt: int) -> Job:
    return Job(job="message.run", ids=(), shard=0, attempt=attempt)


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (1, RetryAfter(delay=ONE, reason="KeyError")),
        (2, RetryAfter(delay=TEN, reason="KeyError")),
        (3, RetryAfter(delay=SIXTY, reason="KeyError")),
        (4, RetryAfter(delay=SIXTY, reason="KeyError")),
        (5, DeadLetter(reason="given up after 5 tries: KeyError")),
        (6, DeadLetter(reason="given up after 6 tries: KeyError")),
    ],
)
def test_a_failed_try_waits_longer_each_time_and_the_last_is_the_end(attempt: int, expected: Handled) -> None:
    assert PATIENCE.after(a_job(attempt), "KeyError") == expected


@pytest.mark.parametrize(
    ("attempt", "handled", "expected"),
    [
        (5, Ack(), Ack()),
        (5, DeadLetter(reason="broken"), DeadLetter(reason="broken")),
        (4, RetryAfter(delay=TEN, reason="busy"), RetryAfter(delay=TEN, reason="busy")),
        (5, RetryAfter(delay=TEN, reason="busy"), DeadLetter(reason="given up after 5 tries: busy")),
    ],
)
def test_only_a_retry_is_limited(attempt: int, handled: Handled, expected: Handled) -> None:
    assert PATIENCE.limit(a_job(attempt), handled) == expected


@pytest.mark.parametrize(
    ("handled", "outcome"),
    [(Ack(), "done"), (RetryAfter(delay=ONE, reason="busy"), "later"), (DeadLetter(reason="broken"), "dead")],
)
async def test_every_ending_of_a_job_is_counted(handled: Handled, outcome: str) -> None:
    labels = {"job": "message.run", "outcome": outcome}
    before = REGISTRY.get_sample_value("twr_jobs_total", labels) or 0

    async def handler(_: Job) -> Handled:
        return handled

    await run_handler(handler, a_job(1), PATIENCE)

    assert REGISTRY.get_sample_value("twr_jobs_total", labels) == before + 1
