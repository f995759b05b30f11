"""The signature schemes that single carriers invented: Vonage, Twilio, MessageBird, Telnyx, Plivo. Named in ``verifiers``."""

import base64
import hashlib
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from twoway_router.carriers.errors import BadSignature, SpecError
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.proving.primitives import (
    Check,
    Options,
    algorithm_of,
    demand,
    from_base64,
    header,
    header_name,
    is_same,
    keyed,
    seconds_of,
    within,
)
from twoway_router.carriers.reading.charsets import to_bytes
from twoway_router.carriers.reading.decoders import Undecodable, load_json, query_bytes, read_pairs
from twoway_router.carriers.reading.fields import text_of

_JWT_ALGORITHMS: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_TWILIO_SETTINGS: Final = "x-twilio-webhooks-signature-settings"
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def _form(request: RawRequest) -> list[tuple[str, str]]:
    """The form fields, whatever the content type says: a field that is not signed must not be read."""
    return read_pairs(request.body) if request.method != "GET" else []


def sorted_params(options: Options) -> Check:
    """Vonage SMS: a digest over the sorted parameters, in which ``&`` and ``=`` of values have become ``_``.

    ``algorithm`` md5hash is the old way: the secret is appended instead of being an HMAC key.
    """
    secret, is_plain = options["secret"].encode(), options.get("algorithm") == "md5hash"
    algorithm = "md5" if is_plain else algorithm_of(options, "md5")
    window = seconds_of(options, "window", "0")

    def check(request: RawRequest, now: datetime) -> None:
        values = _parameters(request)
        given = values.pop("sig", "")
        demand(bool(given), "no_signature")
        if window:
            within(values.get("timestamp", ""), now, window)
        message = b"".join(
            b"&" + to_bytes(name) + b"=" + to_bytes(value.replace("&", "_").replace("=", "_"))
            for name, value in sorted(values.items())
        )
        # md5 is what accounts of that age are set to; the carrier chooses it, not we.
        digest = hashlib.md5(message + secret).digest() if is_plain else keyed(algorithm, secret, message)  # noqa: S324
        demand(is_same(given.lower(), digest.hex()))

    return check


def _parameters(request: RawRequest) -> dict[str, str]:
    if request.method != "GET" and request.body and "json" in request.headers.get("content-type", "").lower():
        try:
            document = load_json(request.body)
        except Undecodable:
            raise BadSignature("bad_signature") from None
        items = document.items() if isinstance(document, dict) else ()
        return {name: text_of(value) or "" for name, value in items}
    pairs = _form(request) or read_pairs(query_bytes(request.query))
    return dict(reversed(pairs))


def url_params(options: Options) -> Check:
    """Twilio: an HMAC over the public URL and the sorted form fields; ``bodySHA256`` in the query covers other bodies.

    With a settings header the ``shared_key`` signs instead of the account's secret, and the header names the algorithm.
    """
    secret, shared = options["secret"].encode(), options.get("shared_key", "").encode()

    def check(request: RawRequest, _: datetime) -> None:
        given, settings = header(request, "x-twilio-signature"), request.headers.get(_TWILIO_SETTINGS)
        algorithm, key = ("sha1", secret) if settings is None else (_twilio_algorithm(settings), shared)
        demand(bool(algorithm and key), "unsupported_signature")
        demand(_is_body_covered(request), "body_not_signed")
        fields = [] if _body_hash(request) else sorted(set(_form(request)))
        tail = b"".join(to_bytes(name) + to_bytes(value) for name, value in fields)
        signed = [query_bytes(url) + tail for url in _with_and_without_port(request.url)]
        proven = [is_same(given, base64.b64encode(keyed(algorithm, key, text)).decode()) for text in signed]
        demand(any(proven))

    return check


def _twilio_algorithm(settings: str) -> str:
    """The algorithm that the header names, empty when we do not know it."""
    named = dict(part.strip().partition("=")[::2] for part in settings.split(","))
    return {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}.get(named.get("algorithm", "HMAC_SHA1"), "")


def _body_hash(request: RawRequest) -> str | None:
    return next((value for name, value in read_pairs(query_bytes(request.query)) if name == "bodySHA256"), None)


def _is_body_covered(request: RawRequest) -> bool:
    """Form fields are signed themselves; any other body needs its hash in the signed URL."""
    digest = _body_hash(request)
    if digest is not None:
        return is_same(digest.lower(), hashlib.sha256(request.body).hexdigest())
    is_form = "x-www-form-urlencoded" in request.headers.get("content-type", "").lower()
    return not request.body or is_form


