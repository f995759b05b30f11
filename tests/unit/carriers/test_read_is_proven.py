"""What is read of a request is what its proof covers: nothing may be smuggled in beside it."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.carriers.cases import HERE, NOW, connection, read_request, sign
from twoway_router.carriers.errors import BadSignature
from twoway_router.carriers.http import RawRequest

FORGED = urlencode({"From": "+15005550009", "To": "12345", "Body": "FORGED", "Text": "FORGED"}).encode()
DOUBTFUL_TYPES = [
    "application/json",
    "application/x-www-form-urlencoded; json",
    "application/json, x-www-form-urlencoded",
]


def recorded(carrier: str) -> RawRequest:
    return read_request(HERE / carrier / "mo_plain.http")


def signed_as_get(carrier: str) -> RawRequest:
    plain = recorded(carrier)
    query = plain.body.decode()
    return sign(carrier, replace(plain, method="GET", query=query, url=f"{plain.url}?{query}", body=b""))


@pytest.mark.parametrize("carrier", ["twilio", "plivo"])
@pytest.mark.parametrize("content_type", DOUBTFUL_TYPES)
def test_the_signature_of_a_get_carries_no_body(carrier: str, content_type: str) -> None:
    captured = signed_as_get(carrier)
    connection(carrier).verify(captured, NOW)
    headers = {**captured.headers, "content-type": content_type}

    with pytest.raises(BadSignature):
        connection(carrier).verify(replace(captured, method="POST", headers=headers, body=FORGED), NOW)


@pytest.mark.parametrize("name", ["Message.originationNumber", "Message.messageBody", "Message.inboundMessageId"])
def test_what_stands_beside_a_signed_message_is_not_read_as_a_part_of_it(name: str) -> None:
    captured = sign("aws", recorded("aws"))
    body = json.dumps({**json.loads(captured.body), name: "+15005550009"}).encode()
    smuggled = replace(captured, body=body)
    connection("aws").verify(smuggled, NOW)

    parsed = connection("aws").parse("mo", smuggled, NOW)

    assert parsed == connection("aws").parse("mo", captured, NOW)
