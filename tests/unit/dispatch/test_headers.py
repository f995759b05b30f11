"""What a broker message says besides its body, written by us, by the broker, or by somebody else."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from twoway_router.dispatch.headers import (
    dead_headers,
    first_headers,
    read_attempt,
    read_dead,
    read_wait,
    retry_headers,
)
from twoway_router.dispatch.jobs import write_job
from twoway_router.dispatch.port import Job

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ID = UUID(int=7)
BODY = write_job("sms.deliver", [ID])


@pytest.mark.parametrize(
    ("headers", "attempt"),
    [(first_headers(1), 1), (first_headers(4), 4), ({}, 1), ({"x-twr-attempt": "3"}, 1), ({"x-twr-attempt": -2}, 1)],
)
def test_an_attempt_is_read_and_a_foreign_one_is_the_first(headers: dict[str, object], attempt: int) -> None:
    assert read_attempt(headers) == attempt


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (retry_headers(2, NOW + timedelta(seconds=90), "busy"), 90),
        (retry_headers(2, NOW - timedelta(seconds=90), "busy"), 0),
        (first_headers(1), 0),
        ({"x-twr-due": "soon"}, 0),
    ],
)
def test_the_time_left_to_wait_is_never_negative(headers: dict[str, object], seconds: int) -> None:
    assert read_wait(headers, NOW) == timedelta(seconds=seconds)


def test_a_job_that_we_gave_up_tells_why_and_when() -> None:
    dead = read_dead(BODY, "twr.sms.deliver.3", dead_headers(5, NOW, "no such message"))

    assert dead.job == Job(job="sms.deliver", ids=(ID,), shard=3, attempt=5)
    assert (dead.reason, dead.dead_at) == ("no such message", NOW)


def test_a_job_that_the_broker_gave_up_tells_its_word() -> None:
    death = {"reason": "delivery_limit", "time": NOW, "queue": "twr.sms.deliver.3"}

    dead = read_dead(BODY, "twr.sms.deliver.3", {**first_headers(1), "x-death": [death]})

    assert (dead.reason, dead.dead_at) == ("given up by the broker: delivery_limit", NOW)


@pytest.mark.parametrize("deaths", [None, [], "yesterday", [7]])
def test_a_foreign_death_is_unknown(deaths: object) -> None:
    dead = read_dead(b"?", "", {"x-death": deaths})

    assert (dead.job, dead.reason, dead.dead_at) == (None, "given up by the broker: unknown", None)
