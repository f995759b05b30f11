"""Structured logs: JSON in production, readable on a terminal. Events with fields; never texts, secrets or whole MSISDNs."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog

_MSISDN = re.compile(r"\+\d{7,15}")
_NEVER = frozenset({"text", "body", "rest", "secret", "password", "authorization"})


def _protect(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop fields that may hold a message or a secret, mask anything that looks like a phone number, escape line breaks."""
    for name, value in event.items():
        if name in _NEVER:
            event[name] = "[hidden]"
        elif isinstance(value, str):
            event[name] = _MSISDN.sub(lambda found: f"{found[0][:4]}•••{found[0][-3:]}", value).replace("\r", "\\r")
    return event


def configure_logs(style: Literal["auto", "json", "console"], level: str) -> None:
    """Route structlog and the standard library's logging through one chain to standard error."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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


def bind(fields: Mapping[str, object]) -> None:
    """Add fields to every line of this process (role, version)."""
    structlog.contextvars.bind_contextvars(**fields)
