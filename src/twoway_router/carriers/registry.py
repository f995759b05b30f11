"""The carriers that are built in, by the name that connections use."""

from collections.abc import Mapping
from typing import Final

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
    sinch,
    telnyx,
    twilio,
    vonage,
    vonage_messages,
)

CARRIERS: Final[Mapping[str, CarrierSpec]] = {
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
