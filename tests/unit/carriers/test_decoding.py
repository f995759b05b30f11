"""Bodies, charsets, times and parts: what odd input is read as."""

import codecs
from datetime import UTC, datetime, timedelta

import pytest

from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.http import RawRequest
from twoway_router.carriers.reading.charsets import clean, codec_of, decode_bytes
from twoway_router.carriers.reading.decoders import Undecodable, decode
from twoway_router.carriers.reading.fields import Scene, compile_path, compile_when
from twoway_router.carriers.reading.parts import PartNumber, join_parts, number_part, read_header, split_body
from twoway_router.carriers.reading.times import compile_time
from twoway_router.carriers.recorded import read_reply, read_request
from twoway_router.carriers.spec import Decoder, Time, When
from twoway_router.domain.messages import MessagePart

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="from"\r\n\r\n+39333\r\n'
    b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nperch\xc3\xa9\r\n--b--\r\n'
)


def a_request(body: bytes, content_type: str = "", method: str = "POST", query: str = "") -> RawRequest:
    return RawRequest(
        method=method, path="/", query=query, headers={"content-type": content_type}, body=body, url="https://x/"
    )


DOCUMENTS: list[tuple[bytes, str, tuple[Decoder, ...], object]] = [
    (b"a=1&b=%2B2&a=3&c=x+y&=no&d", "", ("form",), {"a": "1", "b": "+2", "c": "x y", "d": ""}),
    (b'{"a": 1}', "text/plain", ("form", "json"), {"a": 1}),
    (b' {"a": "&b=1"}', "application/x-www-form-urlencoded", ("form", "json"), {"a": "&b=1"}),
    (b"\xef\xbb\xbf" + b'{"a": 1}', "", ("json",), {"a": 1}),
    ('{"a": "é"}'.encode("utf-16"), "", ("json",), {"a": "é"}),
    (b'{"a": "\\ud83c"}', "", ("json",), {"a": "\ud83c"}),
    (
        b"<m id='1'><to>5</to><to>6</to><x:t>hi</x:t></m>",
        "text/xml",
        ("json", "xml"),
        {"m": {"@id": "1", "#text": "", "to": ["5", "6"], "t": "hi"}},
    ),
    (b"<m><a>1</a><a>2</a><a>3</a></m>", "", ("xml",), {"m": {"a": ["1", "2", "3"], "#text": ""}}),
    (MULTIPART, 'multipart/form-data; boundary="b"', ("form", "multipart"), {"from": "+39333", "text": "perché"}),
    (b"hello", "text/plain", ("json", "text"), {"body": "hello"}),
    (b"[1]", "", ("json",), [1]),
]


@pytest.mark.parametrize(("body", "content_type", "allowed", "document"), DOCUMENTS)
def test_a_body_becomes_a_document(
    body: bytes, content_type: str, allowed: tuple[Decoder, ...], document: object
) -> None:
    assert decode(a_request(body, content_type), allowed) == document


BOMB = b"<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><x>&b;</x>"
REFUSED: list[tuple[bytes, str, tuple[Decoder, ...]]] = [
    (BOMB, "text/xml", ("xml",)),
    (BOMB.decode().encode("utf-16"), "text/xml", ("xml",)),
    (b"<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>", "text/xml", ("xml",)),
    (b"<a>" * 200 + b"</a>" * 200, "text/xml", ("xml",)),
    (b"<a>", "text/xml", ("xml",)),
    (b"[" * 100_000, "application/json", ("json",)),
    (b'{"a":' * 3_000, "application/json", ("json",)),
    (b"7", "application/json", ("json",)),
    (b'{"a":', "application/json", ("json",)),
    (b"", "application/json", ("json",)),
    (b"  ", "", ("form",)),
    (b"<x/>", "", ("form",)),
    (b"--b\r\n", "multipart/form-data", ("multipart",)),
    (b"nothing", "multipart/form-data; boundary=b", ("multipart",)),
]


