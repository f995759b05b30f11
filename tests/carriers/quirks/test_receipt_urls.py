"""The address that carriers get for their receipts: what is demanded there stands in it, key and password."""

import base64
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest

from tests.carriers.cases import NOW, an_mt, table, view_of
from twoway_router.carriers.engine import CompiledConnection, compile_connection
from twoway_router.carriers.errors import BadSignature
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.registry import CARRIERS

NAMES = {"generic": ("username", "password")}
SENDING = {"send_fields": {"to": "{recipient}", "report": "{receipt_url}"}}
URLS = {
    "46elks": "whendelivered=",
    "generic": '"report":"',
    "infobip": '"delivery":{"url":"',
    "sinch": '"callback_url":"',
}
"""Where the URL stands in a request. Bandwidth's is entered once, in its application."""


def with_basic(carrier: str, *, has_key: bool) -> CompiledConnection:
    """The recorded connection with a user and a password that have to be quoted in a URL."""
    told, (user, password) = table(carrier)["connection"], NAMES.get(carrier, ("webhook_username", "webhook_password"))
    secrets = {name: secret for name, secret in told["secrets"].items() if name not in ("key", "webhook_secret")}
    view = view_of(
        carrier,
        settings={**told.get("settings", {}), user: "hook@er", **(SENDING if carrier == "generic" else {})},
        secrets={**secrets, password: "p/w:é", **({"key": "a b&c"} if has_key else {})},
    )
    return compile_connection(CARRIERS[carrier], view)


def receipt_url(carrier: str, compiled: CompiledConnection) -> str:
    written = compiled.build_send(an_mt({"text": "Hi", "reference": "01a"}), NOW).body.decode()
    if carrier == "46elks":
        return unquote(written.partition(URLS[carrier])[2].partition("&")[0])
    return written.partition(URLS[carrier])[2].partition('"')[0]


def visit(url: str, proof: str | None) -> RawRequest:
    """What a carrier posts there."""
    parts = urlsplit(url)
    headers = {"authorization": proof} if proof else {}
    return RawRequest(method="POST", path=parts.path, query=parts.query, headers=headers, body=b"{}", url=url)


def proof_of(url: str) -> str:
    """The header that an HTTP client makes of the user and password in a URL."""
    parts = urlsplit(url)
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize("carrier", URLS)
@pytest.mark.parametrize("has_key", [False, True], ids=["basic", "basic and key"])
def test_a_receipt_that_goes_where_it_was_told_is_proven(carrier: str, has_key: bool) -> None:
    compiled = with_basic(carrier, has_key=has_key)
    url = receipt_url(carrier, compiled)

    compiled.verify(visit(url, proof_of(url)), NOW)

    assert url.startswith(f"https://hook%40er:p%2Fw%3A%C3%A9@sms.example/in/{carrier}/1/dlr")
    assert ("key=a%20b%26c" in url) == has_key


@pytest.mark.parametrize("carrier", URLS)
def test_a_receipt_without_the_password_is_refused(carrier: str) -> None:
    compiled = with_basic(carrier, has_key=True)
    url = receipt_url(carrier, compiled)

    for proof in (None, "Basic ", "Basic AAAA", "Bearer x", proof_of(url.replace("hook", "hack"))):
        with pytest.raises(BadSignature):
            compiled.verify(visit(url, proof), NOW)


@pytest.mark.parametrize("carrier", URLS)
def test_a_receipt_without_the_key_is_refused(carrier: str) -> None:
    compiled = with_basic(carrier, has_key=True)
    url = receipt_url(carrier, compiled)

    with pytest.raises(BadSignature):
        compiled.verify(replace(visit(url, proof_of(url)), query=""), NOW)
