"""Writes the request that hands an MT over, from a spec's ``Send``. Compiled by ``engine`` once per connection."""

import re
from datetime import datetime
from typing import Final
from urllib.parse import quote, quote_plus, urlsplit

import orjson

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import HttpRequest
from twoway_router.carriers.placeholders import Values, fill
from twoway_router.carriers.proving.primitives import HEADER_NAME
from twoway_router.carriers.sending.signers import SIGNERS
from twoway_router.carriers.sending.templates import compile_headers, compile_text, compile_tree
from twoway_router.carriers.spec import Send
from twoway_router.domain.messages import OutboundMessage

MESSAGE_VALUES: Final = frozenset(
    (
        "reference",
        "reference_short",
        "sender",
        "sender_digits",
        "recipient",
        "recipient_digits",
        "recipient_00",
        "text",
        "text_hex",
        "reply_token",
        "reply_tag",
        "receipt_url",
        "encoding",
        "segments",
    )
)
_NOT_IN_TAGS: Final = re.compile(r"[^-a-zA-Z0-9]")


def values_of(message: OutboundMessage) -> dict[str, str]:
    """What a template may say about a message, but for ``receipt_url`` and ``text_hex``, which ``Sender`` adds."""
    digits = message.recipient.removeprefix("+")
    return {
        "reference": message.reference,
        "reference_short": message.reference.replace("-", ""),
        "sender": message.sender,
        "sender_digits": message.sender.removeprefix("+"),
        "recipient": message.recipient,
        "recipient_digits": digits,
        "recipient_00": "00" + digits if message.recipient.startswith("+") else digits,
        "text": message.text,
        "reply_token": message.reply_token or "",
        "reply_tag": _NOT_IN_TAGS.sub("-", message.reply_token or ""),
        "receipt_url": "",
        "encoding": message.encoding.value,
        "segments": str(message.segments),
    }


class Sender:
    """Builds the requests of one connection."""

    def __init__(self, send: Send, values: Values, receipt_url: str) -> None:
        _check_url(fill(send.url, values))
        for name, value in send.headers.items():
            if HEADER_NAME.fullmatch(name) is None or not fill(value, values).isprintable():
                raise SpecError("send.headers", f"{name!r} is no header that can be sent")
        words = (name for variables in send.per_encoding.values() for name in variables)
        known = MESSAGE_VALUES.union(words)
        self._send = send
        self._url = compile_text(send.url, values, known, lambda value: quote(value, safe=""))
        self._fields = compile_tree(send.fields, values, known)
        self._headers = compile_headers(send.headers, send.basic, values, known)
        self._receipt_url = receipt_url
        self._receipt_query = compile_text(send.receipt_query, values, known, lambda value: quote(value, safe=""))
        self._needs_hex = "{text_hex}" in f"{send.fields} {send.per_encoding} {send.url}"
        try:
            self._sign = SIGNERS[send.signer](values) if send.signer else None
        except KeyError as error:
            raise SpecError("send.signer", f"{send.signer} needs the setting {error}") from None

    def build(self, message: OutboundMessage, now: datetime | None) -> HttpRequest:
        request = self._unsigned(message)
        if self._sign is None:
            return request
        if now is None:
            raise SpecError("send.signer", "this carrier's requests are signed with the time of sending")
        return self._sign(request, now)

    def _unsigned(self, message: OutboundMessage) -> HttpRequest:
        values = values_of(message)
        if self._needs_hex:
            values["text_hex"] = message.text.encode("utf-16-be", "replace").hex()
        words = self._send.per_encoding.get(message.encoding.value, {})
        values |= {name: fill(template, values) for name, template in words.items()}
        # Where a carrier's receipts name no MT, our reference goes into the URL that they are sent to.
        receipt_url, receipt_query = message.receipt_url or self._receipt_url, self._receipt_query(values)
        values["receipt_url"] = _with_query(receipt_url, receipt_query or "") if receipt_url else ""

        method, url, headers, fields = (
            self._send.method,
            self._url(values) or "",
            self._headers(values),
            self._fields(values),
        )
        match self._send.body:
            case "json":
                headers.setdefault("content-type", "application/json")
                return HttpRequest(method=method, url=url, headers=headers, body=orjson.dumps(fields))
            case "query":
                return HttpRequest(method=method, url=_with_query(url, _form(fields)), headers=headers)
            case "form":
                headers.setdefault("content-type", "application/x-www-form-urlencoded")
                return HttpRequest(method=method, url=url, headers=headers, body=_form(fields).encode())


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise SpecError("send.url", "must be like https://host/path or http://host/path")


def _with_query(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _form(fields: object) -> str:
    """Names and values in the spec's order; a list repeats its name."""
    entries = fields.items() if isinstance(fields, dict) else ()
    pairs = [(name, one) for name, value in entries for one in (value if isinstance(value, list) else [value])]
    return "&".join(f"{quote_plus(name)}={quote_plus(str(value))}" for name, value in pairs)
