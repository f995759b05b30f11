"""46elks: forms; the body of our answer would be texted to the person, so it is empty."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, U
from twoway_router.domain.messages import Capability

SPEC: Final = CarrierSpec(
    name="46elks",
    title="46elks",
    settings=(
        KEY,
        Setting(name="webhook_username", description="User name in the URL that 46elks calls."),
        Setting(name="webhook_password", is_secret=True, description="Password in the URL that 46elks calls."),
        Setting(name="api_username", is_required=True, description="User name of the API, u…"),
        Setting(name="api_password", is_secret=True, is_required=True, description="Password of the API."),
        Setting(name="api_url", default="https://api.46elks.com", description="Address of the API."),
    ),
    decode=("query", "form"),
    auth=(
        QUERY_KEY,
        Auth(verifier="basic", options={"username": "{webhook_username}", "password": "{webhook_password}"}),
    ),
    events=(
        Event(
            kind="dlr",
            when=When(path="status", exists=True),
            id="id",
            reference="query:reference",
            status="status",
            time=Time(path="delivered", formats=("iso",)),
        ),
        Event(
            kind="mo",
            id="id",
            sender="from",
            recipient="to",
            text="message",
            time=Time(path="created", formats=("iso",)),
            extra={"direction": "direction"},
        ),
    ),
    statuses={"created": A, "sent": A, "delivered": D, "failed": U},
    send=Send(
        url="{api_url}/a1/sms",
        body="form",
        basic=("api_username", "api_password"),
        fields={
            "from": "{sender}",
            "to": "{recipient}",
            "message": "{text}",
            "whendelivered": "{receipt_url?}",
        },
        receipt_query="reference={reference}",
        success=When(path="id", exists=True),
        id="id",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
