"""How fast one API key may call: GCRA in the memory of this process, reported in RateLimit headers. Called by ``web.route``."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from uuid import UUID

from twoway_router.domain.errors import TooManyRequests

_MOST_KEPT: Final = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the limiter says of one request."""

    is_allowed: bool
    remaining: int
    reset_seconds: int
    retry_seconds: int


class RateLimiter:
    """``quota`` requests per ``window``, at any time in a burst, refilled evenly. Counts per process."""

    def __init__(self, *, quota: int, window: timedelta) -> None:
        self._quota = quota
        self._window = window
        self._step = window / quota
        self._full_at: OrderedDict[UUID, datetime] = OrderedDict()

    def take(self, key: UUID, now: datetime) -> Verdict:
        """Count one request of a key."""
        full_at = max(self._full_at.get(key, now), now)
        next_full_at = full_at + self._step
        wait = next_full_at - now - self._window
        if wait > timedelta(0):
            return Verdict(
                is_allowed=False, remaining=0, reset_seconds=_up(full_at - now), retry_seconds=max(1, _up(wait))
            )
        self._full_at[key] = next_full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > _MOST_KEPT:
            self._full_at.popitem(last=False)
        used = next_full_at - now
        left = int((self._window - used) / self._step)
        return Verdict(is_allowed=True, remaining=left, reset_seconds=_up(used), retry_seconds=0)

    def headers(self, verdict: Verdict) -> Mapping[str, str]:
        """``RateLimit`` and ``RateLimit-Policy`` of the IETF draft."""
        return {
            "RateLimit": f'"default";r={verdict.remaining};t={verdict.reset_seconds}',
            "RateLimit-Policy": f'"default";q={self._quota};w={_up(self._window)}',
        }

    def refusal(self, verdict: Verdict) -> TooManyRequests:
        """The problem to answer with."""
        return TooManyRequests(headers={"Retry-After": str(verdict.retry_seconds)})


class FailedTries:
    """How often a caller tried in vain: after ``allowed`` failures within ``window`` it must wait. Counts per process."""

    def __init__(self, *, allowed: int, window: timedelta) -> None:
        self._allowed = allowed
        self._window = window
        self._failed_at: OrderedDict[UUID, deque[datetime]] = OrderedDict()

    def wait_seconds(self, caller: UUID, now: datetime) -> int:
        """How long the caller must wait; 0 when it may try."""
        failed_at = self._failed_at.get(caller, deque())
        while failed_at and now - failed_at[0] >= self._window:
            failed_at.popleft()
        if len(failed_at) < self._allowed:
            return 0
        return max(1, round((failed_at[0] + self._window - now).total_seconds()))

    def note(self, caller: UUID, now: datetime) -> None:
        """Count one failure."""
        self._failed_at.setdefault(caller, deque(maxlen=self._allowed)).append(now)
        self._failed_at.move_to_end(caller)
        if len(self._failed_at) > _MOST_KEPT:
            self._failed_at.popitem(last=False)


def _up(duration: timedelta) -> int:
    return ceil(duration.total_seconds())
