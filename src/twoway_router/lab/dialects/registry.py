"""Every dialect that the lab speaks, by the carrier's name."""

from typing import Final

from twoway_router.lab.dialects import (
    aws,
    azure,
    bandwidth,
    bird,
    clickatell,
    clicksend,
    elks,
    generic,
    kannel,
    messagebird,
    plivo,
    telnyx,
    twilio,
    vonage,
)
from twoway_router.lab.dialects.dialect import Dialect

DIALECTS: Final[dict[str, Dialect]] = {
    "46elks": elks.DIALECT,
    "aws": aws.DIALECT,
    "azure": azure.DIALECT,
    "bandwidth": bandwidth.DIALECT,
    "bird": bird.DIALECT,
    "clickatell_legacy": clickatell.LEGACY,
    "clickatell_one": clickatell.ONE,
    "clickatell_platform": clickatell.PLATFORM,
    "clicksend": clicksend.DIALECT,
    "generic": generic.DIALECT,
    "kannel": kannel.DIALECT,
    "messagebird": messagebird.DIALECT,
    "plivo": plivo.DIALECT,
    "telnyx": telnyx.DIALECT,
    "twilio": twilio.DIALECT,
    "vonage": vonage.DIALECT,
}
