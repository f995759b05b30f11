"""Requests that nobody's carrier has sent: refused in the carrier's words, nothing stored, never an error of ours."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.carriers.cases import NOW, Case, connection, table
from tests.carriers.quirks.conftest import Door
from tests.carriers.quirks.matrix import EVERYONE
from tests.carriers.quirks.rewriting import a_draft
from tests.carriers.quirks.test_proving import WINDOWS
from tests.carriers.signing import SIGNERS
from twoway_router.carriers.http import AckOutcome, RawRequest

SIGNATURES = {
    "bandwidth": "authorization",
    "bird": "messagebird-signature",
    "infobip": "authorization",
    "messagebird": "messagebird-signature-jwt",
    "plivo": "x-plivo-signature-v3",
    "sinch": "x-sinch-webhook-signature",
    "telnyx": "telnyx-signature-ed25519",
    "twilio": "x-twilio-signature",
    "vonage_messages": "authorization",
}
"""The headers with the proof. Amazon's is in the body, Vonage's among the parameters; all others have the key in the URL."""

WITH_KEY_PAIRS = {"aws", "telnyx"}
"""Who has no secret with us."""

EMPTY = "SELECT (SELECT count(*) FROM inbound_messages) + (SELECT count(*) FROM delivery_receipts)"
QUARANTINED = "SELECT count(*) FROM quarantined_requests"
GARBAGE = [
    b"",
    b"\x00" * 100,
    b"\xff\xfe\xfd",
    b"{" * 5000,
    b"[" * 100_000,
    b'{"a":' * 2000 + b"1" + b"}" * 2000,
    b"=&=&%%%&%zz=%",
    b"<a>" * 5000,
    b"--b\r\n" * 100,
    json.dumps({"results": [None, 1, "x", [], {}], "Message": "[", "type": 5, "data": [], "event": ""}).encode(),
    json.dumps([None, 1, "x", [], {"type": {}, "eventType": 5, "data": None, "message": []}]).encode(),
]
TYPES = ["application/json", "application/x-www-form-urlencoded", "text/xml", "multipart/form-data; boundary=b", "\xff"]


def forged(door: Door) -> Iterator[tuple[str, RawRequest]]:
    """What a stranger may try, by name."""
    signed = door.signed(Case(door.carrier, "mo_plain").unsigned())
    for name, value in (
        ("missing", None),
        ("empty", ""),
        ("wrong", "AAAA"),
        ("long", "A" * 4000),
        ("odd", "\xe9=,"),
    ):
        yield name, _with_proof(door.carrier, signed, value)
    if signer := SIGNERS.by_carrier.get(door.carrier):
        others = {name: secret[::-1] for name, secret in table(door.carrier)["connection"]["secrets"].items()}
        if door.carrier not in WITH_KEY_PAIRS:
            yield "foreign secret", signer(door.here(Case(door.carrier, "mo_plain").unsigned()), others, NOW)
        other = door.signed(a_draft(door.carrier).change(text="PIZZA for somebody else").unsigned())
        yield "another's proof", _proven_by(door.carrier, signed, other)
        if door.carrier in WINDOWS:
            late = NOW - WINDOWS[door.carrier] - timedelta(minutes=1)
            yield "replayed", signer(door.here(Case(door.carrier, "mo_plain").unsigned()), _secrets(door), late)
    elsewhere = door.here(Case("kannel", "mo_plain").unsigned())
    yield "another carrier's", replace(elsewhere, path=signed.path, query=elsewhere.query.replace("key=s3cret&", ""))


def _secrets(door: Door) -> dict[str, str]:
    return dict(table(door.carrier)["connection"]["secrets"])


def _with_proof(carrier: str, request: RawRequest, value: str | None) -> RawRequest:
    """With this where the proof stands, None takes it away."""
    if header := SIGNATURES.get(carrier):
        kept = {name: told for name, told in request.headers.items() if name != header}
        return replace(request, headers=kept if value is None else {**kept, header: value})
    if carrier == "aws":
        envelope = {name: told for name, told in json.loads(request.body).items() if name != "Signature"}
        return replace(
            request, body=json.dumps(envelope if value is None else envelope | {"Signature": value}).encode()
        )
    if carrier == "vonage":
        body = request.body.partition(b"&sig=")[0]
        return replace(request, body=body if value is None else body + b"&sig=" + value.encode())
    pairs = [pair for pair in request.query.split("&") if not pair.startswith("key=")]
    query = "&".join(pairs if value is None else [*pairs, f"key={value.encode('ascii', 'replace').decode()}"])
    return replace(request, query=query)


def _proven_by(carrier: str, request: RawRequest, other: RawRequest) -> RawRequest:
    """One message with the proof of another. A form's repeated sign is of the form, so its fields are exchanged instead."""
    if carrier == "aws":
        return _with_proof(carrier, request, json.loads(other.body)["Signature"])
    if carrier == "vonage":
        return _with_proof(carrier, request, other.body.partition(b"&sig=")[2].decode())
    return replace(request, headers={**request.headers, SIGNATURES[carrier]: other.headers[SIGNATURES[carrier]]})


