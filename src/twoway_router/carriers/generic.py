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
    options = {setting.name: setting.default or "" for setting in spec.settings}
    options |= {
        name: str(value) for name, value in settings.items() if isinstance(value, str | int | float) and value != ""
    }
    ack_status = options["ack_status"]
    if not (ack_status.isascii() and ack_status.isdigit()) or not 200 <= int(ack_status) <= 599:
        raise SpecError("settings.ack_status", "must be an HTTP status")

    mo, receipt = _paths(settings, "fields", _MO_FIELDS), _paths(settings, "receipt_fields", _RECEIPT_FIELDS)
    statuses = _mapping(settings, "statuses", values=tuple(DeliveryState))
    text = {"path": mo["text"], "charset": options["text_charset"], "encoding": options["text_encoding"] or None}
    times = {"formats": (options["time_format"],), "zone": options["zone"]}

    template = options["hmac_template"] or ("{timestamp}.{body}" if options["hmac_timestamp_header"] else "{body}")
    names = ("header", "algorithm", "encoding", "prefix", "timestamp_header", "nonce_header", "window")
    signed = {name: option for name in names if (option := options[f"hmac_{name}"])}
    hmac = {"verifier": "hmac", "options": {**signed, "template": template, "secret": "{hmac_secret}"}}

    look_up_url, send_url = _url(options, "look_up_url"), _url(options, "send_url")
    if options["capability"] == Capability.LOOK_UP and not look_up_url:
        raise SpecError("settings.capability", "look_up needs look_up_url, which says where to ask")
    identifier = options["send_id"] if options["send_id"] not in ("", "-") else None
    headers = _texts(_mapping(settings, "send_headers"))
    return spec_of(
        {
            "name": spec.name,
            "title": spec.title,
            "settings": spec.settings,
            "decode": spec.decode,
            "auth": (*(auth for auth in spec.auth if auth.verifier != "hmac"), hmac),
            "numbers": options["numbers"],
            "events": (
                {"kind": "mo", **mo, "text": text, "time": {"path": mo["time"], **times}},
                {"kind": "dlr", **receipt, "time": {"path": receipt["time"], **times}},
            ),
            "statuses": {**spec.statuses, **statuses},
            "acks": {
                "stored": {
                    "status": int(ack_status),
                    "body": options["ack_body"],
                    "content_type": options["ack_content_type"],
                }
            },
            "send": _send(options, settings, headers, identifier) if send_url else None,
            "look_up": {"url": look_up_url, "headers": headers, "id": identifier} if look_up_url else None,
            "capability": options["capability"],
        }
    )


def _send(
    options: Mapping[str, str], settings: Mapping[str, object], headers: Mapping[str, str], identifier: str | None
) -> dict[str, object]:
    path, equals, value = (part.strip() for part in options["send_success"].partition("="))
    if options["send_success"] and not (path and equals):
        raise SpecError("settings.send_success", "must be like path=value")
    success: dict[str, object] | None = {"path": path, "equals": value} if path else None
    if success is None and identifier:
        success = {"path": identifier, "exists": True}
    return {
        "url": options["send_url"],
        "method": options["send_method"],
        "body": options["send_format"],
        "fields": _mapping(settings, "send_fields") or _SEND_FIELDS,
        "headers": headers,
        "success": success,
        "id": identifier,
        "error": options["send_error"] or None,
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


def _url(options: Mapping[str, str], name: str) -> str:
    if options[name] and not options[name].startswith(("https://", "http://")):
        raise SpecError(f"settings.{name}", "must begin with https:// or http://")
    return options[name]
