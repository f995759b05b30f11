"""Vonage SMS API: GET, form or JSON as the account is set, parts one by one, parameters signed, sends always answered 200."""

from typing import Final

from twoway_router.carriers.spec import Auth, CarrierSpec, Event, Field, Part, Send, Setting, Time, When
from twoway_router.carriers.specs.common import KEY, QUERY_KEY, A, D, E, R, U
from twoway_router.domain.messages import Capability

_TIME: Final = Time(path="message-timestamp", formats=("%Y-%m-%d %H:%M:%S", "iso"))
_EXTRA: Final = {"keyword": "keyword", "type": "type"}

_LATER_PARTS: Final = tuple(When(path=f"messages.{part}.status", one_of=("0", "")) for part in range(1, 6))
"""A long MT is answered part by part; a text of ours has six at most."""

SPEC: Final = CarrierSpec(
    name="vonage",
    title="Vonage SMS API",
    settings=(
        Setting(name="api_key", is_required=True, description="API key of the account."),
        Setting(name="api_secret", is_secret=True, is_required=True, description="API secret of the account."),
        Setting(
            name="signature_secret",
            is_secret=True,
            description="Signature secret, when the account signs its requests.",
        ),
        Setting(
            name="signature_method",
            default="sha256",
            choices=("md5hash", "md5", "sha1", "sha256", "sha512"),
            description="Signature method of the account; md5hash is the oldest.",
        ),
        Setting(name="api_url", default="https://rest.nexmo.com", description="Address of the SMS API."),
        KEY,
    ),
    decode=("query", "form", "json"),
    auth=(
        Auth(
            verifier="sorted_params",
            options={"secret": "{signature_secret}", "algorithm": "{signature_method}", "window": "90000"},
        ),
        QUERY_KEY,
    ),
    probes=("bare_get",),
    events=(
        Event(
            kind="dlr",
            when=When(path="status", exists=True),
            id="messageId",
            reference="client-ref",
            recipient="msisdn",
            status="status",
            error="err-code",
            opted_out=When(path="err-code", equals="9"),
            time=_TIME,
        ),
        Event(
            kind="mo",
            when=When(path="type", equals="binary"),
            id="messageId",
            sender="msisdn",
            recipient="to",
            text=Field(path="data", encoding="hex", charset="8-bit", default=""),
            time=_TIME,
            part=Part(header=Field(path="udh", encoding="hex", charset="8-bit")),
            extra=_EXTRA,
        ),
        Event(
            kind="mo",
            id="messageId",
            sender="msisdn",
            recipient="to",
            text="text",
            time=_TIME,
            part=Part(reference="concat-ref", index="concat-part", total="concat-total"),
            extra=_EXTRA,
        ),
    ),
    statuses={"accepted": A, "buffered": A, "delivered": D, "failed": U, "expired": E, "rejected": R},
    send=Send(
        url="{api_url}/sms/json",
        body="form",
        fields={
            "api_key": "{api_key}",
            "api_secret": "{api_secret}",
            "from": "{sender_digits}",
            "to": "{recipient_digits}",
            "text": "{text}",
            "type": "{type}",
            "status-report-req": "1",
            "callback": "{receipt_url?}",
            "client-ref": "{reference}",
        },
        per_encoding={"gsm7": {"type": "text"}, "ucs2": {"type": "unicode"}},
        success=When(all_of=(When(path="messages.0.status", equals="0"), *_LATER_PARTS)),
        id="messages.0.message-id",
        error="messages.0.status",
        errors={"1": "throttled", "5": "retry", "7": "opted_out"},
    ),
    capability=Capability.RECEIPT,
)