@pytest.mark.parametrize("carrier", EVERYONE)
async def test_what_is_not_proven_is_refused_in_the_carrier_s_words_and_not_stored(door: Door) -> None:
    refusal = connection(door.carrier).acknowledge(AckOutcome.BAD_AUTH)

    answers = {name: await door.post(request) for name, request in forged(door)}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 403)
    assert {answer.content for answer in answers.values()} == {refusal.body}
    assert [tuple(row) for row in await door.rows(f"{EMPTY}, ({QUARANTINED})")] == [(0, 0)]


@pytest.mark.parametrize("carrier", EVERYONE)
async def test_a_refused_request_is_in_the_log_of_its_connection_without_secrets(door: Door) -> None:
    for _, request in forged(door):
        await door.post(request)
    await door.ingress.requests.flush()

    rows = await door.rows("SELECT outcome, reason, query, headers, body FROM connection_requests")
    assert {row.outcome for row in rows} == {"refused"}
    assert all(row.reason for row in rows)
    shown = "".join(f"{row.query} {json.dumps(row.headers)} {row.body}" for row in rows)
    assert not [name for name, secret in _secrets(door).items() if len(secret) >= 4 and secret in shown]
    assert "PIZZA for somebody else" not in shown


@pytest.mark.parametrize("carrier", ["aws"])
async def test_the_log_says_that_a_certificate_is_still_to_be_fetched(door: Door) -> None:
    signed = door.signed(Case(door.carrier, "mo_plain").unsigned())
    newer = {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-newer.pem"}

    answer = await door.post(replace(signed, body=json.dumps({**json.loads(signed.body), **newer}).encode()))
    await door.ingress.requests.flush()

    logged = [tuple(row) for row in await door.rows("SELECT outcome, reason FROM connection_requests")]
    assert (answer.status_code, logged) == (503, [("unavailable", "certificate_missing")])


@pytest.mark.parametrize("carrier", EVERYONE)
async def test_garbage_is_never_an_error_of_ours(door: Door) -> None:
    proven = door.signed(Case(door.carrier, "mo_plain").unsigned())
    proven = replace(proven, query="&".join(pair for pair in proven.query.split("&") if pair.startswith("key=")))
    for kind in ("mo", "dlr"):
        for number, body in enumerate(GARBAGE):
            headers = {**proven.headers, "content-type": TYPES[number % len(TYPES)]}
            path = proven.path.replace("/mo", f"/{kind}")
            answer = await door.post(replace(proven, method="POST", path=path, body=body, headers=headers))
            assert answer.status_code < 500, (kind, body[:40])

    assert [row[0] for row in await door.rows(EMPTY)] == [0]
