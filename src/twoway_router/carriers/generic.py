"""The spec of a ``generic`` connection: made of its settings, in the language of the YAML files. Named in ``hooks``.

Made anew when a connection is saved (what is wrong is named by its setting) and when it is compiled.
"""

from collections.abc import Collection, Mapping
from typing import Final, get_args

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.spec import CarrierSpec, Result, spec_of
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


def inline_spec(spec: CarrierSpec, settings: Mapping[str, object]) -> CarrierSpec:
    """``spec`` with the parts that the settings describe. Raises SpecError."""
    told = {setting.name: setting.default or "" for setting in spec.settings}
    told |= {
        name: str(value) for name, value in settings.items() if isinstance(value, str | int | float) and value != ""
    }
    ack_status = told["ack_status"]
    if not (ack_status.isascii() and ack_status.isdigit()) or not 200 <= int(ack_status) <= 599:
        raise SpecError("settings.ack_status", "must be an HTTP status")

    mo, receipt = _paths(settings, "fields", _MO_FIELDS), _paths(settings, "receipt_fields", _RECEIPT_FIELDS)
    statuses = _mapping(settings, "statuses", values=tuple(DeliveryState))
    text = {"path": mo["text"], "charset": told["text_charset"], "encoding": told["text_encoding"] or None}
    times = {"formats": (told["time_format"],), "zone": told["zone"]}

    template = told["hmac_template"] or ("{timestamp}.{body}" if told["hmac_timestamp_header"] else "{body}")
    names = ("header", "algorithm", "encoding", "prefix", "timestamp_header", "nonce_header", "window")
    signed = {name: option for name in names if (option := told[f"hmac_{name}"])}
    hmac = {"verifier": "hmac", "options": {**signed, "template": template, "secret": "{hmac_secret}"}}

    look_up_url, send_url = _url(told, "look_up_url"), _url(told, "send_url")
    if told["capability"] == Capability.LOOK_UP and not look_up_url:
        raise SpecError("settings.capability", "look_up needs look_up_url, which says where to ask")
    identifier = told["send_id"] if told["send_id"] not in ("", "-") else None
    headers = _texts(_mapping(settings, "send_headers"))
    return spec_of(
        {
            "name": spec.name,
            "title": spec.title,
            "settings": spec.settings,
            "decode": spec.decode,
            "auth": (*(auth for auth in spec.auth if auth.verifier != "hmac"), hmac),
            "numbers": told["numbers"],
            "events": (
                {"kind": "mo", **mo, "text": text, "time": {"path": mo["time"], **times}},
                {"kind": "dlr", **receipt, "time": {"path": receipt["time"], **times}},
            ),
            "statuses": {**spec.statuses, **statuses},
            "acks": {
                "stored": {
                    "status": int(ack_status),
                    "body": told["ack_body"],
                    "content_type": told["ack_content_type"],
                }
            },
            "send": _send(told, settings, headers, identifier) if send_url else None,
            "look_up": {"url": look_up_url, "headers": headers, "id": identifier} if look_up_url else None,
            "capability": told["capability"],
        }
    )


def _send(
    told: Mapping[str, str], settings: Mapping[str, object], headers: Mapping[str, str], identifier: str | None
) -> dict[str, object]:
    path, equals, value = (part.strip() for part in told["send_success"].partition("="))
    if told["send_success"] and not (path and equals):
        raise SpecError("settings.send_success", "must be like path=value")
    success: dict[str, object] | None = {"path": path, "equals": value} if path else None
    if success is None and identifier:
        success = {"path": identifier, "exists": True}
    return {
        "url": told["send_url"],
        "method": told["send_method"],
        "body": told["send_format"],
        "fields": _mapping(settings, "send_fields") or _SEND_FIELDS,
        "headers": headers,
        "success": success,
        "id": identifier,
        "error": told["send_error"] or None,
        "errors": _mapping(settings, "send_errors", values=get_args(Result)),
    }


def _mapping(settings: Mapping[str, object], name: str, *, values: Collection[str] = ()) -> Mapping[str, object]:
    """A setting that is an object; ``values``, where given, are the only ones it may hold."""
    found = settings.get(name) or {}
    if not isinstance(found, Mapping):
        raise SpecError(f"settings.{name}", "must be an object")
    for key, value in found.items():
        if values and value not in values:
            raise SpecError(f"settings.{name}.{key}", f"must be one of {', '.join(values)}")
    return found


def _texts(found: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in found.items()}


def _paths(settings: Mapping[str, object], name: str, defaults: Mapping[str, str]) -> dict[str, str]:
    changed = _texts(_mapping(settings, name))
    if unknown := set(changed) - set(defaults):
        raise SpecError(f"settings.{name}.{min(unknown)}", f"unknown field; known are {', '.join(defaults)}")
    return {**defaults, **changed}


def _url(told: Mapping[str, str], name: str) -> str:
    if told[name] and not told[name].startswith(("https://", "http://")):
        raise SpecError(f"settings.{name}", "must begin with https:// or http://")
    return told[name]