@pytest.mark.parametrize(("body", "content_type", "allowed"), REFUSED)
def test_a_hostile_or_broken_body_is_refused(body: bytes, content_type: str, allowed: tuple[Decoder, ...]) -> None:
    with pytest.raises(Undecodable):
        decode(a_request(body, content_type), allowed)


def test_a_form_has_at_most_a_thousand_fields() -> None:
    body = b"&".join(b"f%d=1" % number for number in range(5_000))

    assert len(decode(a_request(body), ("form",))) == 1_000


TEXTS = [
    (b"\x05v\x05nement", "gsm", "événement"),
    (b"\x1be \x1b\x28\x1b\x29", "gsm", "€ {}"),
    (b"\x80", "gsm", "\ufffd"),
    (b"\x04?\x04", "UCS-2", "п\ufffd"),
    (b"\xfe\xff\x04?", "utf-16be", "п"),
    (b"\xff\xfe?\x04", "utf-16be", "п"),
    (b"perch\xe9", "utf-8", "perch\ufffd"),
    (b"perch\xe9", "Latin1", "perché"),
    (b"\x80", "windows-1252", "€"),
    ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
    (b"perch\xc3\xa9", "klingon", "perché"),
    (b"x", "zip", "x"),
]


@pytest.mark.parametrize(("raw", "charset", "text"), TEXTS)
def test_bytes_are_read_in_their_charset(raw: bytes, charset: str, text: str) -> None:
    assert decode_bytes(raw, charset) == text


@pytest.mark.parametrize("charset", ["zip", "rot13", "idna", "unicode_escape", "iso-8859-99", "klingon", "undefined"])
def test_only_charsets_of_texts_are_known(charset: str) -> None:
    assert codec_of(charset) is None


