"""Amazon SNS: signed envelopes with a certificate that is fetched outside. Named ``sns`` in ``verifiers``."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from twoway_router.carriers.errors import BadSignature, CertificateMissing
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.proving.primitives import Check, Options, demand, from_base64
from twoway_router.carriers.reading.decoders import Undecodable, load_json
from twoway_router.carriers.sns_hosts import is_certificate_url

_SIGNED: Final = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_NOTIFICATION: Final = frozenset(("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"))
_CONFIRMATION: Final = frozenset(("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"))


def is_certificate(pem: str) -> bool:
    """Whether a PEM holds an RSA certificate. Only such a one is kept; anything else is fetched again."""
    try:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    except ValueError:
        return False
    return isinstance(key, RSAPublicKey)


def verify(options: Options, certificates: Mapping[str, str]) -> Check:
    """Check topic and signature. ``certificates`` maps SigningCertURL to PEM and is filled by the ingress."""
    topics = frozenset(topic for topic in re.split(r"[\s,]+", options["topics"]) if topic)

    def check(request: RawRequest, _: datetime) -> None:
        envelope = _envelope(request.body)
        demand(envelope.get("TopicArn") in topics, "foreign_topic")
        url = envelope.get("SigningCertURL", "")
        demand(is_certificate_url(url), "foreign_certificate")
        if url not in certificates:
            raise CertificateMissing(url)
        _check_signature(envelope, certificates[url])

    return check


def _envelope(body: bytes) -> dict[str, str]:
    try:
        document = load_json(body)
    except Undecodable:
        raise BadSignature("no_signature") from None
    items = document.items() if isinstance(document, dict) else ()
    return {name: value for name, value in items if isinstance(value, str)}


def canonical(envelope: Mapping[str, str]) -> bytes:
    """The bytes that are signed: names and values on lines of their own, in alphabetical order."""
    names = _NOTIFICATION if envelope.get("Type") == "Notification" else _CONFIRMATION
    lines = [f"{name}\n{envelope[name]}\n" for name in _SIGNED if name in names and name in envelope]
    return "".join(lines).encode("utf-8", "replace")


def _check_signature(envelope: Mapping[str, str], pem: str) -> None:
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}.get(envelope.get("SignatureVersion", ""))  # noqa: S303 their choice
    if digest is None:
        raise BadSignature("unsupported_signature")
    try:
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        if not isinstance(key, RSAPublicKey):
            raise BadSignature("bad_certificate")
        key.verify(from_base64(envelope.get("Signature", "")), canonical(envelope), PKCS1v15(), digest)
    except InvalidSignature:
        raise BadSignature("bad_signature") from None
    except ValueError:
        raise BadSignature("bad_certificate") from None
