"""Any gateway that speaks HTTP: everything is declared in the connection's settings, and the defaults already work.

``configured`` turns the settings into an ordinary spec; ``carriers.hooks`` names it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, get_args

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.spec import Ack, Auth, CarrierSpec, Event, Field, LookUp, Result, Send, Setting, Time, When
from twoway_router.carriers.specs.common import ALLOW_UNSIGNED, KEY, A, D, E, R, U
from twoway_router.domain.messages import Capability, DeliveryState

_MO_FIELDS: Final = {
    "id": "id",
    "sender": "from",
    "recipient": "to",
    "text": "text",
    "time": "time",
    "operator": "operator",
    "reply_token": "reply_token",
}
_RECEIPT_FIELDS: Final = {
    "id": "id",
    "reference": "reference",
    "status": "status",
    "error": "error",
    "recipient": "to",
    "time": "time",
}
_SEND_FIELDS: Final = {"reference": "{reference}", "from": "{sender}", "to": "{recipient}", "text": "{text}"}
_STATUSES: Final = {
    "accepted": A,
    "queued": A,
    "sent": A,
    "buffered": A,
    "delivered": D,
    "undelivered": U,
    "undeliverable": U,
    "failed": U,
    "expired": E,
    "rejected": R,
}

SETTINGS: Final = (
    KEY,
    Setting(name="key_parameter", default="key", description="The query parameter that carries the key."),
    Setting(name="username", description="User name for HTTP Basic authentication of the gateway's requests."),
    Setting(
        name="password", is_secret=True, description="Password for HTTP Basic authentication of the gateway's requests."
    ),
    Setting(name="hmac_secret", is_secret=True, description="Secret of the gateway's HMAC signature."),
    Setting(name="hmac_header", default="x-signature", description="Header with the signature."),
    Setting(
        name="hmac_algorithm",
        default="sha256",
        choices=("sha256", "sha512", "sha384", "sha1", "md5"),
        description="Hash.",
    ),
    Setting(
        name="hmac_encoding", default="hex", choices=("hex", "base64"), description="How the signature is written."
    ),
    Setting(name="hmac_prefix", description="What stands before the signature, such as v1= or sha256=."),
    Setting(
        name="hmac_template",
        description="What is signed: {body} {timestamp} {nonce} {url} {path} {query} {method}. With a timestamp header "
        "the default is {timestamp}.{body}, else {body}.",
    ),
    Setting(
        name="hmac_timestamp_header", description="Header with the time of signing; old and future times are refused."
    ),
    Setting(name="hmac_nonce_header", description="Header with a nonce, if one is signed."),
    Setting(name="hmac_window", default="300", description="How many seconds the time of signing may be off."),
    Setting(
        name="fields", kind="mapping", description="Where an MO's fields are: id, sender, recipient, text, time, …"
    ),
    Setting(
        name="receipt_fields", kind="mapping", description="Where a receipt's fields are: id, reference, status, …"
    ),
    Setting(name="statuses", kind="mapping", description="The gateway's status words and the state each one means."),
    Setting(
        name="numbers",
        default="national",
        choices=("national", "international"),
        description="How digits without + read.",
    ),
    Setting(name="text_charset", default="utf-8", description="Charset of the text's bytes."),
    Setting(
        name="text_encoding", choices=("hex", "base64", "percent"), description="How the text's bytes are written."
    ),
    Setting(name="time_format", default="auto", description="iso, epoch, epoch_ms, auto or a strptime format."),
    Setting(name="zone", default="UTC", description="Time zone of times that name none."),
    Setting(name="ack_status", default="200", description="Status of the answer to a stored message."),
    Setting(name="ack_body", description="Body of the answer to a stored message."),
    Setting(name="ack_content_type", default="text/plain; charset=utf-8", description="Content type of that answer."),
    Setting(name="send_url", description="Where MTs are handed over; without it the connection only receives."),
    Setting(name="send_method", default="POST", choices=("POST", "GET", "PUT"), description="Method of that request."),
    Setting(name="send_format", default="json", choices=("json", "form", "query"), description="Form of that request."),
    Setting(
        name="send_fields", kind="mapping", description="Its fields, with {reference} {sender} {recipient} {text} …"
    ),
    Setting(name="send_headers", kind="mapping", description="Its headers; {send_token} stands for the secret."),
    Setting(
        name="send_token", is_secret=True, description="Secret for handing over, for use in headers, fields or URL."
    ),
    Setting(
        name="send_id", default="id", description="Where the answer names its message id; a dash when it names none."
    ),
    Setting(name="send_success", description="path=value that a successful answer must have."),
    Setting(name="send_error", default="code", description="Where a refusal names its error code."),
    Setting(
        name="send_errors",
        kind="mapping",
        description="Error codes or statuses and what they mean: " + ", ".join(get_args(Result)),
    ),
    Setting(
        name="look_up_url", description="Where an MT can be asked for, with {reference}; 404 means it never arrived."
    ),
    Setting(
        name="capability", default="blind", choices=tuple(Capability), description="What settles an unknown hand-over."
    ),
    ALLOW_UNSIGNED,
)

AUTH: Final = (
    Auth(verifier="query_key", options={"parameter": "{key_parameter}", "secret": "{key}"}),
    Auth(verifier="basic", options={"username": "{username}", "password": "{password}"}),
    Auth(verifier="hmac", options={"secret": "{hmac_secret}", "header": "{hmac_header}"}),
)

SPEC: Final = CarrierSpec(
    name="generic",
    title="Generic HTTP gateway",
    settings=SETTINGS,
    decode=("json", "form", "query", "multipart", "xml"),
    auth=AUTH,
    events=(),
    configure="generic",
    numbers="national",
)


def configured(spec: CarrierSpec, settings: Mapping[str, object]) -> CarrierSpec:
    """The spec that a connection's settings describe."""
    told = {setting.name: setting.default or "" for setting in spec.settings}
    told |= {name: str(value) for name, value in settings.items() if isinstance(value, str | int | float)}
    ack = Ack(status=_status(told["ack_status"]), body=told["ack_body"], content_type=told["ack_content_type"])
    return replace(
        spec,
        auth=(*spec.auth[:2], _hmac(told)),
        numbers="international" if told["numbers"] == "international" else "national",
        events=(_mo(told, _mapping(settings, "fields")), _dlr(told, _mapping(settings, "receipt_fields"))),
        statuses=_statuses(_mapping(settings, "statuses")),
        acks={AckOutcome.STORED: ack},
        send=_send(told, settings) if told["send_url"] else None,
        look_up=LookUp(url=told["look_up_url"], headers=_texts(settings, "send_headers"), id=_id(told))
        if told["look_up_url"]
        else None,
        capability=_capability(told["capability"]),
    )


