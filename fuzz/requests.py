"""Targets of ``carriers``: requests, receipts and answers of every built-in carrier, and each decoder by itself."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from tests.carriers.cases import HERE, HOST, NOW, Case, connection, requests

from fuzz.target import Target, demand
from twoway_router.carriers import recorded, sns_hosts
from twoway_router.carriers.checking.spec_files import SpecFileError, read_spec
from twoway_router.carriers.errors import BadSignature, CertificateMissing, SpecError
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.reading.charsets import clean, decode_bytes
from twoway_router.carriers.reading.decoders import DECODERS, Undecodable, load_json, load_xml
from twoway_router.carriers.reading.events import MAX_ID, MAX_WORD
from twoway_router.carriers.reading.parts import MAX_PARTS, join_parts, read_header, split_body
from twoway_router.carriers.reading.selection import MAX_EVENTS, Kind, Parsed
from twoway_router.carriers.registry import CARRIERS
from twoway_router.carriers.spec import Decoder
from twoway_router.domain.messages import DeliveryReceipt, InboundMessage, MessagePart
from twoway_router.domain.outcomes import Done, Failed, Retry, Unknown

DOCS = HERE.parents[1] / "docs"
KINDS: tuple[Kind, ...] = get_args(Kind)


def carrier_targets() -> dict[str, Target]:
    """One per carrier: its requests are verified and parsed, at both of its addresses."""
    return {f"carrier-{name}": Target(run=_read_by(name), seeds=_requests_of(name)) for name in CARRIERS}


def _read_by(carrier: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        request = _request(data)
        if request is None:
            return
        try:
            connection(carrier).verify(request, NOW)
        except CertificateMissing as missing:
            demand(sns_hosts.is_allowed(missing.url), "a certificate from elsewhere")
        except BadSignature:
            pass
        for kind in KINDS:
            _check_parsed(connection(carrier).parse(kind, request, NOW))

    return run


def _check_parsed(parsed: Parsed) -> None:
    demand(len(parsed.messages) + len(parsed.receipts) + len(parsed.rejects) <= MAX_EVENTS, "too many events")
    demand(parsed.confirm_url is None or sns_hosts.is_allowed(parsed.confirm_url), "a confirmation elsewhere")
    for message in parsed.messages:
        _check_message(message)
    for receipt in parsed.receipts:
        _check_receipt(receipt)


def _check_message(message: InboundMessage) -> None:
    _demand_storable((message.text,), longest=None)
    _demand_storable((message.carrier_message_id, message.sender, message.recipient), longest=MAX_ID)
    words = (message.operator, message.reply_token, *message.extra.values())
    _demand_storable((word for word in words if word is not None), longest=MAX_WORD)
    demand(bool(message.carrier_message_id), "a message without an id")
    demand(message.part is None or 1 <= message.part.index <= message.part.total <= MAX_PARTS, "an odd part")


def _check_receipt(receipt: DeliveryReceipt) -> None:
    ids = (receipt.carrier_message_id, receipt.reference, receipt.recipient, receipt.error, receipt.raw_state)
    _demand_storable((word for word in ids if word is not None), longest=MAX_WORD)
    demand(bool(receipt.carrier_message_id) != bool(receipt.reference), "a receipt of nothing, or of two")


def _demand_storable(texts: Iterable[str], *, longest: int | None) -> None:
    """Without NUL and lone surrogates, which no database takes, and short enough."""
    for text in texts:
        demand(text == clean(text), f"cannot be stored: {text[:60]!r}")
        demand(longest is None or len(text) <= longest, f"too long: {len(text)}")


def _request(data: bytes) -> RawRequest | None:
    try:
        return recorded.read_request(data, HOST)
    except SpecError:
        return None


def _written(request: RawRequest) -> bytes:
    """A request as a recorded one, so that its signature is in the seed."""
    target = request.url.removeprefix(HOST)
    headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"{request.method} {target} HTTP/1.1\r\n{headers}\r\n".encode() + request.body


def _requests_of(carrier: str) -> Callable[[], Sequence[bytes]]:
    return lambda: [_written(case.request()) for case in _cases(carrier)]


def _cases(carrier: str | None = None) -> list[Case]:
    return [case for case in requests() if carrier in (None, case.carrier)]


def _files(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(HERE.glob(pattern))]


def read_replies(data: bytes) -> None:
    """An answer to a send, as every carrier would read it."""
    try:
        reply = recorded.read_reply(data)
    except SpecError:
        return
    for name in CARRIERS:
        outcome = connection(name).read_reply(reply)
        demand(isinstance(outcome, Done | Retry | Failed | Unknown), "an answer without an outcome")


def decode_everything(data: bytes) -> None:
    """A request in every decoder, whatever it says of itself."""
    request = _request(data)
    names: tuple[Decoder, ...] = get_args(Decoder)
    for name in names if request else ():
        assert request is not None
        try:
            document: object = DECODERS[name](request)
        except Undecodable:
            continue
        demand(isinstance(document, dict | list), "no document")


def decode_json(data: bytes) -> None:
    _decode(load_json, data)


def decode_xml(data: bytes) -> None:
    _decode(load_xml, data)


def _decode(load: Callable[[bytes], object], data: bytes) -> None:
    try:
        demand(isinstance(load(data), dict | list), "no document")
    except Undecodable:
        return


def decode_charsets(data: bytes) -> None:
    """The name of a charset, a line feed, bytes."""
    charset, _, raw = data.partition(b"\n")
    text = clean(decode_bytes(raw, charset.decode("latin-1")))
    _demand_storable((text,), longest=None)
    demand(len(text) <= len(raw) + 1, "more characters than bytes")


def join_some_parts(data: bytes) -> None:
    """Bodies with their headers, parted by line feeds: each by itself, and all as parts of one message."""
    parts = []
    for piece in data.split(b"\n")[: MAX_PARTS + 1]:
        header = read_header(piece)
        demand(header is None or 1 <= header.index <= header.total <= MAX_PARTS, "an odd header")
        number, body = split_body(piece)
        demand(piece.endswith(body), "a changed body")
        if number is not None:
            charset = ("utf-16-be", "gsm", "utf-8")[piece[-1] % 3]
            parts.append(MessagePart(reference="1", index=number.index, total=number.total, body=body, charset=charset))
    joined = join_parts(parts)
    _demand_storable((joined.text,), longest=None)
    demand(len(joined.missing) <= MAX_PARTS, "too much is missing")


def trust_sns(data: bytes) -> None:
    """An SNS envelope, and the same bytes as a URL that somebody wants fetched."""
    request = RawRequest(method="POST", path="/", query="", headers={}, body=data, url=f"{HOST}/")
    try:
        connection("aws").verify(request, NOW)
    except CertificateMissing as missing:
        _demand_amazon(missing.url)
    except BadSignature:
        pass
    url = data.decode("utf-8", "surrogateescape")
    if sns_hosts.is_allowed(url):
        _demand_amazon(url)


def _demand_amazon(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_theirs = host.startswith("sns.") and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    demand(parts.scheme == "https" and is_theirs and "@" not in parts.netloc, f"may not be fetched: {url[:80]!r}")


def read_specs(data: bytes) -> None:
    """A carrier of an operator's own."""
    try:
        read_spec(data.decode("utf-8", "surrogateescape"))
    except SpecFileError:
        return


