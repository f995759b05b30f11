"""What the log of a connection's requests shows: no secret, no text, no whole number, in whatever form they stand there."""

import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from twoway_router.carriers.reading.events import Reject
from twoway_router.carriers.reading.selection import Parsed
from twoway_router.domain.messages import DeliveryReceipt, DeliveryState, InboundMessage, MessagePart, SenderKind
from twoway_router.ingress.redaction import (
    HIDDEN,
    LONGEST_BODY,
    MOST_SHOWN,
    hider,
    redact_body,
    redact_headers,
    redact_query,
    summary_of,
)

SECRET = "s3cr&t/<wörd>"
TEXT = 'PIZZA "größe" & 2/3'
NUMBER = "+393331230001"
FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "json": lambda text: json.dumps(text),
    "json as it is": lambda text: json.dumps(text, ensure_ascii=False),
    "json with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "xml": lambda text: text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
}

hide = hider([SECRET], [TEXT, ""])


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_whatever_form(form: str) -> None:
    written = FORMS[form](SECRET)

    shown = redact_body(f"a {written} b".encode(), hide)

    assert written.strip('"') not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize("form", FORMS)
def test_a_text_is_replaced_by_its_length(form: str) -> None:
    written = FORMS[form](TEXT)

    shown = redact_body(f"x={written}".encode(), hide)

    assert written.strip('"') not in shown
    assert f"[text of {len(TEXT)}]" in shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"api_key": "abc", "to": "12345"}', '{"api_key": "[hidden]", "to": "12345"}'),
        (b'{"password" : "a\\"b"}', '{"password" : "[hidden]"}'),
        (b"username=u&password=abc&to=12345", "username=u&password=[hidden]&to=12345"),
        (b"<token>abc</token><to>12345</to>", "<token>[hidden]</token><to>12345</to>"),
        (b'{"secret": "cut of', '{"secret": "[hidden]'),
    ],
)
def test_what_is_named_like_a_secret_is_hidden_though_nobody_knows_it(body: bytes, shown: str) -> None:
    assert redact_body(body, hide) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"id=1&binary=00c900e9&coding=%08", "id=1&binary=[hidden]&coding=%08"),
        (b"type=binary&data=48c3a9&udh=050003CC0201", "type=binary&data=[hidden]&udh=050003CC0201"),
        (b"<ud>PIZZA+%C3%A8</ud>", "<ud>[hidden]</ud>"),
        (b'[{"contentType": "text/plain", "value": "PIZZA"}]', '[{"contentType": "text/plain", "value": "[hidden]"}]'),
        (quote_plus("text=").encode() + b"&text=" + quote_plus(TEXT).encode(), f"text%3D&text=[text of {len(TEXT)}]"),
    ],
)
def test_a_text_is_hidden_in_every_field_that_carriers_write_it_in(body: bytes, shown: str) -> None:
    assert redact_body(body, hide) == shown


@pytest.mark.parametrize("text", ["A", "1", "d", "hid", "ok"])
@pytest.mark.parametrize(
    "body", ["to=12345&vote={}&id=adhidok1", '{{"vote": "{}", "id": "adhidok1"}}', "<vote>{}</vote><id>adhidok1</id>"]
)
def test_a_short_text_is_hidden_where_it_is_the_whole_value_only(text: str, body: str) -> None:
    written, shown = body.format(text), body.format(f"[text of {len(text)}]")

    assert redact_body(written.encode(), hider([SECRET], [text])) == shown


def test_a_text_is_not_found_in_the_words_that_hide_another() -> None:
    shown = redact_body(b"a=s3cret&b=hidden&c=text of&d=longer", hider(["s3cret"], ["hidden", "text of", "longer"]))

    assert shown == "a=[hidden]&b=[text of 6]&c=[text of 7]&d=[text of 6]"


@pytest.mark.parametrize("content_type", ["text/plain", 'Text/Plain; charset="UTF-8"'])
def test_a_body_that_is_nothing_but_a_text_is_hidden(content_type: str) -> None:
    assert redact_body(b"PIZZA for me", hide, content_type) == "[text of 12]"


