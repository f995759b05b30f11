"""Calls a handler and turns whatever it does into an ending: the runner of both transports."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from twoway_router.dispatch.port import Ack, DeadLetter, Handled, Handler, Job, RetryAfter
from twoway_router.tasks import is_cancelled
from twoway_router.telemetry.metrics import JOBS

log = structlog.get_logger(__name__)

DELAYS: Final = (timedelta(seconds=1), timedelta(seconds=10), timedelta(seconds=60))
_OUTCOMES: Final[Mapping[type[Handled], str]] = {Ack: "done", RetryAfter: "later", DeadLetter: "dead"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How often a job is tried and how long it waits in between. The last delay repeats."""

    tries: int = 20
    delays: Sequence[timedelta] = DELAYS

    def after(self, job: Job, reason: str) -> Handled:
        """What follows a try that raised."""
        return self.limit(job, RetryAfter(delay=self.delays[min(job.attempt, len(self.delays)) - 1], reason=reason))

    def limit(self, job: Job, handled: Handled) -> Handled:
        """Dead instead of one try too many."""
        if isinstance(handled, RetryAfter) and job.attempt >= self.tries:
            return DeadLetter(reason=f"given up after {job.attempt} tries: {handled.reason}")
        return handled


async def run_handler(handler: Handler, job: Job, patience: Patience) -> Handled:
    """The handler's answer; a back-off when it raises; dead after the last try. Raises only when we are cancelled ourselves."""
    ending = await _ending(handler, job, patience)
    JOBS.labels(job=job.job, outcome=_OUTCOMES[type(ending)]).inc()
    return ending


async def _ending(handler: Handler, job: Job, patience: Patience) -> Handled:
    try:
        handled = await handler(job)
    except asyncio.CancelledError:
        if is_cancelled():
            raise
        log.error("job.cancelled_from_below", job=job.job, ids=len(job.ids), attempt=job.attempt)
        return patience.after(job, "cancelled")
    except Exception as error:
        log.error("job.raised", job=job.job, ids=len(job.ids), attempt=job.attempt, exc_info=True)
        return patience.after(job, type(error).__name__)
    return patience.limit(job, handled)
