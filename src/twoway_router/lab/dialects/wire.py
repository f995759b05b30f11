"""Requests as a simulated carrier makes them, and what all dialects need to write, sign and read them."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from twoway_router.lab.web import LabReply, LabRequest

Pairs = Sequence[tuple[str, str]]
Form = Mapping[str, str | bytes] | Pairs

GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà^{}\\[~]|€"
)
"""The letters of GSM 03.38 and its extension."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """One request to the ingress."""

    method: str = "POST"
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_headers(self, headers: Mapping[str, str]) -> "Wire":
        return replace(self, headers={**self.headers, **headers})


def with_query(url: str, fields: Form) -> str:
    """The URL with more parameters."""
    added = urlencode(fields)
    return f"{url}{'&' if '?' in url else '?'}{added}" if added else url


def keyed(url: str, key: str) -> str:
    """The URL with the connection's key, unless it carries one already."""
    named = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return url if "key" in named else with_query(url, {"key": key})


def get(url: str, fields: Form) -> Wire:
    return Wire(method="GET", url=with_query(url, fields))


def post_form(url: str, fields: Form) -> Wire:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Wire(url=url, headers=headers, body=urlencode(fields).encode())


def post_json(url: str, value: object) -> Wire:
    return Wire(url=url, headers={"Content-Type": "application/json"}, body=orjson.dumps(value))


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def mac(secret: str, message: bytes, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), message, algorithm).digest()


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def jwt(claims: Mapping[str, object], secret: str) -> str:
    """A token signed with HS256."""
    parts = [orjson.dumps(part) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return (signed + b"." + base64.urlsafe_b64encode(mac(secret, signed)).rstrip(b"=")).decode()


def form_of(request: LabRequest) -> dict[str, str]:
    """The form, or with a GET the query, as an ordinary web framework reads it: the last of equal names."""
    source = request.query if request.method == "GET" else request.body
    return dict(parse_qsl(source.decode("latin-1"), keep_blank_values=True))


def json_of(request: LabRequest) -> dict[str, object]:
    """The JSON object in the body; empty when there is none."""
    try:
        value = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def within(value: object, *path: str | int) -> str:
    """What stands at this path of a JSON value, as text; empty when nothing does."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return ""
    return "" if value is None else str(value)


def refusal(value: object, status: int, *, retry_after: int | None = None) -> LabReply:
    """An error as most carriers write it: JSON, and perhaps when to come back."""
    headers = [] if retry_after is None else [(b"retry-after", b"%d" % retry_after)]
    return LabReply(status=status, body=orjson.dumps(value), headers=headers)


def plain(text: str, status: int) -> LabReply:
    return LabReply(status=status, body=text.encode(), content_type=b"text/plain")


def as_gsm(text: str) -> str:
    """What a handset shows of a text that was declared as GSM: what is not in that alphabet is lost."""
    return "".join(letter if letter in GSM else "?" for letter in text)
