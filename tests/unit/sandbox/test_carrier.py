"""The simulated carrier beside the real ones: it has a name of its own and makes ordinary requests."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from twoway_router.carriers.engine import CompiledConnection, ConnectionView, compile_connection
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import HttpReply
from twoway_router.carriers.registry import CARRIERS, SANDBOX, add_carriers, carrier_of
from twoway_router.domain.ids import ConnectionId, new_id
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply


@pytest.fixture
def connection() -> CompiledConnection:
    view = ConnectionView(
        connection_id=ConnectionId(new_id()), carrier=SANDBOX, country=None, settings={}, secrets={"key": "long-key"}
    )
    return compile_connection(carrier_of(SANDBOX), view)


def test_it_is_no_carrier_that_operators_connect() -> None:
    assert SANDBOX not in CARRIERS
    assert carrier_of(SANDBOX).name == SANDBOX


def test_its_address_can_never_be_reached() -> None:
    send = carrier_of(SANDBOX).send

    assert send is not None
    assert (urlsplit(send.url).hostname or "").endswith(".invalid")


def test_an_operators_own_carrier_cannot_take_its_name() -> None:
    with pytest.raises(SpecError):
        add_carriers([replace(CARRIERS["generic"], name=SANDBOX)])


@pytest.mark.parametrize(
    ("status", "body", "reply"),
    [
        (200, b'{"id":"sandbox-1"}', Done(reference="sandbox-1")),
        (400, b'{"error":"opted_out"}', Failed(reason="opted_out", detail="code opted_out", opted_out=True)),
        (400, b'{"error":"invalid_recipient"}', Failed(reason="carrier_refused", detail="code invalid_recipient")),
        (429, b'{"error":"throttled"}', Retry(reason="carrier_throttled", detail="code throttled", throttled=True)),
        (503, b'{"error":"unavailable"}', Retry(reason="carrier_retry", detail="code unavailable")),
        (403, b'{"error":"no_sandbox"}', Failed(reason="carrier_refused", detail="code no_sandbox")),
    ],
)
def test_its_answers_are_read_like_any_carriers(
    connection: CompiledConnection, status: int, body: bytes, reply: SendReply
) -> None:
    assert connection.read_reply(HttpReply(status=status, headers={}, body=body)) == reply