@pytest.mark.parametrize(
    ("text", "cleaned"), [("a\x00b", "ab"), ("perch\udce9", "perch\ufffd"), ("\ud83c", "?"), ("è", "è")]
)
def test_text_is_made_fit_for_a_database(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


TIMES = [
    ("2026-11-22T11:59:58.1234567Z", ("iso",), "UTC", "2026-11-22T11:59:58.123456+00:00"),
    ("2026-11-22T11:59:58.000+0000", ("iso",), "UTC", "2026-11-22T11:59:58+00:00"),
    ("2026-11-22T12:59:58", ("iso",), "Europe/Rome", "2026-11-22T11:59:58+00:00"),
    ("1795348798", ("auto",), "UTC", "2026-11-22T11:59:58+00:00"),
    ("1795348798000", ("auto",), "UTC", "2026-11-22T11:59:58+00:00"),
    ("2026-11-2219:33:06", ("%Y-%m-%d%H:%M:%S",), "Asia/Kuala_Lumpur", "2026-11-22T11:33:06+00:00"),
    ("20261122115958", ("iso", "%Y%m%d%H%M%S"), "UTC", "2026-11-22T11:59:58+00:00"),
    (
        "Sun Nov 22 2026 11:59:58 GMT+0000 (UTC)",
        ("%a %b %d %Y %H:%M:%S GMT%z (UTC)",),
        "UTC",
        "2026-11-22T11:59:58+00:00",
    ),
    ("2026-11-23T13:00:00Z", ("iso",), "UTC", None),
    ("0001-01-01T00:00:00", ("iso",), "Asia/Tokyo", None),
    ("9999-12-31T23:59:59", ("iso",), "America/New_York", None),
    ("nan", ("epoch",), "UTC", None),
    ("inf", ("epoch",), "UTC", None),
    ("1e300", ("epoch_ms",), "UTC", None),
    ("yesterday", ("iso", "epoch", "%Y"), "UTC", None),
    ("", ("auto",), "UTC", None),
]


@pytest.mark.parametrize(("text", "formats", "zone", "wanted"), TIMES)
def test_a_time_is_read_or_dropped(text: str, formats: tuple[str, ...], zone: str, wanted: str | None) -> None:
    scene = Scene({"t": text}, {}, {})
    read = compile_time(Time(path="t", formats=formats, zone=zone))

    found = read(scene, NOW)

    assert (found.isoformat() if found else None) == wanted


@pytest.mark.parametrize(("days", "is_kept"), [(-30, True), (-31, False), (1, True), (2, False)])
def test_a_time_far_from_now_is_dropped(days: int, is_kept: bool) -> None:
    scene = Scene({"t": (NOW + timedelta(days=days)).isoformat()}, {}, {})

    assert (compile_time("t")(scene, NOW) is not None) is is_kept


@pytest.mark.parametrize("text", ["2026-10-25T02:30:00", "2026-03-29T02:30:00"])
def test_a_time_in_the_fold_or_gap_of_a_clock_change_is_still_a_time(text: str) -> None:
    now = datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert compile_time(Time(path="t", formats=("iso",), zone="Europe/Rome"))(Scene({"t": text}, {}, {}), now)


PATHS = [
    ("a.b.1", {"a": {"b": [1, 2]}}, 2),
    ("a.b.9", {"a": {"b": [1, 2]}}, None),
    ("msglong.id", {"msglong.id": "7"}, "7"),
    ("x|y|z", {"x": "", "y": None, "z": "1"}, "1"),
    ("x|y", {"x": ""}, ""),
    ("a.0.b", {"a": {"b": "single"}}, None),
    ("a.0", {"a": "single"}, "single"),
    ("a.1", {"a": "single"}, None),
    ("a", "text", None),
    ("a.b", ["list"], None),
    ("a.٣", {"a": [1, 2, 3, 4]}, None),
    ("root:top", {}, "here"),
    ("header:X-Name", {}, "h"),
    ("query:q", {}, "v"),
    ("body:", {}, "raw"),
    (".", 7, 7),
]


@pytest.mark.parametrize(("path", "item", "value"), PATHS)
def test_a_path_finds_a_value_or_nothing(path: str, item: object, value: object) -> None:
    scene = Scene(item, {"top": "here"}, {"x-name": "h"}, "q=v&q=w", b"raw")

    assert compile_path(path)(scene) == value


def test_an_empty_path_is_a_mistake() -> None:
    with pytest.raises(SpecError):
        compile_path("a||b")


WHENS = [
    (When(path="a", exists=True), {"a": "1"}, True),
    (When(path="a", exists=True), {"a": ""}, False),
    (When(path="a", exists=False), {}, True),
    (When(path="a", equals="Yes"), {"a": "YES"}, True),
    (When(path="a", equals="true"), {"a": True}, True),
    (When(path="a", one_of=("1", "2"), exists=True), {"a": 2}, True),
    (When(path="a", starts="mess"), {"a": "message"}, True),
    (When(all_of=(When(path="a", equals="1"), When(path="b", equals="2"))), {"a": "1", "b": "3"}, False),
    (When(any_of=(When(path="a", equals="1"), When(path="b", equals="2"))), {"b": "2"}, True),
    (When(), {}, True),
]


@pytest.mark.parametrize(("when", "item", "holds"), WHENS)
def test_a_predicate_holds_when_all_its_parts_do(when: When, item: object, holds: bool) -> None:
    assert compile_when(when)(Scene(item, item, {})) is holds


HEADERS = [
    ("050003CC0201", PartNumber(reference="204", index=1, total=2)),
    ("06080401CC0302", PartNumber(reference="460", index=2, total=3)),
    ("0B0504158A00000003CC0202", PartNumber(reference="204", index=2, total=2)),
    ("050003CC0200", None),
    ("050003CC0203", None),
    ("050003CC0001", None),
    ("050003CC0101", None),
    ("050003CC02", None),
    ("03000FFF", None),
    ("FF0003", None),
    ("", None),
]


@pytest.mark.parametrize(("header", "number"), HEADERS)
def test_a_user_data_header_names_the_part(header: str, number: PartNumber | None) -> None:
    assert read_header(bytes.fromhex(header)) == number


def test_a_header_in_front_of_the_text_is_cut_off() -> None:
    assert split_body(bytes.fromhex("050003CC0201") + b"PIZZA") == (
        PartNumber(reference="204", index=1, total=2),
        b"PIZZA",
    )


@pytest.mark.parametrize("body", [b"PIZZA", b"\x05\x00\x03\xcc\x02\x09x", b"\x05\x00\x03"])
def test_a_text_that_only_looks_like_a_header_is_left_alone(body: bytes) -> None:
    assert split_body(body) == (None, body)


NUMBERS = [("r", "1", "2", True), ("r", "3", "2", False), ("r", "0", "2", False), ("r", "1", "1", False)]
NUMBERS += [
    ("", "1", "2", False),
    ("r", "x", "2", False),
    ("r", "1", "0", False),
    ("r", "1", "256", False),
    ("r", "١", "2", False),
]


@pytest.mark.parametrize(("reference", "index", "total", "is_part"), NUMBERS)
def test_a_part_must_make_sense(reference: str, index: str, total: str, is_part: bool) -> None:
    assert (number_part(reference, index, total) is not None) is is_part


def a_part(index: int, body: bytes, charset: str = "utf-16-be", total: int = 2) -> MessagePart:
    return MessagePart(reference="7", index=index, total=total, body=body, charset=charset)


def test_a_character_cut_between_two_parts_is_whole_again() -> None:
    joined = join_parts([a_part(2, b"\xdf\x55"), a_part(1, b"\xd8\x3c"), a_part(2, b"\x00x")])

    assert (joined.text, joined.is_complete) == ("🍕", True)


def test_what_is_missing_is_named_and_neighbours_are_still_joined() -> None:
    joined = join_parts(
        [a_part(1, b"\x00a", total=4), a_part(3, b"\xd8\x3c", total=4), a_part(4, b"\xdf\x55", total=4)]
    )

    assert (joined.text, joined.missing) == ("a🍕", (2,))


def test_parts_in_different_charsets_are_decoded_apart() -> None:
    assert join_parts([a_part(1, "è ".encode(), "utf-8"), a_part(2, b"\x04?")]).text == "è п"


def test_joining_adds_and_trims_nothing() -> None:
    assert join_parts([a_part(1, b"PIZZA ", "gsm"), a_part(2, b" large ", "gsm")]).text == "PIZZA  large "


def test_nothing_joins_to_nothing() -> None:
    assert join_parts([]).text == ""


def test_a_recorded_request_may_end_its_lines_either_way() -> None:
    unix = b"POST /in?a=1 HTTP/1.1\nX-A: b\n\nbody\n"

    assert read_request(unix, "https://x/") == read_request(unix.replace(b"\n", b"\r\n"), "https://x")


@pytest.mark.parametrize("raw", [b"", b"POST", codecs.BOM_UTF8])
def test_what_is_no_recorded_request_says_so(raw: bytes) -> None:
    with pytest.raises(SpecError):
        read_request(raw, "https://x")


def test_a_recorded_answer_needs_a_status() -> None:
    with pytest.raises(SpecError):
        read_reply(b"HTTP/1.1 fine\n\n")


@pytest.mark.parametrize("form", ["%d%d", "%Q", "hello", ""])
def test_a_format_that_can_read_nothing_is_refused(form: str) -> None:
    with pytest.raises(SpecError, match="neither auto, epoch, epoch_ms, iso nor strptime"):
        compile_time(Time(path="t", formats=(form,), zone="UTC"))


@pytest.mark.parametrize("path", ["", "a||b", "header:", "headr:x-from", "body:text", "a|soap:Body"])
def test_a_path_that_can_read_nothing_is_refused(path: str) -> None:
    with pytest.raises(SpecError):
        compile_path(path)


def test_a_name_with_a_colon_is_read_from_the_root() -> None:
    assert compile_path("root:soap:Body")(Scene({}, {"soap:Body": "x"}, {})) == "x"
