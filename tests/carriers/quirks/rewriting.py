"""Changes recorded messages by the carriers' own specs: another sender, no text, a time that cannot be. Signed afterwards."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote_from_bytes

from tests.carriers.cases import HERE, NOW, Case, connection, read_request, sign, table
from twoway_router.carriers.hooks import CONFIGURATORS
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.reading.fields import Scene, compile_path, compile_when
from twoway_router.carriers.reading.selection import Parsed
from twoway_router.carriers.registry import CARRIERS
from twoway_router.carriers.spec import CarrierSpec, Event, Field, Time
from twoway_router.domain.messages import InboundMessage

ABSENT = object()
"""The value of a field that is taken away."""

READABLE = {"jasmin": "mo_content_only"}
"""Where ``mo_plain`` has its text in hex, the recorded message whose text can be written as it is."""


@dataclass(kw_only=True)
class Draft:
    """A recorded message whose fields can be changed. ``change`` by our names, ``request`` signs what came of it."""

    carrier: str
    raw: RawRequest
    spec: CarrierSpec
    event: Event
    document: Any
    pairs: list[tuple[str, Any]]

    def change(self, **values: Any) -> "Draft":
        """Set ``sender``, ``recipient``, ``text``, ``time`` or ``id`` wherever the spec says that they are."""
        for name, value in values.items():
            for path in self.paths_of(name):
                self._put(path, value)
        return self

    def add(self, name: str, value: str) -> "Draft":
        """One more field, or the same once more where there are no objects."""
        if self.document is None:
            self.pairs.append((name, value))
        else:
            self._element()[name] = value
        return self

    def paths_of(self, name: str) -> Sequence[str]:
        """The alternatives that are there; some carriers write every value twice."""
        told = getattr(self.event, name)
        options = [option.strip() for option in (told.path if isinstance(told, Field | Time) else told).split("|")]
        scene = Scene(self._element(), self._element(), self.raw.headers)
        return [option for option in options if compile_path(option)(scene) is not None]

    def request(self) -> RawRequest:
        """Signed now, as the carrier would."""
        return sign(self.carrier, self.unsigned())

    def read(self) -> Parsed:
        return connection(self.carrier).parse("mo", self.request(), NOW)

    def message(self) -> InboundMessage:
        """The only message that comes of it."""
        (message,) = self.read().messages
        return message

    def rewritten(self, body: bytes) -> RawRequest:
        """With this body instead, signed."""
        return sign(self.carrier, replace(self.raw, body=body))

    def _element(self) -> Any:
        if self.document is None:
            return dict(self.pairs)
        if self.event.each is None:
            return self.document
        found = compile_path(self.event.each)(Scene(self.document, self.document, {}))
        return found[0] if isinstance(found, list) else found

    def _put(self, path: str, value: Any) -> None:
        prefix, colon, rest = path.partition(":")
        if colon and prefix == "header":
            kept = {name: told for name, told in self.raw.headers.items() if name != rest}
            self.raw = replace(self.raw, headers=kept if value is ABSENT else {**kept, rest: value})
        elif self.document is None:
            self.pairs = [(name, value if name == path else told) for name, told in self.pairs]
            self.pairs = [pair for pair in self.pairs if pair[1] is not ABSENT]
        else:
            _set(self._element(), path.split("."), value)

    def unsigned(self) -> RawRequest:
        """As changed."""
        if self.document is not None:
            document = self.document
            if self.spec.unwrap:
                document = {**document, self.spec.unwrap: json.dumps(document[self.spec.unwrap])}
            return replace(self.raw, body=json.dumps(document).encode())
        encoded = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in self.pairs)
        if self.raw.body:
            return replace(self.raw, body=encoded.encode())
        return replace(self.raw, query=encoded, url=self.raw.url.partition("?")[0] + "?" + encoded)


def _quoted(value: Any) -> str:
    raw = value if isinstance(value, bytes) else str("" if value is None else value).encode("utf-8", "surrogatepass")
    return quote_from_bytes(raw, safe="").replace("%20", "+")


def _set(holder: Any, steps: Sequence[str], value: Any) -> None:
    for step in steps[:-1]:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    last: Any = int(steps[-1]) if isinstance(holder, list) else steps[-1]
    if value is ABSENT:
        holder.pop(last)
    else:
        holder[last] = value


def a_draft(carrier: str, name: str | None = None) -> Draft:
    """A recorded message, by default the carrier's plain one."""
    raw = read_request(HERE / carrier / f"{name or READABLE.get(carrier, 'mo_plain')}.http")
    spec = CARRIERS[carrier]
    if spec.configure:
        spec = CONFIGURATORS[spec.configure](spec, table(carrier)["connection"].get("settings", {}))
    document = json.loads(raw.body) if raw.body[:1] in (b"{", b"[") else None
    if document is not None and spec.unwrap:
        document[spec.unwrap] = json.loads(document[spec.unwrap])
    pairs = parse_qsl(raw.body.decode() or raw.query, keep_blank_values=True) if document is None else []
    event = _event(raw, spec, document if document is not None else dict(pairs))
    return Draft(carrier=carrier, raw=raw, spec=spec, event=event, document=document, pairs=pairs)


def _event(raw: RawRequest, spec: CarrierSpec, root: Any) -> Event:
    """The event that reads the message."""
    for event in spec.events:
        found = compile_path(event.each)(Scene(root, root, raw.headers)) if event.each else root
        item = found[0] if isinstance(found, list) and event.each else found
        scene = Scene(item, root, raw.headers, raw.query, raw.body)
        if event.kind == "mo" and item is not None and compile_when(event.when)(scene):
            return event
    raise AssertionError("no event reads the recorded message")


def messages_of(case: Case, request: RawRequest) -> Sequence[InboundMessage]:
    """What a request is read as."""
    return connection(case.carrier).parse(case.kind, request, NOW).messages
