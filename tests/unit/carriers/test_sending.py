"""Requests that hand MTs over and answers to them: placeholders, waits, look-ups, signatures, settings that are wrong."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.carriers.cases import NOW, an_mt, connection, view_of
from twoway_router.carriers.engine import CompiledConnection, ConnectionView, compile_connection
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import AckOutcome, HttpReply
from twoway_router.carriers.placeholders import fill_all
from twoway_router.carriers.registry import CARRIERS
from twoway_router.carriers.sending.replies import ReplyReader
from twoway_router.carriers.sending.templates import compile_text, compile_tree
from twoway_router.carriers.spec import CarrierSpec, Event, Send, Setting
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown

KNOWN = frozenset(("text", "token"))


def generic(**settings: object) -> CompiledConnection:
    return compile_connection(CARRIERS["generic"], view_of("generic", settings=settings))


TEMPLATES = [
    ("{text}", {"text": "x"}, "x"),
    ("a{text}b{key}", {"text": "x"}, "axbk"),
    ("{token?}", {}, None),
    ("{token?}", {"token": ""}, None),
    ("{nothing?}", {}, None),
    ("{token|key}", {}, "k"),
    ("{token|key}", {"token": "t"}, "t"),
    ("{key}", {}, "k"),
    ("{odd}", {}, "{text}"),
    ("{Not a hole}", {}, "{Not a hole}"),
    ("", {}, ""),
]


@pytest.mark.parametrize(("template", "message", "wanted"), TEMPLATES)
def test_a_template_is_filled(template: str, message: dict[str, str], wanted: str | None) -> None:
    render = compile_text(template, {"key": "k", "odd": "{text}"}, KNOWN)

    assert render(message) == wanted


def test_a_value_is_escaped_and_a_setting_is_not() -> None:
    render = compile_text("{key}/{text}", {"key": "a/b"}, KNOWN, lambda value: value.replace("/", "%2F"))

    assert render({"text": "c/d"}) == "a/b/c%2Fd"


def test_entries_without_their_value_disappear() -> None:
    build = compile_tree({"a": ["{token?}", "{text}"], "b": "{token?}", "c": {"d": 7, "e": None}}, {}, KNOWN)

    assert build({"text": "x"}) == {"a": ["x"], "c": {"d": 7, "e": None}}


def test_an_unknown_name_is_a_mistake() -> None:
    with pytest.raises(SpecError, match="recipent"):
        compile_text("{recipent}", {}, KNOWN)


def test_data_is_filled_however_deep() -> None:
    event = Event(kind="mo", text="{a}", extra={"x": "{b?}"})

    assert fill_all((event,), {"a": "body"}) == (Event(kind="mo", text="body", extra={"x": ""}),)


WAITS = [
    ({"retry-after": "3"}, timedelta(seconds=3)),
    ({"retry-after": "0.5"}, timedelta(seconds=0.5)),
    ({"retry-after": "999999999"}, timedelta(days=1)),
    ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, timedelta(seconds=30)),
    ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, timedelta(0)),
    ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, None),
    ({"retry-after": "Sun, 22 Nov 2026 12:00:30 -0000", "date": "Sun, 22 Nov 2026 12:00:00 GMT"}, None),
    ({"retry-after": "-5"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "later", "date": "now"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "wait"), WAITS)
def test_the_wish_to_wait_is_respected(headers: dict[str, str], wait: timedelta | None) -> None:
    outcome = connection("generic").read_reply(HttpReply(status=429, headers=headers))

    assert outcome == Retry(reason="carrier_throttled", detail="status 429", after=wait, throttled=True)


def test_what_a_carrier_says_is_not_repeated_but_its_code() -> None:
    body = json.dumps({"code": "bad\u202e" + "x" * 200, "message": "+393331230001 is wrong"}).encode()

    outcome = connection("generic").read_reply(HttpReply(status=400, body=body))

    assert "3933" not in repr(outcome)
    assert len(repr(outcome)) < 200


LOOK_UPS = [
    (HttpReply(status=200, body=b'{"id":"c-1"}'), Done(reference="c-1")),
    (HttpReply(status=404), Retry(reason="not_found")),
    (HttpReply(status=500), Unknown(reason="look_up_failed", detail="status 500")),
    (HttpReply(status=200, body=b"<html>"), Unknown(reason="look_up_failed", detail="status 200")),
]


@pytest.mark.parametrize(("reply", "outcome"), LOOK_UPS)
def test_a_carrier_that_can_be_asked_tells_the_fate_of_an_mt(reply: HttpReply, outcome: SendReply) -> None:
    settings = {
        "look_up_url": "https://g.example/m/{reference}",
        "capability": "look_up",
        "send_headers": {"X-T": "{key}"},
    }
    compiled = generic(**settings)

    request = compiled.build_look_up("mt/1")

    assert (request.method, request.url, dict(request.headers)) == (
        "GET",
        "https://g.example/m/mt%2F1",
        {"x-t": "s3cret"},
    )
    assert compiled.read_look_up(reply) == outcome


def test_a_connection_that_only_receives_says_so() -> None:
    compiled = generic()

    for refused in (
        lambda: compiled.build_send(an_mt({"text": "x"})),
        lambda: compiled.read_reply(HttpReply(status=200)),
        lambda: compiled.build_look_up("x"),
        lambda: compiled.read_look_up(HttpReply(status=200)),
    ):
        with pytest.raises(SpecError):
            refused()


def test_a_form_repeats_the_name_of_a_list() -> None:
    compiled = generic(
        send_url="https://g.example", send_format="form", send_fields={"to": ["{recipient}", "{sender}"]}
    )

    assert compiled.build_send(an_mt({"text": "x"})).body == b"to=%2B393331230001&to=12345"


def test_a_query_is_added_to_an_address_that_has_one() -> None:
    compiled = generic(
        send_url="https://g.example/?a=1", send_format="query", send_method="GET", send_fields={"t": "{text}"}
    )

    assert compiled.build_send(an_mt({"text": "x y"})).url == "https://g.example/?a=1&t=x+y"


def test_a_declared_success_is_demanded() -> None:
    compiled = generic(
        send_url="https://g.example", send_success="status=ok", send_errors={"E7": "opted_out", "busy": "throttled"}
    )
    replies = [
        b'{"status":"ok","id":"1"}',
        b'{"status":"no","code":"e7"}',
        b'{"status":"no","code":"BUSY"}',
        b'{"status":"no"}',
    ]

    outcomes = [type(compiled.read_reply(HttpReply(status=200, body=body))).__name__ for body in replies]

    assert outcomes == ["Done", "Failed", "Retry", "Unknown"]


@pytest.mark.parametrize("carrier", ["aws", "azure"])
def test_a_signed_request_needs_the_time(carrier: str) -> None:
    with pytest.raises(SpecError, match="time of sending"):
        connection(carrier).build_send(an_mt({"text": "x"}))


def test_a_request_to_aws_is_signed_as_its_own_library_does() -> None:
    request = connection("aws").build_send(an_mt({"text": "x"}), datetime(2026, 11, 22, 12, 0, tzinfo=UTC))

    # The signature that botocore 1.x makes for the same request, key and time.
    assert request.headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKID/20261122/eu-west-1/sms-voice/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
        "Signature=2f300ff1d141df7658bbb5cdd568d5bba3d3eb2493c96a0db0020aae6003f3a5"
    )


def test_azure_s_request_changes_with_its_body_and_time() -> None:
    proofs = {
        connection("azure").build_send(an_mt({"text": text}), now).headers["authorization"]
        for text in ("x", "y")
        for now in (NOW, NOW + timedelta(seconds=1))
    }

    assert len(proofs) == 4


def test_a_key_that_is_no_base64_is_named() -> None:
    with pytest.raises(SpecError, match="access_key"):
        compile_connection(CARRIERS["azure"], view_of("azure", secrets={"key": "k", "access_key": "!"}))


SETTINGS: list[tuple[str, dict[str, object], dict[str, object], list[str]]] = [
    ("generic", {}, {"key": "k"}, []),
    ("generic", {"allow_unsigned": True}, {}, []),
    ("generic", {}, {}, ["/secrets"]),
    ("generic", {"allow_unsigned": "yes"}, {"key": "k"}, ["/settings/allow_unsigned"]),
    ("generic", {"fields": "id"}, {"key": "k"}, ["/settings/fields"]),
    ("generic", {"capability": "magic"}, {"key": "k"}, ["/settings/capability"]),
    ("generic", {"send_url": ["x"]}, {"key": "k"}, ["/settings/send_url"]),
    ("generic", {"send_url": True}, {"key": "k"}, ["/settings/send_url"]),
    ("generic", {"key": "k"}, {"send_url": "x"}, ["/secrets/send_url", "/settings/key"]),
    ("twilio", {}, {}, ["/secrets", "/secrets/auth_token", "/settings/account_sid"]),
    ("sinch", {"service_plan_id": "p"}, {"api_token": "t"}, ["/secrets"]),
    ("sinch", {"service_plan_id": "p"}, {"api_token": "t", "webhook_secret": "w"}, []),
]


@pytest.mark.parametrize(("carrier", "settings", "secrets", "pointers"), SETTINGS)
def test_what_is_wrong_with_settings_is_named(
    carrier: str, settings: dict[str, object], secrets: dict[str, object], pointers: list[str]
) -> None:
    problems = CARRIERS[carrier].check_settings(settings, secrets)

    assert sorted(problem.pointer for problem in problems) == pointers


def test_a_spec_that_only_ignores_needs_no_send() -> None:
    spec = CarrierSpec(
        name="quiet",
        title="Quiet",
        settings=(Setting(name="key", description="Key", is_secret=True),),
        decode=("json",),
        auth=(),
        events=(Event(kind="ignore"),),
    )
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=1)), carrier="quiet", country=None, settings={}, secrets={}
    )

    assert compile_connection(spec, view).acknowledge(AckOutcome.PROBE).status == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            b'{"code": 21211, "message": "The \'To\' number +34600000009 is not valid."}',
            "code 21211: The 'To' number … is not valid.",
        ),
        (b'{"code": 30001, "message": "Text \\"MEET ME AT 5\\" was blocked"}', "code 30001: Text … was blocked"),
        (b'{"code": 30001}', "code 30001"),
        (b"{}", "status 400"),
    ],
)
def test_why_a_carrier_refused_is_kept_in_its_words_without_numbers_and_texts(body: bytes, detail: str) -> None:
    reader = ReplyReader(Send(url="https://carrier.example", error="code", words="message"))

    outcome = reader.read(HttpReply(status=400, body=body))

    assert outcome == Failed(reason="carrier_refused", detail=detail)
