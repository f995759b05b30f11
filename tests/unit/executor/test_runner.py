"""A job is acknowledged when its rows are safe, comes back when the database is away, and raises on surprises."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from twoway_router.dispatch.port import Ack, Job, RetryAfter, Transport
from twoway_router.domain.ids import new_id
from twoway_router.executor.runner import Delivery, JobRunner
from twoway_router.executor.runs import MessageRunner, describe
from twoway_router.store.failures import is_transient


class FakeWork:
    """A delivery, or a runner, that does what it is told."""

    def __init__(self, work: Callable[[], None] = lambda: None) -> None:
        self._work = work
        self.ids: list[UUID] = []
        self.drained = 0

    async def deliver(self, ids: Sequence[UUID]) -> None:
        self.ids.extend(ids)
        self._work()

    run = deliver

    async def drain(self) -> None:
        self.drained += 1


class FakeTransport:
    """Remembers who consumes what."""

    def __init__(self) -> None:
        self.consumed: list[str] = []
        self.drained: list[timedelta] = []

    async def consume(self, jobs: Sequence[str], handler: object, *, prefetch: int = 20) -> None:
        self.consumed.extend(jobs)

    async def drain(self, timeout: timedelta) -> None:
        self.drained.append(timeout)


def raising(error: Exception) -> Callable[[], None]:
    """Work that fails."""

    def work() -> None:
        raise error

    return work


def runner(work: FakeWork, transport: FakeTransport | None = None, email: FakeWork | None = None) -> JobRunner:
    """A runner whose every job is ``work``."""
    deliveries: dict[str, Delivery] = {"sms.deliver": work, "webhook.deliver": FakeWork(), "sandbox.report": FakeWork()}
    if email:
        deliveries["email.deliver"] = email
    return JobRunner(
        cast("Transport", transport or FakeTransport()), cast("MessageRunner", work), deliveries, prefetch=20
    )


def a_job(job: str = "sms.deliver", attempt: int = 1) -> Job:
    """A job with one id."""
    return Job(job=job, ids=(new_id(),), shard=0, attempt=attempt)


@pytest.mark.parametrize("job", ["message.run", "sms.deliver"])
async def test_a_job_that_is_done_is_acknowledged(job: str) -> None:
    work, given = FakeWork(), a_job(job)

    handled = await runner(work).handle(given)

    assert (handled, work.ids) == (Ack(), list(given.ids))


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 2), (3, 8), (15, 30)])
async def test_a_database_that_is_away_brings_the_job_back_later_and_later(attempt: int, seconds: int) -> None:
    handled = await runner(FakeWork(raising(OSError("no route")))).handle(a_job(attempt=attempt))

    assert handled == RetryAfter(delay=timedelta(seconds=seconds), reason="OSError")


async def test_a_surprise_is_the_transports_business() -> None:
    with pytest.raises(KeyError):
        await runner(FakeWork(raising(KeyError("x")))).handle(a_job())


@pytest.mark.parametrize(("email", "count"), [(None, 4), (FakeWork(), 5)])
async def test_without_an_smtp_server_emails_are_not_consumed(email: FakeWork | None, count: int) -> None:
    transport = FakeTransport()

    await runner(FakeWork(), transport, email).start()

    assert len(transport.consumed) == count


async def test_draining_waits_for_deliveries_after_the_transport() -> None:
    work, transport = FakeWork(), FakeTransport()

    await runner(work, transport).drain(timedelta(seconds=5))

    assert (transport.drained, work.drained) == ([timedelta(seconds=5)], 1)


class _Sqlstate(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(sqlstate)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(), True),
        (PoolTimeout(), True),
        (OperationalError("s", {}, _Sqlstate("57P01")), True),
        (OperationalError("s", {}, _Sqlstate("40P01")), True),
        (OperationalError("s", {}, _Sqlstate("55P03")), True),
        (IntegrityError("s", {}, _Sqlstate("23505")), False),
        (IntegrityError("s", {}, _Sqlstate("22P05")), False),
        (KeyError(), False),
        (ValueError(), False),
    ],
)
def test_only_the_databases_own_troubles_are_nobodys_fault(error: Exception, expected: bool) -> None:
    assert is_transient(error) is expected


def test_a_reason_names_the_error_but_never_quotes_it() -> None:
    reason = describe(ValueError("+393200000001 wrote PIZZA"))

    assert reason == "ValueError"