@pytest.mark.parametrize("body", [b'{"to": "12345"}', b"to=12345", b" <to>12345</to>"])
def test_what_comes_as_plain_text_and_has_a_form_is_shown(body: bytes) -> None:
    assert redact_body(body, hide, "text/plain") == body.decode()


@pytest.mark.parametrize("written", [NUMBER, "393331230001", "%2B393331230001", '{"from": 393331230001}'])
def test_a_number_is_masked(written: str) -> None:
    shown = redact_query(written, hide)

    assert "3331230" not in shown
    assert "393•••001" in shown


def test_a_short_code_is_shown() -> None:
    assert redact_query("to=12345&from=+393331230001", hide) == "to=12345&from=+393•••001"


def test_headers_with_proofs_are_hidden_and_others_redacted() -> None:
    headers = {"authorization": "Basic abc", "x-twilio-signature": "abc", "x-kannel-from": NUMBER, "via": SECRET}

    assert redact_headers(headers, hide) == {
        "authorization": HIDDEN,
        "x-twilio-signature": HIDDEN,
        "x-kannel-from": "+393•••001",
        "via": HIDDEN,
    }


def test_a_longer_secret_is_hidden_before_one_that_is_a_part_of_it() -> None:
    shown = redact_body(b"abcdefgh abcd", hider(["abcd", "abcdefgh"], []))

    assert shown == f"{HIDDEN} {HIDDEN}"


def test_a_body_is_shown_up_to_a_bound_and_without_nul() -> None:
    assert redact_body(b"a\x00b", hide) == "ab"
    assert len(redact_body(b"x" * 1_000_000, hide)) == LONGEST_BODY


def test_bytes_that_are_no_text_are_shown_somehow() -> None:
    assert redact_body(b"\xff\xfe caf\xe9", hide)


def a_message(**changes: object) -> InboundMessage:
    values: dict[str, object] = {
        "carrier_message_id": "id-393331230001",
        "sender": NUMBER,
        "sender_kind": SenderKind.MSISDN,
        "recipient": "12345",
        "text": TEXT,
    }
    return InboundMessage(**(values | changes))  # type: ignore[arg-type]  # test fields


def test_a_summary_tells_lengths_and_masks() -> None:
    part = MessagePart(reference="7", index=1, total=2, body=b"PIZZA", charset="utf-8")
    receipt = DeliveryReceipt(state=DeliveryState.DELIVERED, raw_state="ok 393331230001", error="to 393331230001")

    summary = summary_of(Parsed(messages=(a_message(part=part),), receipts=(receipt,), rejects=(Reject(reason="odd"),)))

    assert summary["messages"][0]["text_length"] == len(TEXT)
    assert summary["messages"][0]["part"] == "1/2"
    assert summary["rejects"] == ["odd"]
    assert "3331230" not in json.dumps(summary)
    assert "PIZZA" not in json.dumps(summary)


def test_a_summary_is_bounded_and_empty_for_what_was_never_read() -> None:
    assert len(summary_of(Parsed(messages=(a_message(),) * 50))["messages"]) == MOST_SHOWN
    assert summary_of(None) == {}


@pytest.mark.parametrize("body", ['{"text":"Grazie Ann"}', "id=1&text=Grazie+Ann&err=0", '{"cleanText": "Grazie"}'])
def test_a_text_that_no_message_was_read_from_is_hidden_by_its_name(body: str) -> None:
    shown = redact_body(body.encode(), hide)

    assert "Grazie" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize("said", ["PIZZA hot", 'say "PIZZA" twice', "PIZZA \\ two", "PIZZA\n"])
def test_a_text_of_an_object_within_a_string_is_hidden_by_its_name(said: str) -> None:
    inner = json.dumps({"messageBody": said, "messageKeyword": "K"})

    shown = redact_body(json.dumps({"Type": "Notification", "Message": inner}).encode(), hide)

    assert "PIZZA" not in shown
    assert "twice" not in shown
    assert "messageKeyword" in shown


@pytest.mark.parametrize("body", ["Body=PIZZA+hot&From=1", '{"content":"PIZZA"}', '{"message": "PIZZA \\"hot\\""}'])
def test_a_text_of_a_request_that_was_refused_unread_is_hidden(body: str) -> None:
    shown = redact_body(body.encode(), hide)

    assert "PIZZA" not in shown
    assert "hot" not in shown
