"""The carriers that are built in, by the name that connections use."""

from collections.abc import Mapping
from typing import Final

from twoway_router.carriers.spec import CarrierSpec
from twoway_router.carriers.specs import generic, kannel, twilio

CARRIERS: Final[Mapping[str, CarrierSpec]] = {
    "generic": generic.SPEC,
    "kannel": kannel.SPEC,
    "twilio": twilio.SPEC,
}
