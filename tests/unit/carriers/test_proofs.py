"""Signatures that are forged, stale, foreign or only half there."""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256

import pytest

from tests.carriers.cases import HERE as RECORDED
from tests.carriers.cases import NOW, connection, read_request, sign, view_of
from tests.carriers.signing import SIGNERS, SNS_CERTIFICATE_URL, aws, jwt, sns_certificate, with_headers
from twoway_router.carriers.engine import compile_connection
from twoway_router.carriers.errors import BadSignature, CertificateMissing, SpecError
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.proving.primitives import within
from twoway_router.carriers.proving.verifiers import VERIFIERS
from twoway_router.carriers.registry import CARRIERS
from twoway_router.carriers.sns_hosts import is_allowed

SECRET = "mbsign-0123456789-0123456789-abcdef"


def recorded(carrier: str, name: str = "mo_plain") -> RawRequest:
    return read_request(RECORDED / carrier / f"{name}.http")


def signed(carrier: str, name: str = "mo_plain") -> RawRequest:
    return sign(carrier, recorded(carrier, name))


WINDOWS = [
    ("telnyx", timedelta(seconds=299), True),
    ("telnyx", timedelta(seconds=301), False),
    ("telnyx", timedelta(seconds=-301), False),
    ("sinch", timedelta(hours=23), True),
    ("sinch", timedelta(hours=26), False),
    ("vonage", timedelta(hours=24), True),
    ("vonage", timedelta(hours=26), False),
    ("vonage_messages", timedelta(hours=24), True),
    ("vonage_messages", timedelta(hours=26), False),
    ("bird", timedelta(hours=8), True),
    ("bird", timedelta(hours=11), False),
    ("messagebird", timedelta(seconds=60), True),
    ("messagebird", timedelta(seconds=62), False),
    ("messagebird", timedelta(seconds=-7), False),
]


@pytest.mark.parametrize(("carrier", "age", "is_good"), WINDOWS)
def test_a_signature_is_good_as_long_as_its_carrier_repeats(carrier: str, age: timedelta, is_good: bool) -> None:
    request = signed(carrier)

    assert is_accepted(carrier, request, NOW + age) is is_good


def is_accepted(carrier: str, request: RawRequest, now: datetime = NOW) -> bool:
    try:
        connection(carrier).verify(request, now)
    except BadSignature:
        return False
    return True


SIGNED = sorted(SIGNERS.by_carrier)
PROOF_HEADERS = ["x-twilio-signature", "telnyx-signature-ed25519", "x-sinch-webhook-signature", "x-plivo-signature-v3"]
PROOF_HEADERS += ["messagebird-signature", "messagebird-signature-jwt", "authorization"]


@pytest.mark.parametrize("carrier", [carrier for carrier in SIGNED if carrier not in ("aws", "vonage")])
@pytest.mark.parametrize(
    "forged", ["", "x", "=", "\xff", "é" * 44, "a.b.c", "Bearer a.b", "Bearer e30.e30.e30", "A" * 88]
)
def test_a_forged_signature_is_refused(carrier: str, forged: str) -> None:
    request = signed(carrier)
    headers = {name: forged if name in PROOF_HEADERS else value for name, value in request.headers.items()}

    assert not is_accepted(carrier, replace(request, headers=headers))


def token(claims: Mapping[str, object], algorithm: str = "HS256") -> str:
    made = jwt(claims, SECRET).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).rstrip(b"=").decode()
    return ".".join([made[0] if algorithm == "HS256" else head, *made[1:]])


def claims_of(request: RawRequest, **changes: object) -> dict[str, object]:
    at = int(NOW.timestamp())
    claims: dict[str, object] = {"iss": "MessageBird", "nbf": at, "exp": at + 60}
    claims |= {"url_hash": sha256(request.url.encode()).hexdigest(), "payload_hash": sha256(request.body).hexdigest()}
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


WRONG_CLAIMS: list[dict[str, object]] = [
    {"iss": "Someone"},
    {"iss": None},
    {"exp": None},
    {"nbf": None},
    {"exp": 1},
    {"nbf": 4_000_000_000},
    {"url_hash": "0" * 64},
    {"url_hash": None},
    {"payload_hash": "0" * 64},
    {"payload_hash": None},
]


@pytest.mark.parametrize("changes", WRONG_CLAIMS, ids=str)
def test_a_token_with_a_wrong_or_missing_claim_is_refused(changes: dict[str, object]) -> None:
    request = recorded("messagebird")
    spoiled = with_headers(request, messagebird_signature_jwt=token(claims_of(request, **changes)))

    assert not is_accepted("messagebird", spoiled)


@pytest.mark.parametrize(
    ("algorithm", "is_good"), [("HS256", True), ("none", False), ("RS256", False), ("hs256", False)]
)
def test_a_token_may_not_choose_another_algorithm(algorithm: str, is_good: bool) -> None:
    request = recorded("messagebird")
    made = with_headers(request, messagebird_signature_jwt=token(claims_of(request), algorithm))

    assert is_accepted("messagebird", made) is is_good


def test_a_token_for_a_request_without_body_has_no_payload_hash() -> None:
    request = recorded("messagebird", "mo_get")
    made = with_headers(request, messagebird_signature_jwt=token(claims_of(request)))

    assert not is_accepted("messagebird", made)


def test_twilio_covers_a_json_body_by_its_hash_in_the_url() -> None:
    body = b'{"Body":"PIZZA"}'
    target = f"/in/twilio/1/mo?bodySHA256={sha256(body).hexdigest()}"
    plain = RawRequest(
        method="POST", path="/in/twilio/1/mo", query=target.partition("?")[2],
        headers={"content-type": "application/json"}, body=b"", url=f"https://sms.example{target}",
    )  # fmt: skip
    request = replace(sign("twilio", plain), body=body)

    verdicts = [is_accepted("twilio", request), is_accepted("twilio", replace(request, body=body + b" "))]

    assert verdicts == [True, False]


