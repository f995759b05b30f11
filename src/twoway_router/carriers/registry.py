"""The carriers by the name that connections use: those built in, and an operator's own once ``add_carriers`` was called."""

from collections.abc import Iterable
from typing import Final

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.spec import CarrierSpec
from twoway_router.carriers.specs import (
    africastalking,
    aws,
    azure,
    bandwidth,
    bird,
    clickatell,
    clicksend,
    cm,
    elks,
    generic,
    infobip,
    jasmin,
    kannel,
    messagebird,
    plivo,
    sandbox,
    sinch,
    telnyx,
    twilio,
    vonage,
    vonage_messages,
)

CARRIERS: Final[dict[str, CarrierSpec]] = {
    "46elks": elks.SPEC,
    "africastalking": africastalking.SPEC,
    "aws": aws.SPEC,
    "azure": azure.SPEC,
    "bandwidth": bandwidth.SPEC,
    "bird": bird.SPEC,
    "clickatell_legacy": clickatell.LEGACY,
    "clickatell_one": clickatell.ONE,
    "clickatell_platform": clickatell.PLATFORM,
    "clicksend": clicksend.SPEC,
    "cm": cm.SPEC,
    "generic": generic.SPEC,
    "infobip": infobip.SPEC,
    "jasmin": jasmin.SPEC,
    "kannel": kannel.SPEC,
    "messagebird": messagebird.SPEC,
    "plivo": plivo.SPEC,
    "sinch": sinch.SPEC,
    "telnyx": telnyx.SPEC,
    "twilio": twilio.SPEC,
    "vonage": vonage.SPEC,
    "vonage_messages": vonage_messages.SPEC,
}


def carrier_of(name: str) -> CarrierSpec:
    """The carrier of a connection, one that operators connect or the simulated one of sandboxes; raises KeyError."""
    return sandbox.SPEC if name == sandbox.NAME else CARRIERS[name]


def add_carriers(specs: Iterable[CarrierSpec]) -> None:
    """Add an operator's carriers. Called once, at the start of a process; a built-in name may not be taken."""
    for spec in specs:
        refuse_taken_name(spec)
        CARRIERS[spec.name] = spec


def refuse_taken_name(spec: CarrierSpec) -> None:
    """Raises SpecError when another carrier has the name."""
    if spec.name == sandbox.NAME or (spec.name in CARRIERS and CARRIERS[spec.name] != spec):
        raise SpecError("name", f"there is already a carrier {spec.name!r}")
