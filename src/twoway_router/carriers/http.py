"""Requests and answers as plain values: what the ingress hands to a carrier and what a carrier hands to ``outbound``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRequest:
    """One request of a carrier, nothing decoded. Header names are lower case; ``url`` is the public one, with its query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRequest:
    """A request to be made. Header names are lower case."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpReply:
    """An answer: ours to a carrier, or a carrier's to us. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class AckOutcome(StrEnum):
    """What became of a carrier's request, as far as its answer depends on it."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    BAD_AUTH = "bad_auth"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    OVERLOADED = "overloaded"
    PROBE = "probe"