def _mapping(settings: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = settings.get(name) or {}
    if not isinstance(value, Mapping):
        raise SpecError(f"settings.{name}", "must be an object")
    return value


def _texts(settings: Mapping[str, object], name: str) -> dict[str, str]:
    return {str(key): str(value) for key, value in _mapping(settings, name).items()}


def _paths(defaults: Mapping[str, str], changed: Mapping[str, object], name: str) -> dict[str, str]:
    if unknown := set(changed) - set(defaults):
        raise SpecError(f"settings.{name}.{min(unknown)}", f"unknown field; known are {', '.join(defaults)}")
    return {**defaults, **{key: str(value) for key, value in changed.items()}}


def _status(text: str) -> int:
    if not text.isdigit() or not 200 <= int(text) <= 599:
        raise SpecError("settings.ack_status", "must be an HTTP status")
    return int(text)


def _time(path: str, told: Mapping[str, str]) -> Time:
    return Time(path=path, formats=(told["time_format"],), zone=told["zone"])


def _mo(told: Mapping[str, str], fields: Mapping[str, object]) -> Event:
    paths = _paths(_MO_FIELDS, fields, "fields")
    text = _text(paths["text"], told)
    return Event(
        kind="mo",
        id=paths["id"],
        sender=paths["sender"],
        recipient=paths["recipient"],
        text=text,
        time=_time(paths["time"], told),
        operator=paths["operator"],
        reply_token=paths["reply_token"],
    )


def _text(path: str, told: Mapping[str, str]) -> Field:
    charset = told["text_charset"]
    match told["text_encoding"]:
        case "hex":
            return Field(path=path, charset=charset, encoding="hex")
        case "base64":
            return Field(path=path, charset=charset, encoding="base64")
        case "percent":
            return Field(path=path, charset=charset, encoding="percent")
        case _:
            return Field(path=path, charset=charset)


def _dlr(told: Mapping[str, str], fields: Mapping[str, object]) -> Event:
    paths = _paths(_RECEIPT_FIELDS, fields, "receipt_fields")
    return Event(
        kind="dlr",
        id=paths["id"],
        reference=paths["reference"],
        status=paths["status"],
        error=paths["error"],
        recipient=paths["recipient"],
        time=_time(paths["time"], told),
    )


def _statuses(changed: Mapping[str, object]) -> dict[str, DeliveryState]:
    known = {state.value: state for state in DeliveryState}
    for word, state in changed.items():
        if state not in known:
            raise SpecError(f"settings.statuses.{word}", f"must be one of {', '.join(known)}")
    return {**_STATUSES, **{word: known[str(state)] for word, state in changed.items()}}


def _hmac(told: Mapping[str, str]) -> Auth:
    default = "{timestamp}.{body}" if told["hmac_timestamp_header"] else "{body}"
    names = ("header", "algorithm", "encoding", "prefix", "timestamp_header", "nonce_header", "window")
    options = {name: told[f"hmac_{name}"] for name in names if told[f"hmac_{name}"]}
    return Auth(
        verifier="hmac", options={**options, "template": told["hmac_template"] or default, "secret": "{hmac_secret}"}
    )


def _id(told: Mapping[str, str]) -> str | None:
    return told["send_id"] if told["send_id"] not in ("", "-") else None


def _send(told: Mapping[str, str], settings: Mapping[str, object]) -> Send:
    formats: dict[str, Send] = {
        "json": Send(url=told["send_url"], body="json"),
        "form": Send(url=told["send_url"], body="form"),
        "query": Send(url=told["send_url"], body="query"),
    }
    send, identifier = formats.get(told["send_format"]), _id(told)
    if send is None:
        raise SpecError("settings.send_format", f"must be one of {', '.join(formats)}")
    path, equals, value = told["send_success"].partition("=")
    success = When(path=path.strip(), equals=value.strip()) if equals else None
    return replace(
        send,
        method=told["send_method"],
        fields=_mapping(settings, "send_fields") or _SEND_FIELDS,
        headers=_texts(settings, "send_headers"),
        success=success or (When(path=identifier, exists=True) if identifier else None),
        id=identifier,
        error=told["send_error"] or None,
        errors=_errors(_mapping(settings, "send_errors")),
    )


def _errors(told: Mapping[str, object]) -> dict[str, Result]:
    known: dict[object, Result] = {result: result for result in get_args(Result)}
    for code, result in told.items():
        if result not in known:
            raise SpecError(f"settings.send_errors.{code}", f"must be one of {', '.join(map(str, known))}")
    return {code: known[result] for code, result in told.items()}


def _capability(text: str) -> Capability:
    try:
        return Capability(text)
    except ValueError:
        raise SpecError("settings.capability", f"must be one of {', '.join(Capability)}") from None
