"""Nothing that comes in may raise: not in a decoder, not in a verifier, not in any carrier's parser."""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, get_args
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.carriers.cases import NOW, Case, connection, requests
from twoway_router.carriers.errors import BadSignature, CertificateMissing
from twoway_router.carriers.http import HttpReply, RawRequest
from twoway_router.carriers.reading.charsets import decode_bytes
from twoway_router.carriers.reading.decoders import DECODERS, Undecodable
from twoway_router.carriers.reading.parts import join_parts, read_header, split_body
from twoway_router.carriers.reading.selection import Parsed
from twoway_router.carriers.registry import CARRIERS
from twoway_router.carriers.spec import Decoder
from twoway_router.domain.messages import MessagePart
from twoway_router.domain.outcomes import Done, Failed, Retry, Unknown

CONTENT_TYPES = st.sampled_from(
    [
        "application/json",
        "application/x-www-form-urlencoded",
        "text/xml",
        "multipart/form-data; boundary=b",
        "text/plain",
        "",
    ]
)
EXAMPLES = settings().max_examples // 5
"""A fifth of what the hypothesis profile asks for: there is a run per carrier."""

QUICK = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode())


def a_request(body: bytes, content_type: str, query: str = "", method: str = "POST") -> RawRequest:
    headers = {
        "content-type": content_type,
        "x-twilio-signature": "x",
        "authorization": "Bearer a.b.c",
        "telnyx-timestamp": "1",
    }
    return RawRequest(
        method=method, path="/in", query=query, headers=headers, body=body, url=f"https://sms.example/in?{query}"
    )


@QUICK
@given(st.sampled_from(get_args(Decoder)), BODIES, CONTENT_TYPES, st.text(max_size=60))
def test_a_decoder_reads_or_refuses(decoder: Decoder, body: bytes, content_type: str, query: str) -> None:
    try:
        document: object = DECODERS[decoder](a_request(body, content_type, query))
    except Undecodable:
        document = {}

    assert isinstance(document, dict | list)


@pytest.mark.parametrize("carrier", CARRIERS)
@QUICK
@given(
    body=BODIES,
    content_type=CONTENT_TYPES,
    query=st.text(max_size=60),
    method=st.sampled_from(["GET", "POST", "OPTIONS"]),
)
def test_any_request_is_parsed_without_an_error(
    carrier: str, body: bytes, content_type: str, query: str, method: str
) -> None:
    request = a_request(body, content_type, query, method)

    parsed = connection(carrier).parse("mo", request, NOW)

    assert isinstance(parsed, Parsed)


@pytest.mark.parametrize("carrier", CARRIERS)
@QUICK
@given(
    body=BODIES,
    content_type=CONTENT_TYPES,
    query=st.text(max_size=60),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "authorization",
                "x-twilio-signature",
                "telnyx-signature-ed25519",
                "telnyx-timestamp",
                "messagebird-signature-jwt",
                "messagebird-signature",
                "messagebird-request-timestamp",
                "x-sinch-webhook-signature",
                "x-sinch-webhook-signature-timestamp",
                "x-plivo-signature-v2",
                "x-plivo-signature-v2-nonce",
            ]
        ),
        st.text(max_size=30),
    ),
)
def test_any_request_is_refused_without_another_error(
    carrier: str, body: bytes, content_type: str, query: str, headers: Mapping[str, str]
) -> None:
    request = replace(a_request(body, content_type, query), headers={"content-type": content_type, **headers})

    with pytest.raises((BadSignature, CertificateMissing)):
        connection(carrier).verify(request, NOW)


@pytest.mark.parametrize("case", requests(), ids=str)
@settings(max_examples=max(EXAMPLES // 3, 1), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_recorded_request_with_one_wrong_value_is_parsed_without_an_error(case: Case, data: st.DataObject) -> None:
    request = spoil(case.request(), data)

    parsed = connection(case.carrier).parse(case.kind, request, NOW)

    assert isinstance(parsed, Parsed)
    json.dumps([message.text.encode().decode() for message in parsed.messages])


def spoil(request: RawRequest, data: st.DataObject) -> RawRequest:
    """Replace one value of the request with something else."""
    if request.body[:1] in (b"{", b"["):
        try:
            document = json.loads(request.body)
        except ValueError:
            return request
        return replace(request, body=json.dumps(replaced(document, data)).encode())
    raw = request.body or request.query.encode()
    chunks = raw.split(b"&")
    index = data.draw(st.integers(0, len(chunks) - 1))
    chunks[index] = (
        chunks[index].partition(b"=")[0] + b"=" + quote_from_bytes(data.draw(st.binary(max_size=30))).encode()
    )
    spoiled = b"&".join(chunks)
    return replace(request, body=spoiled) if request.body else replace(request, query=spoiled.decode())


def replaced(document: Any, data: st.DataObject) -> Any:
    if isinstance(document, dict) and document:
        key = data.draw(st.sampled_from(sorted(document)))
        return {**document, key: replaced(document[key], data)}
    if isinstance(document, list) and document:
        return [replaced(document[0], data), *document[1:]]
    return data.draw(VALUES)


@pytest.mark.parametrize("carrier", CARRIERS)
@QUICK
@given(status=st.integers(100, 599), body=BODIES, wait=st.text(max_size=12))
def test_any_answer_has_an_outcome(carrier: str, status: int, body: bytes, wait: str) -> None:
    reply = HttpReply(status=status, headers={"retry-after": wait, "date": wait}, body=body)

    outcome = connection(carrier).read_reply(reply)

    assert isinstance(outcome, Done | Retry | Failed | Unknown)


CHARSETS = [
    "gsm",
    "utf-8",
    "utf-16-be",
    "UCS2",
    "zip",
    "idna",
    "punycode",
    "undefined",
    "iso-8859-99",
    "rot13",
    "",
    "\x00",
]


@QUICK
@given(st.binary(max_size=100), st.sampled_from(CHARSETS) | st.text(max_size=12))
def test_bytes_become_text_in_whatever_charset_is_claimed(raw: bytes, charset: str) -> None:
    assert isinstance(decode_bytes(raw, charset), str)


@QUICK
@given(st.binary(max_size=20))
def test_any_header_is_read_or_not(raw: bytes) -> None:
    number, (_, body) = read_header(raw), split_body(raw)

    assert number is None or 1 <= number.index <= number.total
    assert raw.endswith(body)


@QUICK
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\ufeff\ufffe"), max_size=60),
    st.integers(2, 5),
    st.randoms(use_true_random=False),
)
def test_parts_in_any_order_and_repeated_give_the_text_back(text: str, total: int, random: Any) -> None:
    body = text.encode("utf-16-be")
    cuts = [len(body) * place // total for place in range(total + 1)]
    pieces = [body[start:end] for start, end in pairwise(cuts)]
    parts = [
        MessagePart(reference="1", index=index, total=total, body=piece, charset="utf-16-be")
        for index, piece in enumerate(pieces, 1)
    ]
    shuffled = parts + parts[:2]
    random.shuffle(shuffled)

    joined = join_parts(shuffled)

    assert joined.text == text.replace("\x00", "")
    assert joined.is_complete