def yaml_blocks(*pages: Path) -> list[bytes]:
    """What the pages of the documentation show as YAML."""
    texts = (page.read_text("utf-8") for page in pages)
    return [block.partition("```")[0].encode() for text in texts for block in text.split("```yaml\n")[1:]]


DECODING: Mapping[str, Target] = {
    "replies": Target(run=read_replies, seeds=lambda: _files("*/reply_*.http")),
    "decoders": Target(run=decode_everything, seeds=lambda: _files("*/mo_plain.http")),
    "decoder-json": Target(
        run=decode_json, seeds=lambda: [case.request().body for case in _cases() if case.request().body[:1] in b"[{"]
    ),
    "decoder-xml": Target(
        run=decode_xml, seeds=lambda: [case.request().body for case in _cases() if case.request().body[:1] == b"<"]
    ),
    "charsets": Target(
        run=decode_charsets,
        seeds=lambda: [
            b"gsm\nperch\x05 \x1be",
            b"UTF-16BE\n\x04\x3f\xd8\x3c\xdf\x55",
            b"utf-8\n\xc3\xa8\xff",
            b"zip\nx",
        ],
    ),
    "parts": Target(
        run=join_some_parts,
        seeds=lambda: [
            b"\x05\x00\x03\x07\x02\x02zza\n\x05\x00\x03\x07\x02\x01PI",
            b"\x06\x08\x04\x01\x02\x03\x01\xd8\x3c",
        ],
    ),
    "sns": Target(
        run=trust_sns,
        seeds=lambda: [
            b"https://sns.eu-west-1.amazonaws.com/a.pem",
            *(case.request().body for case in _cases("aws")),
        ],
    ),
    "specs": Target(run=read_specs, seeds=lambda: yaml_blocks(DOCS / "ADDING_A_CARRIER.md")),
}
