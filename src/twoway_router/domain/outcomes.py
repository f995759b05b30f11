"""Expected endings as values: what an action run or a delivery attempt returned. Exceptions are for surprises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """It worked. Later actions read ``values`` under the action's name (``coupon.code``)."""

    values: Mapping[str, object] = field(default_factory=dict)
    reference: str | None = None
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Not now. ``after`` is a wish of the other side (``Retry-After``); None leaves it to our schedule.

    ``reason`` is a stable code, ``detail`` what the other side said, without personal data. ``account``: our account there is
    at fault, not this message.
    """

    reason: str
    detail: str = ""
    after: timedelta | None = None
    throttled: bool = False
    account: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """Never. ``reason`` is a stable code, ``detail`` a sentence without personal data."""

    reason: str
    detail: str = ""
    opted_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """Handed over perhaps: the answer was lost. Only the ledger decides what follows."""

    reason: str
    detail: str = ""


Outcome = Done | Retry | Failed
SendReply = Done | Retry | Failed | Unknown
