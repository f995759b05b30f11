"""The carriers' own libraries and our verifiers agree on what is signed and what is not."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl

import pytest
from messagebird.error import ValidationError
from messagebird.request_validator import RequestValidator as MessageBirdValidator
from plivo.utils import validate_signature as plivo_v2
from plivo.utils import validate_v3_signature as plivo_v3
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature
from twilio.request_validator import RequestValidator as TwilioValidator
from twilio.request_validator import get_signature_algorithm
from vonage_http_client.auth import Auth as VonageAuth
from vonage_jwt import verify_signature as vonage_jwt

from tests.carriers.cases import HERE, NOW, connection, names, read_request, table, view_of
from tests.carriers.signing import SIGNERS, b64, sha256_mac, with_headers
from twoway_router.carriers.engine import compile_connection
from twoway_router.carriers.errors import BadSignature
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.registry import CARRIERS

with warnings.catch_warnings():
    # The library's own docstrings hold invalid escapes.
    warnings.simplefilter("ignore")
    from sinch.domains.authentication.sinch_events.v1.authentication_validation import (
        validate_sinch_event_signature_with_nonce as sinch_validator,
    )

VONAGE_SECRET = "sigsecret-0123456789-0123456789-abc"

Official = Callable[[RawRequest], bool]
Change = Callable[[RawRequest], RawRequest]


def secrets_of(carrier: str) -> dict[str, str]:
    return dict(table(carrier)["connection"]["secrets"])


def fields_of(request: RawRequest) -> dict[str, list[str]]:
    return parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True) if request.method == "POST" else {}


class Lists(dict[str, list[str]]):
    """The multi-dictionary that the Twilio library asks for all values of a name."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def twilio(request: RawRequest) -> bool:
    validator = TwilioValidator(secrets_of("twilio")["auth_token"])
    algorithm = get_signature_algorithm(request.headers.get("x-twilio-webhooks-signature-settings", ""))
    signature = request.headers.get("x-twilio-signature", "")
    return bool(validator.validate(request.url, Lists(fields_of(request)), signature, algorithm))


def plivo(request: RawRequest) -> bool:
    token, headers = secrets_of("plivo")["auth_token"], request.headers
    if "x-plivo-signature-v3" not in headers:
        nonce, signature = headers.get("x-plivo-signature-v2-nonce", ""), headers.get("x-plivo-signature-v2", "")
        return bool(plivo_v2(request.url, nonce, signature, token))
    nonce, signature = headers["x-plivo-signature-v3-nonce"], headers["x-plivo-signature-v3"]
    return bool(plivo_v3(request.method, request.url, nonce, token, signature, fields_of(request)))


def messagebird(request: RawRequest) -> bool:
    validator = MessageBirdValidator(secrets_of("messagebird")["signing_key"])
    try:
        validator.validate_signature(request.headers.get("messagebird-signature-jwt", ""), request.url, request.body)
    except ValidationError:
        return False
    return True


def telnyx(request: RawRequest) -> bool:
    key = str(table("telnyx")["connection"]["settings"]["public_key"])
    try:
        verify_webhook_signature(request.body, request.headers, key)
    except WebhookVerificationError:
        return False
    return True


def sinch(request: RawRequest) -> bool:
    body = request.body.decode("utf-8", "replace")
    return bool(sinch_validator(secrets_of("sinch")["webhook_secret"], dict(request.headers), body))


def vonage(request: RawRequest) -> bool:
    auth = VonageAuth(
        api_key="abcd", signature_secret=secrets_of("vonage")["signature_secret"], signature_method="sha256"
    )
    raw = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query
    return bool(auth.check_signature(dict(parse_qsl(raw, keep_blank_values=True))))


OFFICIAL: dict[str, Official] = {
    "messagebird": messagebird,
    "plivo": plivo,
    "sinch": sinch,
    "telnyx": telnyx,
    "twilio": twilio,
    "vonage": vonage,
}

CHANGES: dict[str, Change] = {
    "as signed": lambda request: request,
    "another text": lambda request: replace(request, body=request.body.replace(b"PIZZA", b"PASTA")),
    "another host": lambda request: replace(request, url=request.url.replace("sms.example", "evil.example")),
    "another path": lambda request: replace(request, url=request.url.replace("/mo", "/dlr")),
    "a field more": lambda request: replace(request, body=request.body + b"&zz=1"),
    "no headers": lambda request: replace(request, headers={"content-type": request.headers["content-type"]}),
}


def recorded(carrier: str) -> list[str]:
    """Forms and JSON bodies that every library can read: Vonage's checks no JSON, and none of them reads probes."""
    found = [name for name in names(carrier, "mo_*.http") if name not in ("mo_probe", "mo_json", "mo_get")]
    return [name for name in found if b"PIZZA" in (HERE / carrier / f"{name}.http").read_bytes()]


TRIALS = [(carrier, name, change) for carrier in OFFICIAL for name in recorded(carrier) for change in CHANGES]


@pytest.mark.parametrize(("carrier", "name", "change"), TRIALS)
def test_the_official_library_and_ours_agree(carrier: str, name: str, change: str) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    signed = SIGNERS.by_carrier[carrier](read_request(HERE / carrier / f"{name}.http"), secrets_of(carrier), now)
    request = CHANGES[change](signed)

    verdict = is_accepted(carrier, request, now)

    assert verdict == OFFICIAL[carrier](request)


