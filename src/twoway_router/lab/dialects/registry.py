"""Every dialect that the lab speaks, by the carrier's name."""

from typing import Final

from twoway_router.lab.dialects import generic, kannel, telnyx, twilio, vonage
from twoway_router.lab.dialects.dialect import Dialect

DIALECTS: Final[dict[str, Dialect]] = {
    "generic": generic.DIALECT,
    "kannel": kannel.DIALECT,
    "telnyx": telnyx.DIALECT,
    "twilio": twilio.DIALECT,
    "vonage": vonage.DIALECT,
}
