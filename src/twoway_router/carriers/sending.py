"""Writes the request that hands an MT over and reads the carrier's answer. Compiled by ``engine`` from a spec's ``Send``.

Four carriers hide failures in a 2xx, so success may be a predicate on the body; what cannot be read after a 2xx, or was
a gateway's own 5xx, is Unknown: the ledger decides, never a blind repeat.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, quote_plus, urlsplit

import orjson

from twoway_router.carriers.charsets import clean
from twoway_router.carriers.decoders import Document, Undecodable, first_of, load_json, read_pairs
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.fields import Predicate, Scene, compile_text, compile_when
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.carriers.placeholders import MESSAGE_VALUES, Values, compile_tree, fill
from twoway_router.carriers.placeholders import compile_text as compile_template
from twoway_router.carriers.proofs import HEADER_NAME
from twoway_router.carriers.signers import SIGNERS, Sign
from twoway_router.carriers.spec import LookUp, Result, Send
from twoway_router.domain.messages import OutboundMessage
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown

MAX_DETAIL: Final = 80
_NOT_IN_TAGS: Final = re.compile(r"[^-a-zA-Z0-9]")
_MAX_WAIT: Final = timedelta(days=1)
_UNDECIDED: Final[Mapping[str, Result]] = {"429": "throttled", "503": "retry", "408": "unknown", "5xx": "unknown"}


def _utf16_hex(text: str) -> str:
    return text.encode("utf-16-be", "replace").hex()


def values_of(message: OutboundMessage, receipt_url: str) -> dict[str, str]:
    """What a template may say about a message."""
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
        "receipt_url": receipt_url,
        "encoding": message.encoding.value,
        "segments": str(message.segments),
    }


def basic_header(basic: tuple[str, str], values: Values) -> str:
    user, password = (values.get(name, "") for name in basic)
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise SpecError("send.url", "must be like https://host/path or http://host/path")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if HEADER_NAME.fullmatch(name) is None or not value.isprintable():
            raise SpecError("send.headers", f"{name!r} is no header that can be sent")


def _signer(name: str, values: Values) -> Sign:
    try:
        return SIGNERS[name](values)
    except KeyError as error:
        raise SpecError("send.signer", f"{name} needs the setting {error}") from None


class Sender:
    """Builds requests for one connection."""

    def __init__(self, send: Send, values: Values, receipt_url: str) -> None:
        _check_url(fill(send.url, values))
        _check_headers({name: fill(value, values) for name, value in send.headers.items()})
        words = [name for variables in send.per_encoding.values() for name in variables]
        known = MESSAGE_VALUES | frozenset(words)
        self._send = send
        self._url = compile_template(send.url, values, known, lambda value: quote(value, safe=""))
        self._fields = compile_tree(send.fields, values, known)
        headers = {name.lower(): value for name, value in send.headers.items()}
        self._headers = compile_tree(headers, values, known)
        self._fixed = {"authorization": basic_header(send.basic, values)} if send.basic else {}
        self._receipt_url = receipt_url
        query = send.receipt_query
        self._receipt_query = compile_template(query, values, known, lambda value: quote(value, safe=""))
        self._sign = _signer(send.signer, values) if send.signer else None
        self._needs_hex = "{text_hex}" in f"{send.fields} {send.per_encoding} {send.url}"

    def build(self, message: OutboundMessage, now: datetime | None) -> HttpRequest:
        request = self._unsigned(message)
        if self._sign is None:
            return request
        if now is None:
            raise SpecError("send.signer", "this carrier's requests are signed with the time of sending")
        return self._sign(request, now)

    def _unsigned(self, message: OutboundMessage) -> HttpRequest:
        values = values_of(message, "")
        if self._needs_hex:
            values["text_hex"] = _utf16_hex(message.text)
        words = self._send.per_encoding.get(message.encoding.value, {})
        values |= {name: fill(template, values) for name, template in words.items()}
        values["receipt_url"] = self._receipt(message, values)
        headers = {**self._fixed, **_texts(self._headers(values))}
        url, fields = self._url(values) or "", self._fields(values)
        return self._request(url, headers, fields)

    def _receipt(self, message: OutboundMessage, values: Values) -> str:
        """The URL for receipts, with our reference in it where the carrier's receipts name none."""
        url, query = message.receipt_url or self._receipt_url, self._receipt_query(values)
        return f"{url}{'&' if '?' in url else '?'}{query}" if url and query else url

    def _request(self, url: str, headers: dict[str, str], fields: object) -> HttpRequest:
        method = self._send.method
        if self._send.body == "json":
            headers.setdefault("content-type", "application/json")
            return HttpRequest(method=method, url=url, headers=headers, body=orjson.dumps(fields))
        encoded = _form(fields)
        if self._send.body == "query":
            joined = f"{url}{'&' if '?' in url else '?'}{encoded}" if encoded else url
            return HttpRequest(method=method, url=joined, headers=headers)
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
        return HttpRequest(method=method, url=url, headers=headers, body=encoded.encode())


def _texts(tree: object) -> dict[str, str]:
    return {name: str(value) for name, value in tree.items()} if isinstance(tree, dict) else {}


def _form(fields: object) -> str:
    """Names and values in the spec's order; a list repeats its name."""
    entries = fields.items() if isinstance(fields, dict) else ()
    pairs = [(name, one) for name, value in entries for one in (value if isinstance(value, list) else [value])]
    return "&".join(f"{quote_plus(name)}={quote_plus(str(value))}" for name, value in pairs)