def _with_and_without_port(url: str) -> tuple[str, ...]:
    """Twilio signs the URL with its port in some products and without in others."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return (url,)
    if port is not None:
        return url, parts._replace(netloc=parts.netloc.removesuffix(f":{port}")).geturl()
    if default := _DEFAULT_PORTS.get(parts.scheme):
        return url, parts._replace(netloc=f"{parts.netloc}:{default}").geturl()
    return (url,)


def jwt(options: Options) -> Check:
    """A JWT signed with a shared secret. Options: header, prefix, secret, issuer, leeway, window, url_claim, payload_claim,
    require (claims that must be there)."""
    name, prefix, secret = header_name(options, "header"), options.get("prefix", ""), options["secret"].encode()
    required = options.get("require", "").split()
    leeway, window = seconds_of(options, "leeway", "1"), seconds_of(options, "window", "0")

    def check(request: RawRequest, now: datetime) -> None:
        claims = _claims(header(request, name).removeprefix(prefix).strip(), secret)
        demand(all(claim in claims for claim in required), "missing_claim")
        demand(options.get("issuer") in (None, claims.get("iss")), "wrong_issuer")
        _check_times(claims, now.timestamp(), leeway, window)
        if claim := options.get("url_claim"):
            demand(is_same(str(claims.get(claim, "")), hashlib.sha256(request.url.encode()).hexdigest()), "wrong_url")
        if claim := options.get("payload_claim"):
            digest = hashlib.sha256(request.body).hexdigest() if request.body else None
            claimed = claims.get(claim)
            is_equal = (
                is_same(str(claimed), digest) if digest and claimed is not None else claimed is None and digest is None
            )
            demand(is_equal, "wrong_payload")

    return check


def _claims(token: str, secret: bytes) -> dict[str, object]:
    signed, _, signature = token.rpartition(".")
    head, _, payload = signed.partition(".")
    try:
        header_of, claims = (load_json(from_base64(part, url_safe=True)) for part in (head, payload))
    except Undecodable:
        raise BadSignature("bad_token") from None
    if not isinstance(header_of, dict) or not isinstance(claims, dict):
        raise BadSignature("bad_token")
    algorithm = _JWT_ALGORITHMS.get(str(header_of.get("alg")))
    demand(algorithm is not None, "bad_algorithm")
    wanted = keyed(algorithm or "sha256", secret, signed.encode("utf-8", "surrogatepass"))
    demand(is_same(from_base64(signature, url_safe=True), wanted))
    return claims


def _check_times(claims: dict[str, object], now: float, leeway: float, window: float) -> None:
    exp, nbf, iat = (claims.get(name) for name in ("exp", "nbf", "iat"))
    demand(not isinstance(exp, int | float) or now <= exp + leeway, "expired")
    demand(not isinstance(nbf, int | float) or now >= nbf - leeway, "not_yet_valid")
    if window:
        demand(isinstance(iat, int | float) and abs(now - iat) <= window, "stale_timestamp")


def ed25519(options: Options) -> Check:
    """Telnyx: an ed25519 signature over timestamp, ``|`` and the body; the public key is the connection's."""
    try:
        raw = base64.b64decode(options["public_key"], validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise SpecError("auth.public_key", "is not 32 bytes in base64") from error
    signature_header, time_header = header_name(options, "header"), header_name(options, "timestamp_header")
    window = seconds_of(options, "window", "300")

    def check(request: RawRequest, now: datetime) -> None:
        signature, timestamp = from_base64(header(request, signature_header)), header(request, time_header)
        within(timestamp, now, window)
        try:
            key.verify(signature, query_bytes(timestamp) + b"|" + request.body)
        except InvalidSignature:
            raise BadSignature("bad_signature") from None

    return check


def plivo(options: Options) -> Check:
    """Plivo: V3 (URL, fields, nonce) when its header is there, else V2 (URL without query, nonce; the body is not covered).

    For a subaccount's number there is a second header of either kind, signed with the main account's token.
    """
    secret = options["secret"].encode()

    def check(request: RawRequest, _: datetime) -> None:
        version = "v3" if "x-plivo-signature-v3" in request.headers else "v2"
        given = header(request, f"x-plivo-signature-{version}")
        nonce = header(request, f"x-plivo-signature-{version}-nonce")
        base = request.url.partition("?")[0]
        signed = base + nonce if version == "v2" else _plivo_v3(base, request) + "." + nonce
        wanted = base64.b64encode(keyed("sha256", secret, signed.encode("utf-8", "surrogateescape"))).decode()
        given += "," + request.headers.get(f"x-plivo-signature-ma-{version}", "")
        proven = [is_same(proof.strip(), wanted) for proof in given.split(",")]
        demand(any(proven))

    return check


def _plivo_v3(base: str, request: RawRequest) -> str:
    """The URL, its sorted query and the sorted fields, joined as Plivo joins them: the question mark stands for either."""
    query, fields = sorted(read_pairs(query_bytes(request.query))), sorted(_form(request))
    text = base
    if query or fields:
        text += "?" + "&".join(f"{name}={value}" for name, value in query)
    if query and fields:
        text += "."
    return text + "".join(name + value for name, value in fields)
