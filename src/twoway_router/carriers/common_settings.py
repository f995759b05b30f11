"""The settings that every connection has, whatever its carrier: their names, and what they say. For ``spec`` and its readers."""

import re
from collections.abc import Mapping
from typing import Final

RATE: Final = "sends_per_second"
BASE: Final = "public_url"
ANSWERS: Final = "answers_stop"

PREVIOUS: Final = "_previous"
"""``key_previous`` is the ``key`` before this one: good for proofs until it is taken away."""

_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?/?")


def problem_with(name: str, value: object) -> str | None:
    """What is wrong with one of these settings, if it is one."""
    if name == RATE and read_rate(value) is None:
        return "must be a number from 0.01 to 10000"
    if name == BASE and _ORIGIN.fullmatch(str(value)) is None:
        return "must be like https://sms.example or https://sms.example:8443"
    return None


def read_rate(word: object) -> float | None:
    """MTs per second as a setting has them; None for no limit and for what makes no sense."""
    try:
        rate = float(str(word))
    except ValueError:
        return None
    return rate if 0.01 <= rate <= 10_000 else None


def read_base(settings: Mapping[str, object]) -> str | None:
    """The connection's own public address, without a slash."""
    return str(settings.get(BASE) or "").rstrip("/") or None