class ReplyReader:
    """Reads a carrier's answers to ``Sender``'s requests."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._success: Predicate = compile_when(send.success)
        self._id = compile_text(send.id)
        self._error = compile_text(send.error)
        self._retry_after = compile_text(send.retry_after)
        self._errors = {name.lower(): result for name, result in send.errors.items()}

    def read(self, reply: HttpReply) -> SendReply:
        document = decode_reply(reply, self._send.reply)
        is_accepted = reply.status // 100 == 2
        if document is None:
            is_asked = self._send.success is not None
            if is_accepted:
                return Unknown(reason="unreadable_reply") if is_asked else Done()
            return self._refused(reply, Scene({}, {}, reply.headers))
        scene = Scene(document, document, reply.headers, body=reply.body)
        if is_accepted and self._success(scene):
            return Done(reference=self._id(scene) or None)
        return self._refused(reply, scene)

    def _refused(self, reply: HttpReply, scene: Scene) -> SendReply:
        code, status = (self._error(scene) or "").lower(), str(reply.status)
        for word in (code, _without_namespace(code), status, f"{status[:1]}xx"):
            if word and (result := self._errors.get(word)):
                return self._result(result, reply, scene, code or status)
        for word in (status, f"{status[:1]}xx"):
            if result := _UNDECIDED.get(word):
                return self._result(result, reply, scene, code or status)
        if not code and reply.status // 100 == 2:
            return Unknown(reason="unreadable_reply")
        return Failed(reason="carrier_refused", detail=_detail(code, status))

    def _result(self, result: Result, reply: HttpReply, scene: Scene, code: str) -> SendReply:
        detail = _detail(code, str(reply.status))
        if result in ("retry", "throttled"):
            after = read_wait(self._retry_after(scene)) or _wait_of(reply)
            return Retry(reason=f"carrier_{result}: {detail}", after=after, throttled=result == "throttled")
        if result == "unknown":
            return Unknown(reason=f"carrier_error: {detail}")
        reason = "opted_out" if result == "opted_out" else "carrier_refused"
        return Failed(reason=reason, detail=detail, opted_out=result == "opted_out")


def _without_namespace(code: str) -> str:
    """The name of an AWS error, which may be written ``namespace#name:address``."""
    return code.partition(":")[0].rpartition("#")[2]


def _detail(code: str, status: str) -> str:
    """The carrier's code only: its sentences may repeat the recipient or the text."""
    printable = "".join(letter for letter in code[:MAX_DETAIL] if letter.isprintable())
    return f"code {printable}" if printable and printable != status else f"status {status}"


def decode_reply(reply: HttpReply, kind: str) -> Document | None:
    """The answer's document, None when it cannot be read: a proxy's page is no line of text."""
    if kind == "text":
        text = clean(reply.body.decode("utf-8", "replace")).strip()
        return None if text.startswith("<") else _read_line(text)
    if kind == "form":
        return first_of(read_pairs(reply.body.strip()))
    try:
        return load_json(reply.body)
    except Undecodable:
        return None


def _read_line(text: str) -> Document:
    """An answer in one line: all of it, what is quoted in it (``Success "…"``), what follows a colon (``ID: …``)."""
    return {
        "body": text,
        "quoted": text.split('"')[1] if text.count('"') > 1 else "",
        "value": text.partition(":")[2].strip(),
    }


def _wait_of(reply: HttpReply) -> timedelta | None:
    """``Retry-After`` in seconds, or as a date measured against the answer's own ``Date``."""
    told = reply.headers.get("retry-after", "")
    if (wait := read_wait(told)) is not None or not told:
        return wait
    try:
        wait = parsedate_to_datetime(told) - parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta()), _MAX_WAIT)


def read_wait(text: str | None) -> timedelta | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return timedelta(seconds=min(seconds, _MAX_WAIT.total_seconds())) if seconds >= 0 else None


class LookUpClient:
    """Asks a carrier by our reference whether it has an MT."""

    def __init__(self, look_up: LookUp, values: Values) -> None:
        known = frozenset(("reference",))
        self._url = compile_template(look_up.url, values, known, lambda value: quote(value, safe=""))
        headers = {name.lower(): value for name, value in look_up.headers.items()}
        self._headers: Callable[[Values], object] = compile_tree(headers, values, known)
        self._fixed = {"authorization": basic_header(look_up.basic, values)} if look_up.basic else {}
        self._found = compile_when(look_up.found)
        self._id = compile_text(look_up.id)

    def build(self, reference: str) -> HttpRequest:
        values = {"reference": reference}
        headers = {**self._fixed, **_texts(self._headers(values))}
        return HttpRequest(method="GET", url=self._url(values) or "", headers=headers)

    def read(self, reply: HttpReply) -> SendReply:
        """Done: the carrier has it. Retry: it never arrived and may be sent again. Unknown: the carrier cannot say now."""
        if reply.status == 404:
            return Retry(reason="not_found")
        document = decode_reply(reply, "json")
        if reply.status // 100 != 2 or document is None:
            return Unknown(reason=f"look_up_failed: status {reply.status}")
        scene = Scene(document, document, reply.headers)
        return Done(reference=self._id(scene) or None) if self._found(scene) else Retry(reason="not_found")
