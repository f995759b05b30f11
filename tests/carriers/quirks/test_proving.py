"""Rows 3, 14 and 19: who has signed what and when, behind a proxy, hours later, or only asking whether we are there."""

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.carriers.cases import HOST, NOW, Case, connection, sign, view_of
from tests.carriers.quirks.matrix import EVERYONE, quirk
from tests.carriers.quirks.rewriting import a_draft
from twoway_router.carriers.engine import CompiledConnection, compile_connection
from twoway_router.carriers.errors import BadSignature
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.registry import CARRIERS
from twoway_router.ingress.endpoint import read_request

ODD_QUERY = "b=%7e&a=1%20+2&c=%c3%a8&d"
WINDOWS = {
    "bird": timedelta(hours=10),
    "generic": timedelta(seconds=300),
    "messagebird": timedelta(seconds=61),
    "sinch": timedelta(hours=25),
    "telnyx": timedelta(seconds=300),
    "vonage": timedelta(hours=25),
    "vonage_messages": timedelta(hours=25),
}
"""How old a signature may be. MessageBird says so itself: its token expires, here after a minute."""

GENERIC = {
    "hmac_timestamp_header": "x-time",
    "hmac_template": "{timestamp}.{url}.{body}",
    "send_url": "https://gateway.example/send",
}


GENERIC_SECRETS = {"hmac_secret": "hm4c"}


def _generic(request: RawRequest) -> RawRequest:
    stamp = str(int(NOW.timestamp()))
    signed = f"{stamp}.{request.url}.".encode() + request.body
    proof = hmac.new(b"hm4c", signed, hashlib.sha256).hexdigest()
    return replace(request, headers={**request.headers, "x-time": stamp, "x-signature": proof})


def signed_by(carrier: str, request: RawRequest) -> RawRequest:
    return _generic(request) if carrier == "generic" else sign(carrier, request)


def _connection(carrier: str) -> CompiledConnection:
    if carrier != "generic":
        return connection(carrier)
    return compile_connection(CARRIERS["generic"], view_of("generic", settings=GENERIC, secrets=GENERIC_SECRETS))


async def _behind_a_proxy(request: RawRequest, public_url: str) -> RawRequest:
    """The request as it comes through a proxy that has another host, another scheme and its own headers."""
    headers = {
        **request.headers,
        "host": "10.0.0.7:8080",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "http",
    }
    scope = {
        "type": "http",
        "method": request.method,
        "path": request.path,
        "query_string": request.query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": request.body, "more_body": False}

    return await read_request(scope, receive, public_url=public_url, limit=1_000_000)


@quirk(3)
async def test_a_signature_over_the_public_url_is_accepted(carrier: str) -> None:
    raw = a_draft(carrier).raw
    signed = signed_by(carrier, replace(raw, query=ODD_QUERY, url=f"{HOST}{raw.path}?{ODD_QUERY}"))

    arrived = await _behind_a_proxy(signed, HOST)

    _connection(carrier).verify(arrived, NOW)


@quirk(3)
async def test_another_public_url_proves_nothing(carrier: str) -> None:
    raw = a_draft(carrier).raw
    signed = signed_by(carrier, replace(raw, url=f"https://other.example{raw.path}"))

    with pytest.raises(BadSignature):
        _connection(carrier).verify(await _behind_a_proxy(signed, HOST), NOW)


@pytest.mark.parametrize(
    "value", ["sms.example", "ftp://sms.example", "https://sms.example/x", "https://a@b", "https://"]
)
def test_a_public_address_of_a_connection_s_own_is_an_origin(value: str) -> None:
    problems = CARRIERS["twilio"].check_settings({"account_sid": "AC1", "public_url": value}, {"auth_token": "t0k3n"})

    assert [problem.pointer for problem in problems] == ["/settings/public_url"]


@pytest.mark.parametrize("port", ["", ":443"])
def test_twilio_may_sign_with_or_without_the_port(port: str) -> None:
    raw = a_draft("twilio").raw
    signed = sign("twilio", replace(raw, url=raw.url.replace(HOST, HOST + port)))

    connection("twilio").verify(replace(signed, url=raw.url), NOW)


@quirk(14)
def test_a_signature_is_good_for_its_window_and_no_longer(carrier: str) -> None:
    signed, window = signed_by(carrier, a_draft(carrier).raw), WINDOWS[carrier]

    _connection(carrier).verify(signed, NOW + window - timedelta(seconds=1))

    with pytest.raises(BadSignature):
        _connection(carrier).verify(signed, NOW + window + timedelta(seconds=2))


@quirk(19)
def test_a_probe_or_handshake_stores_nothing(carrier: str) -> None:
    for name in PROBES[carrier]:
        request = Case(carrier, name).request()
        connection(carrier).verify(request, NOW)

        parsed = connection(carrier).parse("mo", request, NOW)

        assert (parsed.messages, parsed.receipts, parsed.rejects) == ((), (), ())
        assert parsed.confirm_url or (parsed.answer and parsed.answer.status in (200, 204))


PROBES = {
    "aws": ["mo_handshake"],
    "azure": ["mo_handshake", "mo_options"],
    "vonage": ["mo_probe"],
    "vonage_messages": ["mo_probe"],
}


@pytest.mark.parametrize("carrier", EVERYONE)
def test_a_bare_get_is_never_an_error(carrier: str) -> None:
    raw = a_draft(carrier).raw
    bare = replace(raw, method="GET", body=b"", query="", headers={}, url=raw.url.partition("?")[0])

    parsed = connection(carrier).parse("mo", bare, NOW)

    assert (parsed.messages, parsed.receipts) == ((), ())


def test_a_json_body_that_twilio_has_not_signed_is_refused() -> None:
    raw = a_draft("twilio").raw
    json_body = replace(raw, body=b'{"From": "+12025550123"}', headers={"content-type": "application/json"})
    digest = hashlib.sha256(json_body.body).hexdigest()
    covered = replace(json_body, query=f"bodySHA256={digest}", url=f"{raw.url.partition('?')[0]}?bodySHA256={digest}")
    signed, unsigned = (_url_signed(each) for each in (covered, json_body))

    connection("twilio").verify(signed, NOW)

    with pytest.raises(BadSignature):
        connection("twilio").verify(unsigned, NOW)
    with pytest.raises(BadSignature):
        connection("twilio").verify(replace(signed, body=b'{"From": "+12025550199"}'), NOW)


def _url_signed(request: RawRequest) -> RawRequest:
    """Signed as Twilio signs what is no form: the URL alone."""
    signed = sign("twilio", replace(request, method="GET"))
    return replace(request, headers={**request.headers, "x-twilio-signature": signed.headers["x-twilio-signature"]})
