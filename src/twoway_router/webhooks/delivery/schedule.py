"""When a webhook is tried again, and what an answer means. Pure; called by ``webhooks.delivery``."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from twoway_router.carriers.http import HttpReply

SCHEDULE: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""The waits before the eight tries; they add up to 27 h 35 m 5 s."""

DISABLE_AFTER: Final = timedelta(days=5)
GONE: Final = 410
THROTTLING: Final = frozenset({429, 502, 503, 504})
RESPONSE_LIMIT: Final = 4_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What one try makes of a delivery. ``due_at`` is set only when it is pending again."""

    state: str
    reason: str | None = None
    due_at: datetime | None = None
    is_gone: bool = False


def next_wait(attempt: int, chance: float, wish: timedelta | None) -> timedelta | None:
    """The wait after the ``attempt``-th try, None when it was the last. ±20 % by chance; a wish counts within 1–2 slots."""
    if attempt >= len(SCHEDULE):
        return None
    slot = SCHEDULE[attempt]
    if wish is not None and wish > slot:
        return min(wish, slot * 2)
    return slot * (0.8 + 0.4 * chance)


def judge(reply: HttpReply | None, reason: str | None, attempt: int, now: datetime, chance: float) -> Verdict:
    """Any 2xx is success; a redirect is a failure like every other answer; 410 ends it for good."""
    if reply is not None and 200 <= reply.status < 300:
        return Verdict(state="done")
    if reply is not None and reply.status == GONE:
        return Verdict(state="failed", reason="gone", is_gone=True)
    why = reason or (f"status_{reply.status}" if reply else "no_answer")
    wait = next_wait(attempt, chance, read_retry_after(reply, now) if reply else None)
    if wait is None:
        return Verdict(state="failed", reason=why)
    return Verdict(state="pending", reason=why, due_at=now + wait)


def read_retry_after(reply: HttpReply, now: datetime) -> timedelta | None:
    """The header in seconds or as a date; None when absent or unreadable."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text), 86_400))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(at - now, timedelta(0)) if at.tzinfo is not None else None


def shown(body: bytes) -> str:
    """An answer's body as the log keeps it: text, capped, without what PostgreSQL cannot hold."""
    return body[:RESPONSE_LIMIT].decode("utf-8", "replace").replace("\x00", "\ufffd")[:RESPONSE_LIMIT]
