"""What becomes of an MT in a sandbox: its recipient's last two digits decide, in ranges that belong to nobody. Pure.

Read by ``delivery``, which plays the carrier, and shown to tenants by ``api`` and docs/sandbox.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from twoway_router.domain.messages import DeliveryState

MOST_NUMBERS: Final = 10
"""Numbers that one sandbox may have."""

SOON: Final = timedelta(seconds=1)
_FICTIONAL: Final = re.compile(r"\+(?:447700900[0-9]|1[2-9][0-9]{2}55501)([0-9]{2})")
"""Ofcom's numbers for drama and the North American 555-01xx: nobody is ever reached on them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """An answer to a hand-over that is not a success. ``is_lost``: the MT was taken, but its answer never arrives."""

    status: int
    error: str
    retry_after_seconds: int | None = None
    is_lost: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One delivery receipt."""

    state: DeliveryState
    error: str | None = None
    opted_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """What happens to MTs for one handset: the first tries are refused, then it is taken and reported ``after`` a while.

    ``is_final``: the last refusal is repeated for ever. Without ``after`` the reports come before the answer.
    """

    name: str
    meaning: str
    refusals: tuple[Refusal, ...] = ()
    is_final: bool = False
    reports: tuple[Report, ...] = (Report(state=DeliveryState.DELIVERED),)
    after: timedelta | None = SOON

    def answer_to(self, attempt: int) -> Refusal | None:
        """How the carrier refuses the ``attempt``-th try, None when it takes it."""
        if attempt <= len(self.refusals):
            return self.refusals[attempt - 1]
        return self.refusals[-1] if self.is_final else None


DELIVERED: Final = Fate(
    name="delivered", meaning="Delivered after a second. Every handset that is not listed does this too."
)
_THROTTLED: Final = Refusal(status=429, error="throttled", retry_after_seconds=2)
_DOWN: Final = Refusal(status=503, error="unavailable")

FATES: Final[Mapping[str, Fate]] = {
    "01": DELIVERED,
    "02": Fate(
        name="undelivered",
        meaning="Taken, then reported undelivered: the handset is switched off.",
        reports=(Report(state=DeliveryState.UNDELIVERED, error="absent_subscriber"),),
    ),
    "03": Fate(
        name="opted_out",
        meaning="Refused: the recipient opted out at the carrier. Suppressed from then on; START ends it.",
        refusals=(Refusal(status=400, error="opted_out"),),
        is_final=True,
    ),
    "04": Fate(
        name="throttled",
        meaning="Throttled at the first try (429, `Retry-After: 2`), taken at the second.",
        refusals=(_THROTTLED,),
    ),
    "05": Fate(
        name="refused",
        meaning="Refused for good: no such recipient. Fails without a receipt.",
        refusals=(Refusal(status=400, error="invalid_recipient"),),
        is_final=True,
    ),
    "06": Fate(
        name="expired",
        meaning="Taken, then reported expired.",
        reports=(Report(state=DeliveryState.EXPIRED),),
    ),
    "07": Fate(name="late", meaning="Delivered, but reported only after thirty seconds.", after=timedelta(seconds=30)),
    "08": Fate(
        name="twice",
        meaning="Delivered, and reported twice.",
        reports=(Report(state=DeliveryState.DELIVERED), Report(state=DeliveryState.DELIVERED)),
    ),
    "09": Fate(name="early", meaning="Delivered; the receipt overtakes the answer of the hand-over.", after=None),
    "10": Fate(name="silent", meaning="Taken; no receipt ever comes.", reports=()),
    "11": Fate(
        name="unavailable", meaning="The carrier is down for two tries (503), then takes it.", refusals=(_DOWN, _DOWN)
    ),
    "12": Fate(
        name="answer_lost",
        meaning="Taken, but the answer is lost; the second try with the same reference makes no second SMS.",
        refusals=(Refusal(status=0, error="answer_lost", is_lost=True),),
    ),
    "13": Fate(
        name="blocked",
        meaning="Taken, then rejected by a receipt that says the recipient opted out. Suppressed from then on.",
        reports=(Report(state=DeliveryState.REJECTED, error="recipient_opted_out", opted_out=True),),
    ),
}
"""By the last two digits of a fictional handset."""


def fate_of(recipient: str) -> Fate:
    """What happens to MTs for this recipient."""
    found = _FICTIONAL.fullmatch(recipient)
    return FATES.get(found[1], DELIVERED) if found else DELIVERED


def example_of(digits: str) -> str:
    """A handset with these last two digits."""
    return f"+4477009000{digits}"
