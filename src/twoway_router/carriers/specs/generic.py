"""Any gateway that speaks HTTP: everything is declared in the connection's settings, and the defaults already work.

``configured`` turns the settings into an ordinary spec; ``carriers.hooks`` names it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, get_args

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.generic_settings import OWN_SETTINGS
from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.spec import Ack, Auth, CarrierSpec, Event, Field, LookUp, Result, Send, Time, When
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

AUTH: Final = (
    Auth(verifier="query_key", options={"parameter": "{key_parameter}", "secret": "{key}"}),
    Auth(verifier="basic", options={"username": "{username}", "password": "{password}"}),
    Auth(verifier="hmac", options={"secret": "{hmac_secret}", "header": "{hmac_header}"}),
)

SPEC: Final = CarrierSpec(
    name="generic",
    title="Generic HTTP gateway",
    settings=(KEY, *OWN_SETTINGS, ALLOW_UNSIGNED),
    decode=("json", "form", "query", "multipart", "xml"),
    auth=AUTH,
    events=(),
    configure="generic",
    numbers="national",
)


def configured(spec: CarrierSpec, settings: Mapping[str, object]) -> CarrierSpec:
    """The spec that a connection's settings describe."""
    told = {setting.name: setting.default or "" for setting in spec.settings}
    told |= {
        name: str(value) for name, value in settings.items() if isinstance(value, str | int | float) and value != ""
    }
    ack = Ack(status=_status(told["ack_status"]), body=told["ack_body"], content_type=told["ack_content_type"])
    return replace(
        spec,
        auth=(*spec.auth[:2], _hmac(told)),
        numbers="international" if told["numbers"] == "international" else "national",
        events=(_mo(told, _mapping(settings, "fields")), _dlr(told, _mapping(settings, "receipt_fields"))),
        statuses=_statuses(_mapping(settings, "statuses")),
        acks={AckOutcome.STORED: ack},
        send=_send(told, settings) if _url(told, "send_url") else None,
        look_up=LookUp(url=told["look_up_url"], headers=_texts(settings, "send_headers"), id=_id(told))
        if _url(told, "look_up_url")
        else None,
        capability=_capability(told),
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
    if not (text.isascii() and text.isdigit()) or not 200 <= int(text) <= 599:
        raise SpecError("settings.ack_status", "must be an HTTP status")
    return int(text)


def _url(told: Mapping[str, str], name: str) -> str:
    if told[name] and not told[name].startswith(("https://", "http://")):
        raise SpecError(f"settings.{name}", "must begin with https:// or http://")
    return told[name]


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
    return replace(
        send,
        method=told["send_method"],
        fields=_mapping(settings, "send_fields") or _SEND_FIELDS,
        headers=_texts(settings, "send_headers"),
        success=_success(told["send_success"]) or (When(path=identifier, exists=True) if identifier else None),
        id=identifier,
        error=told["send_error"] or None,
        errors=_errors(_mapping(settings, "send_errors")),
    )


def _success(told: str) -> When | None:
    path, equals, value = (part.strip() for part in told.partition("="))
    if told and not (path and equals):
        raise SpecError("settings.send_success", "must be like path=value")
    return When(path=path, equals=value) if told else None


def _errors(told: Mapping[str, object]) -> dict[str, Result]:
    known: dict[object, Result] = {result: result for result in get_args(Result)}
    for code, result in told.items():
        if result not in known:
            raise SpecError(f"settings.send_errors.{code}", f"must be one of {', '.join(map(str, known))}")
    return {code: known[result] for code, result in told.items()}


def _capability(told: Mapping[str, str]) -> Capability:
    try:
        capability = Capability(told["capability"])
    except ValueError:
        raise SpecError("settings.capability", f"must be one of {', '.join(Capability)}") from None
    if capability is Capability.LOOK_UP and not told["look_up_url"]:
        raise SpecError("settings.capability", "look_up needs look_up_url, which says where to ask")
    return capability
