"""Bird, MessageBird's successor: JSON events, HMAC over time, URL and body, read with and without their envelope."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, R, U
from twoway_router.domain.messages import Capability


def _either(path: str) -> str:
    """The field inside the event's payload, or at the top."""
    return f"payload.{path}|{path}"


_OUTGOING: Final = When(
    any_of=(When(path="payload.direction", equals="outgoing"), When(path="direction", equals="outgoing"))
)

SPEC: Final = CarrierSpec(
    name="bird",
    title="Bird",
    settings=(
        Setting(name="access_key", is_secret=True, is_required=True, description="Access key of the workspace."),
        Setting(name="workspace_id", is_required=True, description="Workspace."),
        Setting(name="channel_id", is_required=True, description="SMS channel to send through."),
        Setting(name="number", is_required=True, description="Number of the channel: Bird's events do not name it."),
        Setting(name="signing_key", is_secret=True, description="Signing key of the webhook subscription."),
        Setting(name="api_url", default="https://api.bird.com", description="Address of the API."),
        KEY,
    ),
    decode=("json",),
    auth=(
        Auth(
            verifier="hmac",
            options={
                "secret": "{signing_key}",
                "header": "messagebird-signature",
                "encoding": "base64",
                "template": "{timestamp}\\n{url}\\n{body_sha256}",
                "timestamp_header": "messagebird-request-timestamp",
                "window": "36000",
            },
        ),
        QUERY_KEY,
    ),
    events=(
        Event(
            kind="dlr",
            when=_OUTGOING,
            id=_either("id"),
            reference=_either("reference"),
            recipient=_either("receiver.contacts.0.identifierValue"),
            status=_either("status"),
            error=_either("failure.code"),
            time=Time(path=_either("updatedAt"), formats=("iso",)),
        ),
        Event(
            kind="mo",
            id=_either("id"),
            sender=_either("sender.contact.identifierValue"),
            recipient=_either("receiver.connector.identifierValue")
            + "|"
            + _either("receiver.contacts.0.identifierValue")
            + "|literal:{number}",
            text=_either("body.text.text"),
            time=Time(path=_either("createdAt"), formats=("iso",)),
            extra={"channel_id": _either("channelId")},
        ),
    ),
    statuses={
        "accepted": A,
        "processing": A,
        "sent": A,
        "delivered": D,
        "rejected": R,
        "sending_failed": U,
        "delivery_failed": U,
    },
    send=Send(
        url="{api_url}/workspaces/{workspace_id}/channels/{channel_id}/messages",
        headers={"Authorization": "AccessKey {access_key}"},
        fields={
            "receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": "{recipient}"}]},
            "body": {"type": "text", "text": {"text": "{text}"}},
            "reference": "{reference}",
        },
        success=When(path="id", exists=True),
        id="id",
        error="code",
        errors={"429": "throttled"},
    ),
    capability=Capability.RECEIPT,
)
