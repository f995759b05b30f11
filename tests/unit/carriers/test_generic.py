"""The generic carrier: works with nothing but a key, and with everything declared."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import digest
from uuid import UUID

import orjson
import pytest

from twoway_router.carriers.engine import CompiledConnection, ConnectionView, compile_connection
from twoway_router.carriers.errors import BadSignature, SpecError
from twoway_router.carriers.http import AckOutcome, HttpReply, RawRequest
from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import Capability, DeliveryState, Encoding, OutboundMessage
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANN = "+393331230001"


def a_connection(
    settings: Mapping[str, object] | None = None, secrets: Mapping[str, str] | None = None
) -> CompiledConnection:
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=1)),
        carrier="generic",
        country="IT",
        settings=settings or {"send_url": "https://gateway.example/send"},
        secrets=secrets if secrets is not None else {"key": "s3cret"},
        public_url="https://sms.example/in/generic/1",
    )
    return compile_connection(CARRIERS["generic"], view)


def a_request(body: bytes = b"", query: str = "key=s3cret", method: str = "POST", **headers: str) -> RawRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = "/in/generic/1/mo"
    return RawRequest(
        method=method, path=path, query=query, headers=named, body=body, url=f"https://sms.example{path}?{query}"
    )


def an_mt() -> OutboundMessage:
    return OutboundMessage(
        reference="mt-1", sender="12345", recipient=ANN, text="Ciao, è pronta", encoding=Encoding.GSM7, segments=1
    )


BODIES = [
    (b'{"id":"m1","from":"+393331230001","to":"12345","text":"PIZZA \\u00e8"}', "application/json"),
    (b'{"id":"m1","from":"393331230001","to":12345,"text":"PIZZA \xc3\xa8"}', "text/plain"),
    (b'{"id":"m1","from":3.93331230001e11,"to":12345.0,"text":"PIZZA \xc3\xa8"}', "application/json"),
    (b'{"id":"m1","from":"tel:+393331230001","to":"TEL:12345","text":"PIZZA \xc3\xa8"}', "application/json"),
    (b"id=m1&from=%2B393331230001&to=12345&text=PIZZA+%C3%A8", "application/x-www-form-urlencoded"),
    (b"id=m1&from=00393331230001&to=12345&text=PIZZA%20%c3%a8&text=second", "application/json"),
]


@pytest.mark.parametrize(("body", "content_type"), BODIES)
def test_a_key_is_enough_to_receive(body: bytes, content_type: str) -> None:
    connection, request = a_connection(), a_request(body, content_type=content_type)

    connection.verify(request, NOW)
    (message,) = connection.parse("mo", request, NOW).messages

    assert (message.carrier_message_id, message.sender, message.recipient, message.text) == (
        "m1",
        ANN,
        "12345",
        "PIZZA è",
    )


def test_a_get_is_read_from_its_query() -> None:
    request = a_request(query="key=s3cret&id=m1&from=%2B393331230001&to=12345&text=CIAO", method="GET")

    parsed = a_connection().parse("mo", request, NOW)

    assert parsed.messages[0].text == "CIAO"


@pytest.mark.parametrize("query", ["", "key=", "key=wrong", "key=wrong&key=s3cret", "KEY=s3cret", "key=%ff%00"])
def test_a_wrong_key_is_refused(query: str) -> None:
    with pytest.raises(BadSignature):
        a_connection().verify(a_request(query=query), NOW)


def test_a_connection_without_secrets_refuses_everything() -> None:
    with pytest.raises(BadSignature):
        a_connection(secrets={}).verify(a_request(), NOW)


def test_an_operator_may_switch_proofs_off() -> None:
    connection = a_connection(settings={"allow_unsigned": True}, secrets={})

    connection.verify(a_request(query=""), NOW)


def signed(body: bytes, at: datetime) -> RawRequest:
    stamp = str(int(at.timestamp()))
    signature = digest(b"shh", stamp.encode() + b"." + body, sha256).hex()
    return a_request(body, query="", x_signature=signature, x_time=stamp)


def test_a_signature_within_the_window_is_accepted() -> None:
    connection = a_connection(settings={"hmac_timestamp_header": "X-Time"}, secrets={"hmac_secret": "shh"})

    connection.verify(signed(b"{}", NOW - timedelta(seconds=299)), NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_replayed_or_future_signature_is_refused(seconds: int) -> None:
    connection = a_connection(settings={"hmac_timestamp_header": "X-Time"}, secrets={"hmac_secret": "shh"})

    with pytest.raises(BadSignature, match="stale_timestamp"):
        connection.verify(signed(b"{}", NOW + timedelta(seconds=seconds)), NOW)


def test_all_configured_proofs_are_demanded() -> None:
    connection = a_connection(secrets={"key": "s3cret", "hmac_secret": "shh"})

    with pytest.raises(BadSignature, match="no_signature"):
        connection.verify(a_request(), NOW)


def test_the_default_send_is_a_json_post() -> None:
    request = a_connection().build_send(an_mt())

    assert (request.method, request.url) == ("POST", "https://gateway.example/send")
    assert orjson.loads(request.body) == {"reference": "mt-1", "from": "12345", "to": ANN, "text": "Ciao, è pronta"}


REPLIES = [
    (HttpReply(status=200, body=b'{"id":"c1"}'), Done(reference="c1")),
    (HttpReply(status=202, body=b'{"id":7}'), Done(reference="7")),
    (HttpReply(status=200, body=b"<html>"), Unknown(reason="unreadable_reply")),
    (HttpReply(status=200, body=b"{}"), Unknown(reason="unreadable_reply")),
    (HttpReply(status=400, body=b'{"code":"bad_number"}'), Failed(reason="carrier_refused", detail="code bad_number")),
    (HttpReply(status=404, body=b""), Failed(reason="carrier_refused", detail="status 404")),
    (HttpReply(status=503, body=b""), Retry(reason="carrier_retry", detail="status 503")),
    (HttpReply(status=500, body=b'{"code":"oops"}'), Unknown(reason="carrier_error", detail="code oops")),
    (
        HttpReply(status=429, headers={"retry-after": "3"}),
        Retry(reason="carrier_throttled", detail="status 429", after=timedelta(seconds=3), throttled=True),
    ),
]


@pytest.mark.parametrize(("reply", "outcome"), REPLIES)
def test_an_answer_is_read_into_an_outcome(reply: HttpReply, outcome: SendReply) -> None:
    assert a_connection().read_reply(reply) == outcome


RECEIPTS = [
    (b'{"id":"c1","status":"delivered"}', "c1", None, DeliveryState.DELIVERED),
    (b'{"reference":"mt-1","id":"c1","status":"FAILED"}', None, "mt-1", DeliveryState.UNDELIVERED),
    (b"reference=mt-1&status=sent", None, "mt-1", DeliveryState.ACCEPTED),
    (b"reference=mt-1&status=eaten", None, "mt-1", DeliveryState.UNKNOWN),
]


@pytest.mark.parametrize(("body", "identifier", "reference", "state"), RECEIPTS)
def test_a_receipt_names_one_mt_and_a_state(
    body: bytes, identifier: str | None, reference: str | None, state: DeliveryState
) -> None:
    (receipt,) = a_connection().parse("dlr", a_request(body), NOW).receipts

    assert (receipt.carrier_message_id, receipt.reference, receipt.state) == (identifier, reference, state)


def test_everything_may_be_declared() -> None:
    connection = a_connection(
        settings={
            "fields": {
                "sender": "message.msisdn",
                "recipient": "message.shortcode",
                "text": "message.body",
                "id": "message.no",
            },
            "ack_body": "000",
            "capability": "idempotent",
            "send_url": "https://gateway.example/{send_token}/send",
            "send_format": "query",
            "send_method": "GET",
            "send_fields": {
                "dest": "{recipient_digits}",
                "msg": "{text}",
                "link": "{reply_token?}",
                "dlr": "{receipt_url}",
            },
            "send_id": "-",
        },
        secrets={"key": "k", "send_token": "tok/en"},
    )

    message = connection.parse(
        "mo", a_request(b'{"message":{"no":1,"msisdn":"3331230001","shortcode":"12345","body":null}}'), NOW
    ).messages[0]

    assert (message.carrier_message_id, message.sender, message.text) == ("1", ANN, "")
    assert connection.capability is Capability.IDEMPOTENT
    assert connection.acknowledge(AckOutcome.DUPLICATE).body == b"000"
    assert connection.build_send(an_mt()).url == (
        "https://gateway.example/tok/en/send?dest=393331230001&msg=Ciao%2C+%C3%A8+pronta"
        "&dlr=https%3A%2F%2Fsms.example%2Fin%2Fgeneric%2F1%2Fdlr%3Fkey%3Dk"
    )


WRONG_SETTINGS = [
    {"fields": {"whom": "x"}},
    {"statuses": {"OK": "fine"}},
    {"capability": "magic"},
    {"zone": "Mars/Base"},
    {"ack_status": "20"},
    {"send_url": "https://x/{nothing}"},
    {"send_url": "https://x", "send_errors": {"5": "explode"}},
    {"hmac_template": "{what}"},
    {"hmac_window": "soon"},
    {"hmac_window": "nan"},
    {"hmac_window": "-1"},
    {"hmac_header": "x signature"},
    {"hmac_encoding": "base46"},
    {"zone": "../x"},
    {"time_format": "%Q"},
    {"text_charset": "klingon"},
    {"fields": {"sender": "headr:x"}},
    {"ack_status": "²00"},
    {"ack_status": "204", "ack_body": "thanks"},
    {"ack_content_type": "text/plain\r\nx-more: 1"},
    {"ack_content_type": "text/plain; name=€"},
    {"capability": "look_up"},
    {"look_up_url": "gateway.example"},
    {"send_url": "ftp://gateway.example"},
    {"send_url": "https://"},
    {"send_url": "https://[::1"},
    {"send_url": "https://x:99999"},
    {"send_url": "https://x", "send_headers": {"x y": "1"}},
    {"send_url": "https://x", "send_headers": {"x": "1\r\ny: 2"}},
    {"send_url": "https://x", "send_success": "=0"},
    {"send_url": "https://x", "send_success": "status"},
]


def test_an_empty_setting_is_one_that_is_not_set() -> None:
    names = [
        setting.name for setting in CARRIERS["generic"].settings if setting.kind == "text" and not setting.is_secret
    ]

    connection = a_connection(settings=dict.fromkeys(names, ""), secrets={"key": "s3cret", "hmac_secret": "shh"})

    connection.verify(a_request(b"{}", x_signature=digest(b"shh", b"{}", sha256).hex()), NOW)


@pytest.mark.parametrize("settings", WRONG_SETTINGS, ids=str)
def test_settings_that_cannot_work_are_named(settings: Mapping[str, object]) -> None:
    with pytest.raises(SpecError):
        a_connection(settings=settings, secrets={"hmac_secret": "x"})


def id_of(body: bytes, now: datetime = NOW) -> str:
    return a_connection().parse("mo", a_request(body), now).messages[0].carrier_message_id


YES = b'{"from":"+393331230001","to":"12345","text":"YES","time":"2026-11-22T11:59:5%d"}'
TIMELESS = b'{"from":"+393331230001","to":"12345","text":"YES"}'


def test_without_ids_a_repetition_is_known_by_its_time_however_late() -> None:
    assert id_of(YES % 8) == id_of(YES % 8, NOW + timedelta(hours=3))


def test_without_ids_two_yes_a_second_apart_are_two_messages() -> None:
    assert id_of(YES % 8) != id_of(YES % 9)


def test_without_ids_and_times_a_repetition_counts_once_within_a_minute() -> None:
    ids = [id_of(TIMELESS, NOW + timedelta(seconds=seconds)) for seconds in (0, 59, 60)]

    assert [ids[0] == ids[1], ids[0] == ids[2]] == [True, False]


def test_an_endless_id_is_cut_to_a_digest() -> None:
    body = b'{"id":"%s","from":"+393331230001","to":"12345","text":"x"}' % (b"9" * 10_000)

    assert len(id_of(body)) < 60
