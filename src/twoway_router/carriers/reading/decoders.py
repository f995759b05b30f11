"""Bytes to a document of dictionaries, lists and strings: one decoder per body a carrier may send. Called by ``engine``.

Form values keep bytes that are no UTF-8 as lone surrogates (``surrogateescape``), so that a field's charset can still
read them.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

import orjson

from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.spec import Decoder

Document = dict[str, object] | list[object]

MAX_FIELDS: Final = 1_000
MAX_DEPTH: Final = 100

_HINTS: Final[Mapping[Decoder, tuple[str, ...]]] = {
    "json": ("json",),
    "form": ("x-www-form-urlencoded",),
    "xml": ("xml",),
    "multipart": ("multipart/form-data",),
    "text": ("text/plain", "octet-stream"),
}
_BOUNDARY: Final = re.compile(r'boundary="?([^";,]{1,200})"?', re.IGNORECASE)
_PART_NAME: Final = re.compile(rb';\s*name="?([^";\r\n]{1,200})"?', re.IGNORECASE)


class Undecodable(ValueError):
    """The body is not what this decoder reads."""


def read_pairs(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of a form or query, in order, decoded once."""
    pairs = []
    for chunk in raw.split(b"&", MAX_FIELDS)[:MAX_FIELDS]:
        name, _, value = chunk.partition(b"=")
        if name:
            pairs.append((_unquote(name), _unquote(value)))
    return pairs


def _unquote(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    return raw.decode("utf-8", "surrogateescape")


def query_bytes(query: str) -> bytes:
    """A raw query as bytes, whatever the server made of it."""
    return query.encode("utf-8", "surrogatepass")


def first_of(pairs: list[tuple[str, str]]) -> dict[str, object]:
    """The first value of each name: carriers repeat parameters."""
    found: dict[str, object] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def read_query(request: RawRequest) -> Document:
    return first_of(read_pairs(query_bytes(request.query)))


def read_form(request: RawRequest) -> Document:
    body = request.body.strip()
    if not body or body[:1] in (b"{", b"[", b"<"):
        raise Undecodable("no form")
    return first_of(read_pairs(body))


def load_json(raw: bytes | str) -> Document:
    """JSON as an object or array. Bad UTF-8, a byte order mark and lone surrogates are read as well as they can be."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = _load_lenient(raw)
    if not isinstance(found, dict | list):
        raise Undecodable("no object or array")
    return found


def _load_lenient(raw: bytes | str) -> object:
    if isinstance(raw, bytes):
        raw = raw.decode("utf-16" if raw[:2] in (b"\xfe\xff", b"\xff\xfe") else "utf-8", "replace")
    if raw.count("[") + raw.count("{") > MAX_DEPTH * MAX_DEPTH:
        raise Undecodable("too deep")
    try:
        return json.loads(raw.lstrip("\ufeff"), strict=False)
    except (ValueError, RecursionError) as error:
        raise Undecodable("no JSON") from error


def read_json(request: RawRequest) -> Document:
    return load_json(request.body)


def read_text(request: RawRequest) -> Document:
    return {"body": request.body.decode("utf-8", "surrogateescape")}


class _Tree:
    """Builds dictionaries from XML: ``@name`` attributes, ``#text``, children by their local name, repeated ones a list."""

    def __init__(self) -> None:
        self.root: dict[str, object] = {}
        self.open: list[tuple[str, dict[str, object], list[str]]] = [("", self.root, [])]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.open) > MAX_DEPTH:
            raise Undecodable("too deep")
        self.open.append((name.rpartition(":")[2], {f"@{key}": value for key, value in attributes.items()}, []))

    def text(self, data: str) -> None:
        self.open[-1][2].append(data)

    def end(self, _: str) -> None:
        name, values, texts = self.open.pop()
        text = "".join(texts)
        content: object = {**values, "#text": text} if values else text
        parent = self.open[-1][1]
        if name not in parent:
            parent[name] = content
        elif isinstance(there := parent[name], list):
            there.append(content)
        else:
            parent[name] = [there, content]

    def refuse(self, *_: object) -> None:
        raise Undecodable("a document type is not allowed")


def load_xml(raw: bytes) -> Document:
    """XML without a document type: no entities, nothing fetched."""
    tree = _Tree()
    parser = expat.ParserCreate()
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    parser.StartDoctypeDeclHandler = tree.refuse
    parser.EntityDeclHandler = tree.refuse
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise Undecodable("no XML") from error
    return tree.root


def read_xml(request: RawRequest) -> Document:
    return load_xml(request.body)


def read_multipart(request: RawRequest) -> Document:
    """Named parts of multipart/form-data as text; files are not looked at."""
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if found is None:
        raise Undecodable("no boundary")
    values: dict[str, object] = {}
    for part in request.body.split(b"--" + query_bytes(found[1]), MAX_FIELDS)[1:]:
        head, separator, content = part.partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        if separator and name:
            values.setdefault(
                name[1].decode("utf-8", "replace"), content.removesuffix(b"\r\n").decode("utf-8", "surrogateescape")
            )
    if not values:
        raise Undecodable("no parts")
    return values


DECODERS: Final[Mapping[Decoder, Callable[[RawRequest], Document]]] = {
    "query": read_query,
    "form": read_form,
    "json": read_json,
    "xml": read_xml,
    "multipart": read_multipart,
    "text": read_text,
}


def decode(request: RawRequest, allowed: tuple[Decoder, ...]) -> Document:
    """The request as a document. The content type is only a hint: it says which of the allowed decoders is tried first."""
    if "query" in allowed and (request.method in ("GET", "HEAD") or not request.body):
        return read_query(request)
    for name in _in_order(request.headers.get("content-type", ""), allowed):
        try:
            return DECODERS[name](request)
        except Undecodable:
            continue
    raise Undecodable("no decoder understands the body")


def _in_order(content_type: str, allowed: tuple[Decoder, ...]) -> tuple[Decoder, ...]:
    bodies = tuple(name for name in allowed if name != "query")
    if len(bodies) == 1:
        return bodies
    hinted = tuple(name for name in bodies if any(hint in content_type.lower() for hint in _HINTS[name]))
    return hinted + tuple(name for name in bodies if name not in hinted)
