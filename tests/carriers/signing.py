"""Signs recorded requests as each carrier does, written from the carriers' documents and apart from the verifiers."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from twoway_router.carriers.http import RawRequest

Secrets = Mapping[str, str]
Signer = Callable[[RawRequest, Secrets, datetime], RawRequest]

TELNYX_SEED = b"telnyx-test-seed-of-32-bytes-len"
SNS_CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-test.pem"


@dataclass(frozen=True, slots=True)
class Signers:
    """How each carrier signs; who is not named here proves itself by what stands in the recorded request."""

    by_carrier: dict[str, Signer]
    certificates: dict[str, str] = field(default_factory=dict)


def with_headers(request: RawRequest, **headers: str) -> RawRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(request, headers={**request.headers, **named})


def b64(raw: bytes, *, url_safe: bool = False) -> str:
    return (base64.urlsafe_b64encode(raw).rstrip(b"=") if url_safe else base64.b64encode(raw)).decode()


def sha256_mac(secret: str, message: bytes) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def jwt(claims: Mapping[str, object], secret: str) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = ".".join(b64(part, url_safe=True) for part in parts)
    return f"{signed}.{b64(sha256_mac(secret, signed.encode()), url_safe=True)}"


def form_of(request: RawRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.body.decode(), keep_blank_values=True) if request.method == "POST" else []


def twilio(request: RawRequest, secrets: Secrets, _: datetime) -> RawRequest:
    text = request.url + "".join(name + value for name, value in sorted(set(form_of(request))))
    proof = hmac.new(secrets["auth_token"].encode(), text.encode(), hashlib.sha1).digest()
    return with_headers(request, x_twilio_signature=b64(proof))


def vonage(request: RawRequest, secrets: Secrets, now: datetime) -> RawRequest:
    """The parameters get a timestamp and a signature, wherever they stand."""
    is_json = "json" in request.headers.get("content-type", "")
    raw = (
        json.loads(request.body)
        if is_json
        else dict(form_of(request) or parse_qsl(request.query, keep_blank_values=True))
    )
    if not raw:
        return request
    values = {**raw, "timestamp": str(int(now.timestamp()))}
    text = "".join(f"&{name}={str(values[name]).replace('&', '_').replace('=', '_')}" for name in sorted(values))
    proof = sha256_mac(secrets["signature_secret"], text.encode()).hex().upper()
    added = f"&timestamp={values['timestamp']}&sig={proof}"
    if is_json:
        return replace(request, body=json.dumps({**values, "sig": proof}).encode())
    if request.method == "GET":
        return replace(request, query=request.query + added, url=request.url + added)
    return replace(request, body=request.body + added.encode())


def vonage_messages(request: RawRequest, secrets: Secrets, now: datetime) -> RawRequest:
    claims = {"iss": "Vonage", "iat": int(now.timestamp()), "jti": "1"}
    token = jwt({**claims, "payload_hash": hashlib.sha256(request.body).hexdigest()}, secrets["signature_secret"])
    return with_headers(request, authorization=f"Bearer {token}")


def sinch(request: RawRequest, secrets: Secrets, now: datetime) -> RawRequest:
    nonce, stamp = "01FJA8B4A7BM43YGWSG9GBV067", str(int(now.timestamp()))
    proof = b64(sha256_mac(secrets["webhook_secret"], request.body + f".{nonce}.{stamp}".encode()))
    headers = {"": proof, "_nonce": nonce, "_timestamp": stamp, "_algorithm": "HmacSHA256"}
    return with_headers(request, **{f"x_sinch_webhook_signature{name}": value for name, value in headers.items()})


def messagebird(request: RawRequest, secrets: Secrets, now: datetime) -> RawRequest:
    at = int(now.timestamp())
    claims: dict[str, object] = {"iss": "MessageBird", "nbf": at - 5, "exp": at + 60, "jti": "1"}
    claims["url_hash"] = hashlib.sha256(request.url.encode()).hexdigest()
    if request.body:
        claims["payload_hash"] = hashlib.sha256(request.body).hexdigest()
    return with_headers(request, messagebird_signature_jwt=jwt(claims, secrets["signing_key"]))


def bird(request: RawRequest, secrets: Secrets, now: datetime) -> RawRequest:
    stamp = str(int(now.timestamp()))
    text = f"{stamp}\n{request.url}\n".encode() + hashlib.sha256(request.body).digest()
    proof = b64(sha256_mac(secrets["signing_key"], text))
    return with_headers(request, messagebird_signature=proof, messagebird_request_timestamp=stamp)


def telnyx(request: RawRequest, _: Secrets, now: datetime) -> RawRequest:
    stamp = str(int(now.timestamp()))
    proof = Ed25519PrivateKey.from_private_bytes(TELNYX_SEED).sign(stamp.encode() + b"|" + request.body)
    return with_headers(request, telnyx_signature_ed25519=b64(proof), telnyx_timestamp=stamp)


def plivo(request: RawRequest, secrets: Secrets, _: datetime) -> RawRequest:
    nonce, (base, _mark, query), fields = "12345", request.url.partition("?"), sorted(form_of(request))
    text = base + ("?" if query or fields else "")
    text += "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(query, keep_blank_values=True)))
    text += "." if query and fields else ""
    text += "".join(name + value for name, value in fields)
    proof = b64(sha256_mac(secrets["auth_token"], f"{text}.{nonce}".encode()))
    return with_headers(request, x_plivo_signature_v3=f"{b64(b'other')},{proof}", x_plivo_signature_v3_nonce=nonce)


SNS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sns_certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(SNS_KEY.public_key())
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=730))
    return builder.sign(SNS_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def aws(request: RawRequest, _: Secrets, __: datetime) -> RawRequest:
    envelope = json.loads(request.body)
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if envelope["Type"] != "Notification":
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    is_old = envelope.get("SignatureVersion") == "1"
    proof = SNS_KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA1() if is_old else hashes.SHA256())
    signed = {"SignatureVersion": "2", "SigningCertURL": SNS_CERTIFICATE_URL, **envelope, "Signature": b64(proof)}
    return replace(request, body=json.dumps(signed).encode())


SIGNERS = Signers(
    by_carrier={
        "aws": aws,
        "bird": bird,
        "messagebird": messagebird,
        "plivo": plivo,
        "sinch": sinch,
        "telnyx": telnyx,
        "twilio": twilio,
        "vonage": vonage,
        "vonage_messages": vonage_messages,
    },
    certificates={SNS_CERTIFICATE_URL: sns_certificate()},
)
