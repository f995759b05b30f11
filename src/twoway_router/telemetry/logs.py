"""Structured logs: JSON in production, readable on a terminal. Events with fields; never texts, secrets or whole MSISDNs."""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from math import inf
from time import monotonic
from typing import Any, Literal

import structlog

from twoway_router.telemetry.redact import mask

_MSISDN = re.compile(r"\+\d{7,15}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_QUOTING_NOBODY = (OSError, RuntimeError, AttributeError, ImportError, NameError)
"""Errors whose message is about code and machines. Messages of others may quote a value: a text, a row, a key."""

_NEVER = frozenset({"text", "body", "rest", "secret", "password", "authorization"})


def _write_exception(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where an error came from, and its causes; its message only where that quotes nobody."""
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    elif given and not isinstance(given, BaseException):
        given = sys.exc_info()[1]
    if given:
        event["exception"] = "".join(_lines_of(given)).rstrip()
    return event


def _lines_of(error: BaseException, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    seen |= {id(error)}
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and id(earlier) not in seen:
        yield from _lines_of(earlier, seen)
        yield "\nthen\n\n"
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _lines_of(part, seen)
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{type(error).__qualname__}{f': {error}' if isinstance(error, _QUOTING_NOBODY) else ''}\n"


def _protect(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide fields that may hold a message or a secret, mask what looks like a phone number, keep values on one line."""
    for name, value in event.items():
        event[name] = _masked(value) if name == "exception" else _shown(name, value)
    return event


def _shown(name: str, value: object) -> object:
    if name in _NEVER:
        return "[hidden]"
    if isinstance(value, str):
        return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _masked(value))
    if isinstance(value, Mapping):
        return {key: _shown(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown("", inner) for inner in value]
    return value


def _masked(text: str) -> str:
    return _MSISDN.sub(lambda found: mask(found[0]), text)


def configure_logs(style: Literal["auto", "json", "console"], level: str) -> None:
    """Route structlog and the standard library's logging through one chain to standard error."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _write_exception,
        _protect,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("uvicorn.access", "httpx", "httpcore", "aiormq", "aio_pika", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Sampler:
    """One line per cause and time span: where every request of a second fails alike, one line says so."""

    def __init__(self, *, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def count(self, cause: str) -> int:
        """How many have come since the last line, this one among them; 0 while the span of that line is not over."""
        now = self._clock()
        last, count = self._seen.get(cause, (-inf, 0))
        if now - last < self._seconds:
            self._seen[cause] = (last, count + 1)
            return 0
        self._seen[cause] = (now, 0)
        return count + 1
