"""What data cannot say: functions that a spec names. Called by ``engine``."""

from collections.abc import Callable, Mapping
from typing import Final

from twoway_router.carriers import generic
from twoway_router.carriers.reading.decoders import Document
from twoway_router.carriers.spec import CarrierSpec

Hook = Callable[[Document], Document]
"""Changes a decoded document before its events are looked for."""

Configurator = Callable[[CarrierSpec, Mapping[str, object]], CarrierSpec]
"""Turns the settings of a connection into its own spec."""


def join_kannel_time(document: Document) -> Document:
    """Put the time of Kannel's ``post-xml``, which stands in six elements, into one."""
    message = document.get("message") if isinstance(document, dict) else None
    submit = message.get("submit") if isinstance(message, dict) else None
    at = submit.get("at") if isinstance(submit, dict) else None
    if not isinstance(submit, dict) or not isinstance(at, dict):
        return document
    names = ("year", "month", "day", "hour", "minute", "second")
    year, month, day, hour, minute, second = (str(at.get(name, "")) for name in names)
    submit["time"] = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
    return document


HOOKS: Final[Mapping[str, Hook]] = {"kannel": join_kannel_time}
CONFIGURATORS: Final[Mapping[str, Configurator]] = {"generic": generic.inline_spec}
