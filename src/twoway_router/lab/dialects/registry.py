"""Every dialect that the lab speaks, by the carrier's name."""

from typing import Final

from twoway_router.lab.dialects import (
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
from twoway_router.lab.dialects.dialect import Dialect

DIALECTS: Final[dict[str, Dialect]] = {
    "46elks": elks.DIALECT,
    "africastalking": africastalking.DIALECT,
    "aws": aws.DIALECT,
    "azure": azure.DIALECT,
    "bandwidth": bandwidth.DIALECT,
    "bird": bird.DIALECT,
    "clickatell_legacy": clickatell.LEGACY,
    "clickatell_one": clickatell.ONE,
    "clickatell_platform": clickatell.PLATFORM,
    "clicksend": clicksend.DIALECT,
    "cm": cm.DIALECT,
    "generic": generic.DIALECT,
    "infobip": infobip.DIALECT,
    "jasmin": jasmin.DIALECT,
    "kannel": kannel.DIALECT,
    "messagebird": messagebird.DIALECT,
    "plivo": plivo.DIALECT,
    "sinch": sinch.DIALECT,
    "telnyx": telnyx.DIALECT,
    "twilio": twilio.DIALECT,
    "vonage": vonage.DIALECT,
    "vonage_messages": vonage_messages.DIALECT,
}
