"""AWS End User Messaging through SNS: a signed envelope whose inner JSON stands as a string, and a handshake."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, E, R, U
from twoway_router.domain.messages import Capability, DeliveryState

_STATUSES: Final = {
    "QUEUED": A,
    "PENDING": A,
    "SENT": A,
    "SUCCESSFUL": A,
    "DELIVERED": D,
    "BLOCKED": R,
    "CARRIER_BLOCKED": R,
    "SPAM": R,
    "PROTECT_BLOCKED": R,
    "INVALID": R,
    "INVALID_MESSAGE": R,
    "TTL_EXPIRED": E,
    "UNREACHABLE": U,
    "CARRIER_UNREACHABLE": U,
}
_FINAL: Final = {**_STATUSES, "SUCCESSFUL": D, "UNKNOWN": DeliveryState.UNKNOWN, "*": U}
"""What nothing follows: everything but these words says that the message did not arrive."""

_IS_RECEIPT: Final = When(path="Message.eventType", starts="TEXT_")


def _dlr(when: When, *, is_final: bool) -> Event:
    return Event(
        kind="dlr",
        when=when,
        id="Message.messageId",
        reference="Message.context.reference",
        recipient="Message.destinationPhoneNumber",
        status="Message.messageStatus",
        error="Message.messageStatusDescription",
        time=Time(path="Message.eventTimestamp", formats=("epoch_ms",)),
        statuses=_FINAL if is_final else {},
    )


SPEC: Final = CarrierSpec(
    name="aws",
    title="AWS End User Messaging SMS (through SNS)",
    settings=(
        Setting(
            name="topic_arns", is_required=True, description="ARNs of the SNS topics that may post here, by commas."
        ),
        Setting(name="region", is_required=True, description="Region that sends, such as eu-west-1."),
        Setting(name="access_key_id", is_required=True, description="Access key that may call SendTextMessage."),
        Setting(name="secret_access_key", is_secret=True, is_required=True, description="Its secret."),
        Setting(
            name="configuration_set", description="Configuration set whose events go to the topic: receipts need one."
        ),
        Setting(
            name="message_type",
            default="TRANSACTIONAL",
            choices=("TRANSACTIONAL", "PROMOTIONAL"),
            description="Kind of messages sent.",
        ),
        Setting(
            name="api_url",
            default="https://sms-voice.{region}.amazonaws.com",
            description="Address of the API, for a private endpoint.",
        ),
        KEY,
    ),
    decode=("json",),
    unwrap="Message",
    auth=(Auth(verifier="sns", options={"topics": "{topic_arns}"}), QUERY_KEY),
    body_limit=1_048_576,
    events=(
        Event(kind="handshake", when=When(path="Type", equals="SubscriptionConfirmation"), confirm="SubscribeURL"),
        Event(kind="ignore", when=When(path="Type", equals="UnsubscribeConfirmation")),
        Event(
            kind="mo",
            when=When(path="Message.originationNumber", exists=True),
            id="Message.inboundMessageId|MessageId",
            sender="Message.originationNumber",
            recipient="Message.destinationNumber",
            text="Message.messageBody",
            time=Time(path="Timestamp", formats=("iso",)),
            extra={"keyword": "Message.messageKeyword", "answers": "Message.previousPublishedMessageId"},
        ),
        _dlr(When(all_of=(_IS_RECEIPT, When(path="Message.isFinal", equals="true"))), is_final=True),
        _dlr(_IS_RECEIPT, is_final=False),
    ),
    statuses=_STATUSES,
    send=Send(
        url="{api_url}/",
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage",
        },
        fields={
            "DestinationPhoneNumber": "{recipient}",
            "OriginationIdentity": "{sender}",
            "MessageBody": "{text}",
            "MessageType": "{message_type}",
            "ConfigurationSetName": "{configuration_set?}",
            "Context": {"reference": "{reference}"},
        },
        success=When(path="MessageId", exists=True),
        id="MessageId",
        error="Reason|__type|header:x-amzn-errortype",
        errors={
            "ThrottlingException": "throttled",
            "DESTINATION_PHONE_NUMBER_OPTED_OUT": "opted_out",
            "InternalServerException": "unknown",
        },
        signer="aws",
    ),
    capability=Capability.RECEIPT,
)
