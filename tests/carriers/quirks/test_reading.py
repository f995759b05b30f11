"""Rows 1, 4, 5, 9 to 13: whatever way a message comes, it is read, and no carrier's oddity loses it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.carriers.cases import NOW, Case, an_mt, connection, view_of
from tests.carriers.quirks.matrix import quirk
from tests.carriers.quirks.rewriting import ABSENT, a_draft, messages_of
from twoway_router.carriers.engine import compile_connection
from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.messages import SenderKind

WRONG_TYPES = ["text/plain; charset=UTF-8", "application/octet-stream", "", "nonsense"]
WITH_BODY = {"kannel": "mo_post_url"}
NATIONAL = {"generic": "3331230001", "jasmin": "0711000001", "kannel": "0711000001"}
"""Whose gateways write numbers as they are dialled at home."""

TEXTS = ["1+1=2, 100% & more", "a%20b", "%2B39", "two\nlines", " spaces  "]
SPOILT = {"text": "A\x00B", "cut": "A\ud83cB"}
ABSURD = ["0001-01-01T00:00:00Z", "9999-12-31 23:59:59", "yesterday", "-1", "9" * 20, "1970-01-01", "NaN"]


@quirk(1)
@pytest.mark.parametrize("content_type", WRONG_TYPES)
def test_a_wrong_content_type_changes_nothing(carrier: str, content_type: str) -> None:
    case = Case(carrier, WITH_BODY.get(carrier, "mo_plain"))
    request = case.request()
    relabelled = replace(request, headers={**request.headers, "content-type": content_type})

    assert messages_of(case, relabelled) == messages_of(case, request)
    assert len(messages_of(case, request)) == 1


MULTIPART = b"".join(
    b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % pair
    for pair in ((b"from", b"+393331230001"), (b"to", b"12345"), (b"text", b"PIZZA"), (b"id", b"1"))
)
BODIES = {
    "multipart/form-data; boundary=b": MULTIPART + b"--b--\r\n",
    "text/xml": b"<mo><from>+393331230001</from><to>12345</to><text>PIZZA</text><id>1</id></mo>",
    "application/x-www-form-urlencoded": b"from=%2B393331230001&to=12345&text=PIZZA&id=1",
    "application/json": b'{"from": "+393331230001", "to": "12345", "text": "PIZZA", "id": 1}',
}


@pytest.mark.parametrize("content_type", BODIES)
def test_a_gateway_may_send_whatever_body_it_likes(content_type: str) -> None:
    fields = {name: f"mo.{name}|{name}" for name in ("id", "sender", "recipient", "text")}
    fields |= {"sender": "mo.from|from", "recipient": "mo.to|to"}
    compiled = compile_connection(CARRIERS["generic"], view_of("generic", settings={"fields": fields}))
    request = replace(a_draft("generic").raw, body=BODIES[content_type], headers={"content-type": content_type})

    (message,) = compiled.parse("mo", request, NOW).messages

    assert (message.sender, message.recipient, message.text) == ("+393331230001", "12345", "PIZZA")


@quirk(4)
def test_a_sender_is_known_in_whatever_way_it_is_written(carrier: str) -> None:
    number = a_draft(carrier).message().sender
    digits = number.removeprefix("+")
    spellings = [number, "00" + digits, f"+{digits[:2]} {digits[2:5]} {digits[5:]}", f"+{digits[:4]} ({digits[4:]})"]
    spellings.append(NATIONAL.get(carrier, digits))

    read = {(message.sender, message.sender_kind) for message in _with(carrier, "sender", spellings)}

    assert read == {(number, SenderKind.MSISDN)}


@quirk(4)
@pytest.mark.parametrize(("country", "number"), [("KE", "+254711000001"), (None, None)])
def test_a_number_as_it_is_dialled_at_home_is_known_where_the_country_is(
    carrier: str, country: str | None, number: str | None
) -> None:
    draft = a_draft(carrier).change(sender="0711000001")
    compiled = compile_connection(CARRIERS[carrier], view_of(carrier, country=country))

    (message,) = compiled.parse("mo", draft.request(), NOW).messages

    assert message.sender == (number or "0711000001")


@quirk(4)
@pytest.mark.parametrize(
    ("word", "kind"),
    [("PIZZAHUT", SenderKind.ALPHANUMERIC), ("Bank 24/7", SenderKind.ALPHANUMERIC), ("384387", SenderKind.SHORT_CODE)],
)
def test_a_sender_that_is_no_phone_number_is_kept_as_it_came(carrier: str, word: str, kind: SenderKind) -> None:
    (message,) = _with(carrier, "sender", [word])

    assert (message.sender, message.sender_kind) == (word, kind)


@quirk(5)
@pytest.mark.parametrize("country", ["KE", "UG", "IT", "US", None])
def test_a_short_code_is_the_recipient_as_it_is(carrier: str, country: str | None) -> None:
    compiled = compile_connection(CARRIERS[carrier], view_of(carrier, country=country))
    request = a_draft(carrier).change(recipient="12345").request()

    (message,) = compiled.parse("mo", request, NOW).messages

    assert message.recipient == "12345"


@quirk(5)
def test_a_short_code_is_the_sender_as_it_is(carrier: str) -> None:
    request = connection(carrier).build_send(an_mt({"sender": "12345", "text": "Hi"}), NOW)

    written = request.url.encode() + request.body
    assert carrier == "bird" or b"12345" in written
    assert not any(plus in written for plus in (b"+12345", b"%2B12345", b"0012345"))


@quirk(9)
def test_a_message_without_an_id_is_known_again(carrier: str) -> None:
    draft = _without_id(carrier)
    first = connection(carrier).parse("mo", draft.request(), NOW).messages[0]

    again = connection(carrier).parse("mo", draft.request(), NOW + timedelta(seconds=5)).messages[0]

    assert first.carrier_message_id.startswith("digest:")
    assert again.carrier_message_id == first.carrier_message_id


@quirk(9)
def test_two_equal_answers_a_second_apart_are_two_messages(carrier: str) -> None:
    first, second = (_without_id(carrier).change(time=_time(carrier, at)).message() for at in (58, 59))

    assert first.text == second.text
    assert first.carrier_message_id != second.carrier_message_id


@quirk(10)
@pytest.mark.parametrize("text", ["", None, ABSENT], ids=["empty", "null", "missing"])
def test_a_message_without_a_text_is_a_message(carrier: str, text: Any) -> None:
    (message,) = _with(carrier, "text", [text])

    assert message.text == ""


@quirk(11)
@pytest.mark.parametrize("text", SPOILT.values(), ids=SPOILT)
def test_what_no_database_takes_is_left_out_of_a_text(carrier: str, text: str) -> None:
    (message,) = _with(carrier, "text", [text])

    assert (message.text[0], message.text[-1], "\x00" in message.text) == ("A", "B", False)
    assert message.text.encode()


@quirk(11)
def test_bytes_that_are_no_text_and_a_byte_order_mark_are_no_error(carrier: str) -> None:
    draft = a_draft(carrier).change(text="AxxB")
    request = draft.request()
    body = request.body.replace(b"xx", b"\xff\xfe" if draft.document is not None else b"%FF%FE")
    query = request.query if request.body else request.query.replace("xx", "%FF%FE")
    if draft.document is not None:
        body = b"\xef\xbb\xbf" + body

    (message,) = connection(carrier).parse("mo", replace(request, body=body, query=query), NOW).messages

    assert (message.text[0], message.text[-1]) == ("A", "B")


@quirk(12)
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_decoded_once(carrier: str, text: str) -> None:
    (message,) = _with(carrier, "text", [text])

    assert message.text == text


@quirk(13)
@pytest.mark.parametrize("time", ABSURD)
def test_an_absurd_time_costs_the_time_only(carrier: str, time: str) -> None:
    (message,) = _with(carrier, "time", [time])

    assert (message.carrier_time, message.text[:5]) == (None, "PIZZA")


@quirk(13)
def test_a_time_is_read(carrier: str) -> None:
    (message,) = _with(carrier, "time", [_time(carrier, 57)])

    assert message.carrier_time == datetime(2026, 11, 22, 11, 59, 57, tzinfo=UTC)


@pytest.mark.parametrize(
    "carrier", ["aws", "azure", "bandwidth", "bird", "cm", "generic", "infobip", "sinch", "telnyx"]
)
@pytest.mark.parametrize("time", ["2026-11-22T11:59:57.1234567Z", "2026-11-22T11:59:57", "2026-11-22T12:59:57+01:00"])
def test_fractions_and_zones_are_read(carrier: str, time: str) -> None:
    (message,) = _with(carrier, "time", [time])

    assert message.carrier_time is not None
    assert message.carrier_time.replace(microsecond=0) == datetime(2026, 11, 22, 11, 59, 57, tzinfo=UTC)


@pytest.mark.parametrize("time", ["2026-10-25 02:30:00", "2026-11-01 00:30:00"], ids=["twice", "once"])
def test_an_hour_that_summer_time_has_twice_is_read(time: str) -> None:
    settings = {"zone": "Europe/Rome", "time_format": "%Y-%m-%d %H:%M:%S"}
    compiled = compile_connection(CARRIERS["generic"], view_of("generic", settings=settings))

    (message,) = compiled.parse("mo", a_draft("generic").change(time=time).request(), NOW).messages

    assert message.carrier_time is not None


def _with(carrier: str, name: str, values: list[Any]) -> list[Any]:
    """The messages that come of the recorded one with each of these values."""
    return [a_draft(carrier).change(**{name: value}).message() for value in values]


def _without_id(carrier: str) -> Any:
    draft = a_draft(carrier)
    return draft.change(id=ABSENT) if draft.event.id else draft


def _time(carrier: str, second: int) -> Any:
    """A time as the carrier writes it."""
    at = datetime(2026, 11, 22, 11, 59, second, tzinfo=UTC)
    told = a_draft(carrier).event.time
    form = told.formats[0] if told is not None and not isinstance(told, str) else "iso"
    if carrier == "clickatell_legacy":
        return (at + timedelta(hours=2)).strftime(form)
    if form in ("epoch", "epoch_ms"):
        return int(at.timestamp() * (1000 if form == "epoch_ms" else 1))
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if form in ("iso", "auto") else at.strftime(form)
