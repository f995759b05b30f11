"""Webhook URLs, secrets and bodies."""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import get_args
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook

from twoway_router.events.catalogue import EVENTS, EventType, Window
from twoway_router.routing.types import WindowState
from twoway_router.webhooks.openapi import webhook_routes
from twoway_router.webhooks.rules import (
    BadWebhookSecret,
    BadWebhookUrl,
    check_secret,
    check_url,
    event_body,
    make_secret,
    seal_value,
    signing_secrets,
)

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com/sms",
        "https://crm.example.com:8443/sms?key=1",
        "https://93.184.216.34/x",
        "https://[2606:2800:220:1::1]/x",
        "https://bücher.example/x",
        "https://xn--bcher-kva.example./x",
    ],
)
def test_a_public_https_url_is_acceptable(url: str) -> None:
    check_url(url, ())


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example.com:5432/x",
        "http://crm.example.com/sms",
        "ftp://crm.example.com/",
        "https://",
        "https:///x",
        "crm.example.com",
        "https://user@crm.example.com/",
        "https://user:secret@crm.example.com/",
        "https://crm.example.com/#part",
        "https://crm.example.com:0/",
        "https://crm.example.com:99999/",
        "https://crm.example.com/a b",
        "https://crm.example.com/a\nb",
        "https://localhost/",
        "https://metadata/",
        "https://db.internal/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://10.0.0.7/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://exa_mple..com/",
    ],
)
def test_what_is_not_public_or_not_https_is_refused(url: str) -> None:
    with pytest.raises(BadWebhookUrl) as caught:
        check_url(url, ())

    assert caught.value.errors[0].pointer == "/url"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/sink", "http://localhost:9000/", "https://10.0.0.1/"])
def test_an_operator_may_allow_networks(url: str) -> None:
    allowed = (*LOOPBACK, ip_network("10.0.0.0/24"))

    check_url(url, allowed)


def test_an_allowed_network_allows_no_other() -> None:
    with pytest.raises(BadWebhookUrl):
        check_url("http://10.0.0.1/", LOOPBACK)


def test_a_made_secret_is_one_that_receivers_libraries_read() -> None:
    secret = make_secret(lambda size: bytes(range(size)))

    check_secret(secret)
    assert Webhook(secret).sign("msg", NOW, "{}").startswith("v1,")


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 200, "whsec_§"]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(BadWebhookSecret):
        check_secret(secret)


@pytest.mark.parametrize(
    ("expires_at", "expected"),
    [(None, ("new",)), (NOW, ("new",)), (NOW + timedelta(seconds=1), ("new", "old"))],
)
def test_the_secret_before_signs_until_it_expires(expires_at: datetime | None, expected: tuple[str, ...]) -> None:
    assert signing_secrets(seal_value(["new", "old"]), expires_at, NOW) == expected


def test_a_body_has_type_timestamp_and_data() -> None:
    body = event_body("webhook.test", {"endpoint_id": UUID(int=1), "note": "ciao 👋"}, NOW)

    assert json.loads(body) == {
        "type": "webhook.test",
        "timestamp": "2026-03-02T12:00:00Z",
        "data": {"endpoint_id": "00000000-0000-0000-0000-000000000001", "note": "ciao 👋"},
    }


def test_a_body_that_is_too_large_has_its_texts_cut() -> None:
    body = json.loads(event_body("message.received", {"text": "x" * 50_000, "values": [{"a": "y" * 9000}]}, NOW))

    assert body["is_cut"] is True
    assert len(body["data"]["text"]) == len(body["data"]["values"][0]["a"]) == 1000


def test_every_event_type_has_its_place_in_the_catalogue() -> None:
    assert set(EVENTS) == set(get_args(EventType))


def test_an_event_s_window_is_one_of_routing_s() -> None:
    assert set(get_args(Window)) == {each.value for each in WindowState}


@pytest.mark.parametrize("event_type", list(EVENTS))
def test_the_example_of_an_event_is_true(event_type: EventType) -> None:
    spec = EVENTS[event_type]

    data = spec.data.model_validate(spec.example)

    assert set(spec.example) <= set(data.model_dump())


def test_every_event_is_documented() -> None:
    assert {getattr(route, "path", "") for route in webhook_routes().routes} == set(EVENTS)
