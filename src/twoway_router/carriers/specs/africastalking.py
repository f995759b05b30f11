"""Africa's Talking: real shared short codes; ``linkId`` must come back with the reply, failures hide in a 2xx."""

from typing import Final

from twoway_router.carriers.spec import CarrierSpec, Event, Field, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, E, R, U
from twoway_router.domain.messages import Capability

_OPT_OUT: Final = When(path="senderId", exists=True)

SPEC: Final = CarrierSpec(
    name="africastalking",
    title="Africa's Talking",
    settings=(
        KEY,
        Setting(name="username", is_required=True, description="Name of the application; sandbox for the sandbox."),
        Setting(name="api_key", is_secret=True, is_required=True, description="API key of the application."),
        Setting(
            name="api_url",
            default="https://api.africastalking.com",
            description="Address of the API; the content host for premium messages.",
        ),
    ),
    decode=("query", "form"),
    auth=(QUERY_KEY,),
    events=(
        Event(
            kind="dlr",
            when=When(path="status", exists=True),
            id="id",
            recipient="phoneNumber",
            status="status",
            error="failureReason",
            opted_out=When(path="failureReason", one_of=("UserInBlacklist", "UserInBlackList")),
        ),
        Event(
            kind="mo",
            when=_OPT_OUT,
            sender="phoneNumber",
            recipient="senderId",
            text=Field(path="text", default="STOP"),
            opted_out=_OPT_OUT,
            replied=_OPT_OUT,
        ),
        Event(
            kind="mo",
            id="id",
            sender="from",
            recipient="to",
            text="text",
            time=Time(path="date", formats=("iso", "%Y-%m-%d %H:%M:%S")),
            operator="networkCode",
            reply_token="linkId",
            extra={"cost": "cost"},
        ),
    ),
    statuses={
        "Sent": A,
        "Submitted": A,
        "Buffered": A,
        "Success": D,
        "Rejected": R,
        "Failed": U,
        "Expired": E,
        "AbsentSubscriber": U,
    },
    send=Send(
        url="{api_url}/version1/messaging",
        body="form",
        headers={"apikey": "{api_key}", "Accept": "application/json"},
        fields={
            "username": "{username}",
            "to": "{recipient}",
            "from": "{sender}",
            "message": "{text}",
            "linkId": "{reply_token?}",
        },
        success=When(
            any_of=(
                When(path="SMSMessageData.Recipients.0.status", equals="Success"),
                When(path="SMSMessageData.Recipients.0.statusCode", one_of=("100", "101", "102")),
            )
        ),
        id="SMSMessageData.Recipients.0.messageId",
        error="SMSMessageData.Recipients.0.status|SMSMessageData.Message",
        errors={
            "UserInBlacklist": "opted_out",
            "InsufficientBalance": "failed",
            "InternalServerError": "retry",
            "GatewayError": "retry",
        },
    ),
    capability=Capability.BLIND,
)