def is_accepted(carrier: str, request: RawRequest, now: datetime) -> bool:
    try:
        connection(carrier).verify(request, now)
    except BadSignature:
        return False
    return True


@pytest.mark.parametrize("carrier", OFFICIAL)
def test_what_is_signed_rightly_is_accepted_by_both(carrier: str) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    request = SIGNERS.by_carrier[carrier](read_request(HERE / carrier / "mo_plain.http"), secrets_of(carrier), now)

    verdicts = [is_accepted(carrier, request, now), OFFICIAL[carrier](request)]

    assert verdicts == [True, True]


@pytest.mark.parametrize("port", ["", ":443", ":8443"])
def test_twilio_may_sign_the_url_with_or_without_its_port(port: str) -> None:
    url = f"https://sms.example{port}/in/twilio/1/mo"
    request = replace(read_request(HERE / "twilio" / "mo_plain.http"), url=url)
    proof = TwilioValidator("t0k3n").compute_signature("https://sms.example/in/twilio/1/mo", Lists(fields_of(request)))
    signed = with_headers(request, x_twilio_signature=proof)

    verdict = is_accepted("twilio", signed, NOW)

    assert verdict == bool(TwilioValidator("t0k3n").validate(url, Lists(fields_of(signed)), proof))


@pytest.mark.parametrize(
    ("settings", "is_good"),
    [("key=k1,algorithm=HMAC_SHA256", True), ("key=k1,algorithm=HMAC_SHA512", False), ("key=k1", False)],
)
def test_twilio_s_shared_keys_name_their_algorithm(settings: str, is_good: bool) -> None:
    view = view_of("twilio", secrets={"auth_token": "t0k3n", "shared_key": "sharedsecret"})
    request = read_request(HERE / "twilio" / "mo_plain.http")
    proof = TwilioValidator("sharedsecret").compute_signature(request.url, Lists(fields_of(request)), "HMAC_SHA256")
    signed = with_headers(request, x_twilio_signature=proof, x_twilio_webhooks_signature_settings=settings)

    verdict = verdict_of(lambda: compile_connection(CARRIERS["twilio"], view).verify(signed, NOW))

    assert verdict is is_good


def verdict_of(check: Callable[[], None]) -> bool:
    try:
        check()
    except BadSignature:
        return False
    return True


def test_plivo_s_older_signature_is_read_when_the_newer_is_not_there() -> None:
    request = read_request(HERE / "plivo" / "mo_plain.http")
    proof = b64(sha256_mac("ptok", f"{request.url}n1".encode()))
    signed = with_headers(request, x_plivo_signature_v2=proof, x_plivo_signature_v2_nonce="n1")

    verdicts = [is_accepted("plivo", signed, NOW), plivo(signed)]

    assert verdicts == [True, True]


@pytest.mark.parametrize(("version", "token"), [("v2", "ptok"), ("v3", "ptok"), ("v2", "other"), ("v3", "other")])
def test_a_subaccount_s_requests_are_proven_by_the_main_account_s_token(version: str, token: str) -> None:
    request = read_request(HERE / "plivo" / "mo_plain.http")
    proof = SIGNERS.by_carrier["plivo"](request, {"auth_token": token}, NOW).headers["x-plivo-signature-v3"]
    nonce = "12345"
    if version == "v2":
        proof = b64(sha256_mac(token, f"{request.url}{nonce}".encode()))
    names = {f"x-plivo-signature-{version}": "AAAA", f"x-plivo-signature-{version}-nonce": nonce}
    signed = with_headers(request, **names, **{f"x-plivo-signature-ma-{version}": proof})

    assert is_accepted("plivo", signed, NOW) is (token == "ptok")


@pytest.mark.parametrize("method", ["md5", "sha1", "sha256", "sha512"])
def test_vonage_signs_with_the_method_of_the_account(method: str) -> None:
    auth = VonageAuth(api_key="abcd", signature_secret=VONAGE_SECRET, signature_method=method)
    values = {"msisdn": "447700900001", "text": "a&b=c d", "timestamp": str(int(NOW.timestamp()))}
    query = f"msisdn=447700900001&text=a%26b%3Dc+d&timestamp={values['timestamp']}&sig={auth.sign_params(dict(values))}"
    view = view_of("vonage", settings={"api_key": "abcd", "signature_method": method})
    plain = read_request(HERE / "vonage" / "mo_get.http")

    verdict = verdict_of(
        lambda: compile_connection(CARRIERS["vonage"], view).verify(replace(plain, query=query, method="GET"), NOW)
    )

    assert verdict


@pytest.mark.parametrize("secret", [VONAGE_SECRET, VONAGE_SECRET[::-1]])
def test_vonage_s_tokens_are_judged_alike(secret: str) -> None:
    plain = read_request(HERE / "vonage_messages" / "mo_plain.http")
    signed = SIGNERS.by_carrier["vonage_messages"](plain, {"signature_secret": secret}, datetime.now(UTC))

    verdict = is_accepted("vonage_messages", signed, datetime.now(UTC))

    assert verdict == vonage_jwt(signed.headers["authorization"].removeprefix("Bearer "), VONAGE_SECRET)
