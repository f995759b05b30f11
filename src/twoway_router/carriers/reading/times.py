"""Reads carriers' times in their formats and zones. Compiled by ``events`` once per connection."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.reading.fields import Scene, compile_text
from twoway_router.carriers.spec import Time

OLDEST: Final = timedelta(days=30)
NEWEST: Final = timedelta(days=1)
"""A carrier's time outside now - OLDEST … now + NEWEST is absurd and read as None; the message stays."""

_NAMED: Final = ("auto", "epoch", "epoch_ms", "iso")
_MILLISECONDS: Final = 100_000_000_000
_SAMPLE: Final = datetime(2026, 11, 22, 12, 30, 45, 123456, tzinfo=UTC)

TimeGetter = Callable[[Scene, datetime], datetime | None]


def problem_with_zone(zone: str) -> str | None:
    """Why this is no time zone, None when it is one."""
    try:
        ZoneInfo(zone)
    except (ValueError, KeyError, OSError):
        return f"{zone!r} is no time zone"
    return None


def problem_with_format(form: str) -> str | None:
    """Why nothing could be read with this format, None when something can."""
    return None if form in _NAMED or _is_readable(form) else f"{form!r} is neither {', '.join(_NAMED)} nor strptime's"


def _is_readable(form: str) -> bool:
    try:
        datetime.strptime(_SAMPLE.strftime(form), form)  # noqa: DTZ007
    except (ValueError, re.error):  # the second: a directive that stands twice
        return False
    return "%" in form


def compile_time(time: str | Time | None) -> TimeGetter:
    """A getter of the carrier's time in UTC, None when it is missing, garbage or absurd."""
    if time is None:
        return lambda *_: None
    spec = Time(path=time) if isinstance(time, str) else time
    read = compile_text(spec.path)
    if problem := problem_with_zone(spec.zone):
        raise SpecError("zone", problem)
    if problem := next(filter(None, map(problem_with_format, spec.formats)), None):
        raise SpecError("time_format", problem)
    zone = ZoneInfo(spec.zone)

    def get(scene: Scene, now: datetime) -> datetime | None:
        text = read(scene)
        if not text:
            return None
        for form in spec.formats:
            if (found := _read_time(text, form, zone)) is not None:
                return found if now - OLDEST <= found <= now + NEWEST else None
        return None

    return get


def _read_time(text: str, form: str, zone: ZoneInfo) -> datetime | None:
    try:
        if form == "auto":
            is_epoch = text.isascii() and text.isdigit() and len(text) in (10, 13)
            form = "epoch" if is_epoch else "iso"
        if form in ("epoch", "epoch_ms"):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / 1000 if abs(seconds) > _MILLISECONDS else seconds, UTC)
        found = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
