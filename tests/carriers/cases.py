"""Loads the recorded requests of a carrier: ``mo_*.http``, ``dlr_*.http``, ``send_*.json``, ``reply_*.http``, ``cases.json``."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from tests.carriers.signing import SIGNERS
from twoway_router.carriers import recorded
from twoway_router.carriers.engine import CompiledConnection, ConnectionView, compile_connection
from twoway_router.carriers.http import HttpReply, HttpRequest, RawRequest
from twoway_router.carriers.reading.selection import Kind, Parsed
from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import Encoding, OutboundMessage

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOST = "https://sms.example"


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded request and what it must be read as."""

    carrier: str
    name: str

    def __str__(self) -> str:
        return f"{self.carrier}-{self.name}"

    @property
    def kind(self) -> Kind:
        return "dlr" if self.name.startswith("dlr_") else "mo"

    def request(self) -> RawRequest:
        """The request, signed now as the carrier would."""
        return sign(self.carrier, self.unsigned())

    def unsigned(self) -> RawRequest:
        """The request as recorded."""
        return read_request(HERE / self.carrier / f"{self.name}.http")

    def expected(self) -> dict[str, Any]:
        return dict(table(self.carrier)["requests"][self.name])


@cache
def table(carrier: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / carrier / "cases.json").read_text())
    return found


def names(carrier: str, pattern: str) -> list[str]:
    return sorted(path.stem for path in (HERE / carrier).glob(pattern))


def requests() -> list[Case]:
    return [
        Case(carrier, name)
        for carrier in CARRIERS
        for pattern in ("mo_*.http", "dlr_*.http")
        for name in names(carrier, pattern)
    ]


def view_of(carrier: str, **changes: Any) -> ConnectionView:
    told = table(carrier)["connection"]
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=1)),
        carrier=carrier,
        country=told.get("country"),
        settings=told.get("settings", {}),
        secrets=told.get("secrets", {}),
        public_url=f"{HOST}/in/{carrier}/1",
        certificates=SIGNERS.certificates,
    )
    return replace(view, **changes)


@cache
def connection(carrier: str) -> CompiledConnection:
    return compile_connection(CARRIERS[carrier], view_of(carrier))


def sign(carrier: str, request: RawRequest) -> RawRequest:
    signer = SIGNERS.by_carrier.get(carrier)
    told = table(carrier)["connection"]
    return signer(request, told.get("secrets", {}), NOW) if signer else request


def read_request(path: Path) -> RawRequest:
    return recorded.read_request(path.read_bytes(), HOST)


def read_reply(path: Path) -> HttpReply:
    return recorded.read_reply(path.read_bytes())


def an_mt(told: dict[str, Any]) -> OutboundMessage:
    values: dict[str, Any] = {
        "reference": "mt-1",
        "sender": "12345",
        "recipient": "+393331230001",
        "encoding": "gsm7",
        "segments": 1,
    } | told
    return OutboundMessage(**{**values, "encoding": Encoding(values["encoding"])})


def plain(value: object) -> Any:
    """Frozen values as JSON has them."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else value


def told_of(parsed: Parsed, expected: dict[str, Any]) -> dict[str, Any]:
    """What was read, cut down to the fields that the table names."""
    everything = plain(asdict(parsed))
    return {name: _only(everything[name], wanted) for name, wanted in expected.items()}


def _only(value: Any, wanted: Any) -> Any:
    if isinstance(wanted, list) and isinstance(value, list) and len(wanted) == len(value):
        return [_only(one, other) for one, other in zip(value, wanted, strict=True)]
    if isinstance(wanted, dict) and isinstance(value, dict):
        return {name: _only(value.get(name), inner) for name, inner in wanted.items()}
    return value


def request_facts(request: HttpRequest, wanted: dict[str, Any]) -> dict[str, Any]:
    """A built request in the terms of a ``send_*.json``: its query, form or JSON as data."""
    url, _, query = request.url.partition("?")
    facts: dict[str, Any] = {"method": request.method, "url": url, "headers": dict(request.headers)}
    facts["query"] = dict(parse_qsl(query, keep_blank_values=True))
    if "json" in wanted:
        facts["json"] = json.loads(request.body)
    if "form" in wanted:
        facts["form"] = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    facts["headers"] = {name: value for name, value in request.headers.items() if name in wanted.get("headers", {})}
    return {name: facts[name] for name in wanted}
