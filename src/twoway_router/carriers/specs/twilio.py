"""Twilio: the signature covers the public URL and the form, the answer is TwiML, because plain text would be texted."""

from typing import Final

from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.spec import Ack, Auth, CarrierSpec, Event, Send, Setting, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, U
from twoway_router.domain.messages import Capability

_XML: Final = "text/xml; charset=utf-8"
_SILENCE: Final = "<Response/>"


def _twiml(status: int) -> Ack:
    return Ack(status=status, body=_SILENCE, content_type=_XML)


def _mo(when: When | None) -> Event:
    return Event(
        kind="mo",
        when=when,
        id="MessageSid|SmsMessageSid|SmsSid",
        sender="From",
        recipient="To",
        text="Body",
        opted_out=When(path="OptOutType", equals="STOP"),
        replied=When(path="OptOutType", exists=True),
        extra={
            "media_count": "NumMedia",
            "media_url": "MediaUrl0",
            "media_type": "MediaContentType0",
            "segments": "NumSegments",
            "country": "FromCountry",
            "messaging_service_sid": "MessagingServiceSid",
            "opt_out_type": "OptOutType",
        },
    )


SPEC: Final = CarrierSpec(
    name="twilio",
    title="Twilio",
    settings=(
        Setting(name="account_sid", is_required=True, description="Account SID, AC…"),
        Setting(
            name="auth_token",
            is_secret=True,
            is_required=True,
            description="Auth token: signs requests, authorises sends.",
        ),
        Setting(
            name="shared_key", is_secret=True, description="Secret of a shared key, if requests are signed with one."
        ),
        Setting(name="messaging_service_sid", description="Messaging service to send through, MG…"),
        Setting(
            name="api_url", default="https://api.twilio.com", description="Address of the API, for a region or a test."
        ),
        KEY,
    ),
    decode=("query", "form", "json"),
    auth=(Auth(verifier="url_params", options={"secret": "{auth_token}", "shared_key": "{shared_key?}"}), QUERY_KEY),
    events=(
        _mo(When(path="MessageStatus", one_of=("receiving", "received"))),
        Event(
            kind="dlr",
            when=When(path="MessageStatus", exists=True),
            id="MessageSid|SmsSid",
            reference="query:reference",
            status="MessageStatus",
            error="ErrorCode",
            recipient="To",
            opted_out=When(path="ErrorCode", equals="21610"),
        ),
        _mo(None),
    ),
    statuses={
        "accepted": A,
        "scheduled": A,
        "queued": A,
        "sending": A,
        "sent": A,
        "partially_delivered": A,
        "delivered": D,
        "read": D,
        "undelivered": U,
        "failed": U,
        "canceled": U,
    },
    acks={
        AckOutcome.STORED: _twiml(200),
        AckOutcome.BAD_AUTH: _twiml(403),
        AckOutcome.MALFORMED: _twiml(400),
        AckOutcome.TOO_LARGE: _twiml(413),
        AckOutcome.OVERLOADED: _twiml(503),
    },
    send=Send(
        url="{api_url}/2010-04-01/Accounts/{account_sid}/Messages.json",
        body="form",
        basic=("account_sid", "auth_token"),
        fields={
            "To": "{recipient}",
            "From": "{sender}",
            "MessagingServiceSid": "{messaging_service_sid?}",
            "Body": "{text}",
            "StatusCallback": "{receipt_url?}",
        },
        receipt_query="reference={reference}",
        success=When(path="sid", exists=True),
        id="sid",
        error="code",
        errors={
            "21610": "opted_out",
            "20429": "throttled",
            "63018": "throttled",
            "20500": "unknown",
        },
    ),
    capability=Capability.RECEIPT,
)
