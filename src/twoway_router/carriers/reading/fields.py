"""Reads values out of a decoded request: paths, predicates, texts in odd charsets. Times are read by ``times``.

``engine`` compiles each path of a spec once per connection into a function of a ``Scene``.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.reading.charsets import clean, codec_of, decode_bytes, to_bytes
from twoway_router.carriers.reading.decoders import query_bytes, read_pairs
from twoway_router.carriers.spec import Field, When

_BODY: Final = "body:"
_PREFIXES: Final = frozenset(("header", "literal", "query", "root"))
_WORD: Final = re.compile(r"[a-z]+")
_EXACT: Final = 2**53
"""Whole numbers below are exact as floats."""


@dataclass(slots=True)
class Scene:
    """What a path is read from: one element of a batch, the whole document, the request."""

    item: object
    root: object
    headers: Mapping[str, str]
    query: str = ""
    body: bytes = b""

    @classmethod
    def of(cls, request: RawRequest, root: object) -> "Scene":
        return cls(root, root, request.headers, request.query, request.body)


Getter = Callable[[Scene], object]
TextGetter = Callable[[Scene], str | None]
Predicate = Callable[[Scene], bool]


@dataclass(frozen=True, slots=True)
class Reading:
    """A text and the bytes and codec it was read from (None where it came as text)."""

    text: str
    raw: bytes | None
    charset: str


def compile_path(path: str) -> Getter:
    """A getter of the first alternative that is there and not empty."""
    if problem := problem_with_path(path):
        raise SpecError("path", problem)
    getters = tuple(_single(part.strip()) for part in path.split("|"))
    if len(getters) == 1:
        return getters[0]

    def first(scene: Scene) -> object:
        found: object = None
        for getter in getters:
            value = getter(scene)
            if value is not None and value != "":
                return value
            found = value if found is None else found
        return found

    return first


def problem_with_path(path: str) -> str | None:
    """Why this path cannot be read, None when it can."""
    for part in map(str.strip, path.split("|")):
        prefix, colon, rest = part.partition(":")
        if not part or (colon and prefix in _PREFIXES and not rest):
            return "a path may not be empty"
        if colon and _WORD.fullmatch(prefix) and prefix not in _PREFIXES and part != _BODY:
            known = ", ".join(f"{name}:" for name in sorted(_PREFIXES))
            return f"{prefix}: is not one of {known} or {_BODY}; a name with a colon in it is written root:{part}"
    return None


def _single(path: str) -> Getter:
    prefix, colon, rest = path.partition(":")
    if colon and prefix == "header":
        name = rest.lower()
        return lambda scene: scene.headers.get(name)
    if colon and prefix == "query":
        return lambda scene: next((value for key, value in read_pairs(query_bytes(scene.query)) if key == rest), None)
    if colon and prefix == "literal":
        return lambda _: rest
    if path == _BODY:
        return lambda scene: scene.body.decode("utf-8", "surrogateescape")
    if colon and prefix == "root":
        steps = tuple(rest.split("."))
        return lambda scene: _walk(scene.root, rest, steps)
    if path == ".":
        return lambda scene: scene.item
    return _of_item(path)


def _of_item(path: str) -> Getter:
    if "." not in path:
        return lambda scene: scene.item.get(path) if isinstance(scene.item, dict) else None
    steps = tuple(path.split("."))
    return lambda scene: _walk(scene.item, path, steps)


def _walk(value: object, path: str, steps: tuple[str, ...]) -> object:
    """A name with dots in it (``msglong.id``) comes before a path; a number is an index into a list."""
    if isinstance(value, dict) and path in value:
        return value[path]
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit():
            index = int(step[:6])
            value = value[index] if index < len(value) else None
        elif step != "0" or value is None:
            return None  # Index 0 of a value that is no list is the value: XML has no lists of one element.
    return value


def text_of(value: object) -> str | None:
    """A scalar as text: JSON numbers (12345.0 is 12345) and booleans too; None for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return None


def compile_text(path: str | None) -> TextGetter:
    """A getter of clean, stripped text for ids, addresses and words."""
    if path is None:
        return lambda _: None
    getter = compile_path(path)

    def read(scene: Scene) -> str | None:
        value = getter(scene)
        text = value if isinstance(value, str) else text_of(value)
        return clean(text).strip() if text is not None else None

    return read


def compile_when(when: When | None) -> Predicate:
    """A predicate; without one everything holds."""
    if when is None:
        return lambda _: True
    checks: list[Predicate] = [*_of_value(when), *(compile_when(part) for part in when.all_of)]
    if when.any_of:
        options = tuple(compile_when(part) for part in when.any_of)
        checks.append(lambda scene: any(option(scene) for option in options))
    if len(checks) == 1:
        return checks[0]
    return lambda scene: all(check(scene) for check in checks)


def _of_value(when: When) -> list[Predicate]:
    if not when.path:
        return []
    value, read = compile_path(when.path), compile_text(when.path)
    checks: list[Predicate] = []
    if when.exists is not None:
        wanted = when.exists
        checks.append(lambda scene: (value(scene) not in (None, "")) is wanted)
    words = when.one_of + ((when.equals,) if when.equals is not None else ())
    if words:
        known = frozenset(word.lower() for word in words)
        checks.append(lambda scene: (read(scene) or "").lower() in known)
    if (start := when.starts) is not None:
        checks.append(lambda scene: (read(scene) or "").startswith(start))
    return checks


def compile_field(field: str | Field) -> Callable[[Scene], Reading | None]:
    """A getter of a message's text: encoding and charset undone. None when there is no such value."""
    spec = Field(path=field) if isinstance(field, str) else field
    value = compile_path(spec.path)
    codec_in = _codec_getter(spec)
    is_plain = spec.encoding is None and spec.charset_from is None and spec.charset == "utf-8"

    def read(scene: Scene) -> Reading | None:
        found = text_of(value(scene))
        if found is None:
            return Reading(spec.default, None, "utf-8") if spec.default is not None else None
        if spec.values:
            found = spec.values.get(found, found)
        if is_plain:
            return Reading(clean(found), None, "utf-8")
        raw, codec = undo(found, spec.encoding), codec_in(scene)
        return Reading(clean(decode_bytes(raw, codec)), raw, codec)

    return read


def _codec_getter(spec: Field) -> Callable[[Scene], str]:
    """The codec that a request names, else the field's own. A name is not stripped first: it may be a control character."""
    own = _codec(spec.charset)
    if spec.charset_from is None:
        return lambda _: own
    value = compile_path(spec.charset_from)
    charsets = {name.lower(): _codec(charset) for name, charset in spec.charsets.items()}

    def codec_in(scene: Scene) -> str:
        declared = clean(text_of(value(scene)) or "").lower()
        named = charsets.get(declared) or charsets.get(declared.strip()) or declared.strip()
        return (codec_of(named) if named else None) or own

    return codec_in


def _codec(charset: str) -> str:
    if (codec := codec_of(charset)) is None:
        raise SpecError("charset", f"{charset!r} is no charset that can be read")
    return codec


def undo(text: str, encoding: str | None) -> bytes:
    """The bytes behind hex, base64 or percent-encoding; a value that is not written so is taken as it is."""
    raw = to_bytes(text)
    try:
        if encoding == "hex":
            return bytes.fromhex(text)
        if encoding == "base64":
            return base64.b64decode(raw, validate=True)
    except (ValueError, binascii.Error):
        return raw
    if encoding == "form":
        return unquote_to_bytes(raw.replace(b"+", b" "))
    return unquote_to_bytes(raw) if encoding == "percent" else raw