def test_twilio_s_json_body_without_a_hash_is_refused() -> None:
    plain = replace(recorded("twilio"), body=b"", headers={"content-type": "application/json"})

    assert not is_accepted("twilio", replace(sign("twilio", plain), body=b"{}"))


def test_vonage_s_oldest_method_appends_the_secret() -> None:
    view = view_of("vonage", settings={"api_key": "abcd", "signature_method": "md5hash"})
    stamp = str(int(NOW.timestamp()))
    from_document = f"&text=a_b&timestamp={stamp}sigsecret-0123456789-0123456789-abc"
    proof = md5(from_document.encode()).hexdigest()
    request = replace(recorded("vonage", "mo_get"), query=f"text=a%26b&timestamp={stamp}&sig={proof}")

    compile_connection(CARRIERS["vonage"], view).verify(request, NOW)


@pytest.mark.parametrize(
    ("stamp", "is_good"),
    [
        (str(NOW.timestamp()), True),
        (str(int(NOW.timestamp() * 1000)), True),
        (NOW.isoformat(), True),
        ("soon", False),
        ("nan", False),
        ("inf", False),
        ("1", False),
    ],
)
def test_a_time_of_signing_may_be_written_in_three_ways(stamp: str, is_good: bool) -> None:
    try:
        within(stamp, NOW, 5)
        verdict = True
    except BadSignature:
        verdict = False

    assert verdict is is_good


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host far from UTC."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_a_time_of_signing_without_a_zone_is_in_utc_wherever_we_run() -> None:
    within(NOW.replace(tzinfo=None).isoformat(), NOW, 1)


URLS = [
    ("https://sns.eu-west-1.amazonaws.com/x.pem", True),
    ("https://sns.cn-north-1.amazonaws.com.cn/x.pem", True),
    ("https://sns.eu-west-1.amazonaws.com:443/x.pem", True),
    ("http://sns.eu-west-1.amazonaws.com/x.pem", False),
    ("https://sns.eu-west-1.amazonaws.com:8443/x.pem", False),
    ("https://sns.eu-west-1.amazonaws.com.evil.example/x.pem", False),
    ("https://sns.eu-west-1.amazonaws.com@evil.example/x.pem", False),
    ("https://user@sns.eu-west-1.amazonaws.com/x.pem", False),
    ("https://evil.example/sns.eu-west-1.amazonaws.com/x.pem", False),
    ("https://sns.a.b.amazonaws.com/x.pem", False),
    ("https://s3.amazonaws.com/x.pem", False),
    ("https://[::1", False),
    ("https://sns.eu-west-1.amazonaws.com:x/", False),
    ("", False),
]


@pytest.mark.parametrize(("url", "is_good"), URLS)
def test_only_amazon_s_own_host_is_ever_asked(url: str, is_good: bool) -> None:
    assert is_allowed(url) is is_good


def envelope(**changes: object) -> RawRequest:
    """A notification, changed before it is signed."""
    request = recorded("aws")
    return aws(replace(request, body=json.dumps({**json.loads(request.body), **changes}).encode()), {}, NOW)


WRONG_ENVELOPES: list[dict[str, object]] = [
    {"TopicArn": "arn:aws:sns:eu-west-1:9:other"},
    {"SigningCertURL": "https://evil.example/x.pem"},
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.txt"},
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/x.pem"},
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/a/SimpleNotificationService-1.pem"},
    {
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem?Action=GetEndpointAttributes"
    },
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem#x"},
    {"SignatureVersion": "3"},
]


@pytest.mark.parametrize("changes", WRONG_ENVELOPES, ids=str)
def test_a_foreign_envelope_is_refused_without_fetching(changes: dict[str, object]) -> None:
    assert not is_accepted("aws", envelope(**changes))


def test_an_envelope_changed_after_signing_is_refused() -> None:
    request = envelope()

    assert not is_accepted("aws", replace(request, body=request.body.replace(b"PIZZA", b"PASTA")))


def test_an_unknown_certificate_is_asked_for() -> None:
    other = SNS_CERTIFICATE_URL.replace("test", "new")

    with pytest.raises(CertificateMissing) as missing:
        connection("aws").verify(envelope(SigningCertURL=other), NOW)

    assert missing.value.url == other


@pytest.mark.parametrize("pem", ["", "no certificate", sns_certificate()[:200]])
def test_a_broken_certificate_proves_nothing(pem: str) -> None:
    view = view_of("aws", certificates={SNS_CERTIFICATE_URL: pem})

    with pytest.raises(BadSignature):
        compile_connection(CARRIERS["aws"], view).verify(envelope(), NOW)


@pytest.mark.parametrize("key", ["", "no base64!", "AAAA"])
def test_a_wrong_public_key_is_named(key: str) -> None:
    with pytest.raises(SpecError, match="public_key"):
        VERIFIERS["ed25519"].compile({"public_key": key, "header": "a", "timestamp_header": "b"}, {})


def test_an_unknown_algorithm_is_named() -> None:
    with pytest.raises(SpecError, match="algorithm"):
        VERIFIERS["hmac"].compile({"secret": "x", "header": "h", "algorithm": "rot13"}, {})


def test_a_batch_with_messages_is_not_taken_for_a_handshake() -> None:
    question = json.loads(recorded("azure", "mo_handshake").body)
    batch = json.loads(recorded("azure").body)
    request = replace(recorded("azure"), body=json.dumps(question + batch).encode())

    parsed = connection("azure").parse("mo", request, datetime.now(UTC))

    assert (len(parsed.messages), parsed.answer) == (1, None)
