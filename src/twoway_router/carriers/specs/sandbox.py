"""The simulated carrier of tenants' sandboxes: nothing that is sent here leaves the router.

``sandbox.delivery`` answers at this address. MOs come by the API only, so no request from outside is ever its own.
"""

from typing import Final

from twoway_router.carriers.spec import CarrierSpec, Send, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY
from twoway_router.domain.messages import Capability

NAME: Final = "sandbox"
SEND_URL: Final = "https://sandbox.invalid/messages"
"""A host name that can never be registered (RFC 2606)."""

SPEC: Final = CarrierSpec(
    name=NAME,
    title="Sandbox",
    settings=(KEY,),
    decode=("json",),
    auth=(QUERY_KEY,),
    events=(),
    send=Send(
        url=SEND_URL,
        fields={"reference": "{reference}"},
        success=When(path="id", exists=True),
        id="id",
        error="error",
        errors={
            "throttled": "throttled",
            "unavailable": "retry",
            "opted_out": "opted_out",
            "invalid_recipient": "failed",
        },
    ),
    capability=Capability.IDEMPOTENT,
)
