"""Named proofs that a request comes from the carrier. A spec names them; ``engine`` compiles them once per connection.

A verifier takes its options (secrets filled in) and returns a check.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from twoway_router.carriers.errors import BadSignature, SpecError
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.proving import signatures, sns
from twoway_router.carriers.proving.primitives import (
    Check,
    Options,
    algorithm_of,
    demand,
    header,
    header_name,
    is_same,
    keyed,
    seconds_of,
    within,
)
from twoway_router.carriers.reading.decoders import query_bytes, read_pairs


def query_key(options: Options) -> Check:
    """A secret in the query of the URL that the carrier calls."""
    parameter, secret = options.get("parameter", "key"), options["secret"]

    def check(request: RawRequest, _: datetime) -> None:
        pairs = read_pairs(query_bytes(request.query))
        given = next((value for field, value in pairs if field == parameter), None)
        demand(given is not None, "no_key")
        demand(is_same(given or "", secret), "wrong_key")

    return check


def basic(options: Options) -> Check:
    """HTTP Basic authentication."""
    wanted = base64.b64encode(f"{options['username']}:{options['password']}".encode()).decode()

    def check(request: RawRequest, _: datetime) -> None:
        scheme, _space, given = header(request, "authorization").partition(" ")
        demand(scheme.lower() == "basic" and is_same(given.strip(), wanted), "wrong_password")

    return check


def header_key(options: Options) -> Check:
    """A secret in a header, after an optional prefix such as ``Bearer``."""
    name, wanted = header_name(options, "header"), options.get("prefix", "") + options["secret"]

    def check(request: RawRequest, _: datetime) -> None:
        demand(is_same(header(request, name), wanted), "wrong_key")

    return check


_PLACES: Final[Mapping[str, Callable[[RawRequest], bytes]]] = {
    "body": lambda request: request.body,
    "body_sha256": lambda request: hashlib.sha256(request.body).digest(),
    "url": lambda request: query_bytes(request.url),
    "path": lambda request: query_bytes(request.path),
    "query": lambda request: query_bytes(request.query),
    "method": lambda request: request.method.encode(),
}


def hmac(options: Options) -> Check:
    """An HMAC over a template of ``{timestamp} {nonce} {body} {body_sha256} {url} {path} {query} {method}``.

    Options: secret, header, algorithm, encoding (hex or base64), prefix, template, timestamp_header, nonce_header,
    window (seconds; 0 = any time).
    """
    name, secret = header_name(options, "header"), options["secret"].encode()
    algorithm, prefix = algorithm_of(options, "sha256"), options.get("prefix", "")
    if (encoding := options.get("encoding", "hex")) not in ("hex", "base64"):
        raise SpecError("auth.encoding", f"{encoding!r} is neither hex nor base64")
    is_hex = encoding == "hex"
    headers = {
        place: header_name(options, f"{place}_header")
        for place in ("timestamp", "nonce")
        if f"{place}_header" in options
    }
    pieces = _pieces(options.get("template", "{body}"), headers)
    window = seconds_of(options, "window", "300")

    def check(request: RawRequest, now: datetime) -> None:
        given = header(request, name)
        if "timestamp" in headers:
            within(header(request, headers["timestamp"]), now, window)
        message = b"".join(piece if isinstance(piece, bytes) else piece(request) for piece in pieces)
        digest = keyed(algorithm, secret, message)
        wanted = digest.hex() if is_hex else base64.b64encode(digest).decode()
        proof = given.removeprefix(prefix).strip()
        demand(is_same(proof.lower() if is_hex else proof, wanted))

    return check


def _pieces(template: str, headers: Mapping[str, str]) -> list[bytes | Callable[[RawRequest], bytes]]:
    pieces: list[bytes | Callable[[RawRequest], bytes]] = []
    for ordinal, chunk in enumerate(template.replace("\\n", "\n").replace("{", "}").split("}")):
        if ordinal % 2 == 0:
            pieces.append(chunk.encode())
        elif chunk in headers:
            pieces.append(_header_bytes(headers[chunk]))
        elif chunk in _PLACES:
            pieces.append(_PLACES[chunk])
        else:
            raise SpecError("auth.template", f"unknown placeholder {{{chunk}}}")
    return pieces


def _header_bytes(name: str) -> Callable[[RawRequest], bytes]:
    return lambda request: query_bytes(header(request, name))


def refuse(options: Options) -> Check:
    """Nothing but a refusal: what a connection without any secret gets."""
    reason = options.get("reason", "no_secret_configured")

    def check(_: RawRequest, __: datetime) -> None:
        raise BadSignature(reason)

    return check


@dataclass(frozen=True, slots=True)
class Verifier:
    """A named proof: how it is made from its options and SNS certificates, and which options it knows."""

    compile: Callable[[Options, Mapping[str, str]], Check]
    options: frozenset[str]


def _verifier(compile_check: Callable[[Options], Check], options: str) -> Verifier:
    return Verifier(lambda given, _: compile_check(given), frozenset(options.split()))


VERIFIERS: Final[Mapping[str, Verifier]] = {
    "query_key": _verifier(query_key, "parameter secret"),
    "basic": _verifier(basic, "username password"),
    "header_key": _verifier(header_key, "header prefix secret"),
    "hmac": _verifier(hmac, "secret header algorithm encoding prefix template timestamp_header nonce_header window"),
    "refuse": _verifier(refuse, "reason"),
    "sorted_params": _verifier(signatures.sorted_params, "secret algorithm window"),
    "url_params": _verifier(signatures.url_params, "secret shared_key"),
    "jwt": _verifier(signatures.jwt, "header prefix secret issuer leeway window url_claim payload_claim require"),
    "ed25519": _verifier(signatures.ed25519, "public_key header timestamp_header window"),
    "plivo": _verifier(signatures.plivo, "secret"),
    "sns": Verifier(sns.verify, frozenset(("topics",))),
}
