"""Rows 2, 21 and 23: what carriers get from us: acknowledgements, and MTs with the token that they want back."""

import json

import pytest

from tests.carriers.cases import NOW, an_mt, connection, table, view_of
from tests.carriers.quirks.matrix import quirk
from tests.carriers.quirks.rewriting import a_draft
from twoway_router.carriers.engine import compile_connection
from twoway_router.carriers.http import AckOutcome
from twoway_router.carriers.registry import CARRIERS

TEXTED = {"46elks", "kannel"}
"""Whose persons would be texted any body of ours."""

ERRORS = [AckOutcome.BAD_AUTH, AckOutcome.MALFORMED, AckOutcome.TOO_LARGE, AckOutcome.OVERLOADED]
BATCHES = {"aws", "azure", "infobip"}
TOKENS = {
    "africastalking": "linkId=28a92cdf",
    "bandwidth": '"applicationId":"app-7"',
    "generic": '"token":"tok-1"',
    "jasmin": "tags=mtn-1",
    "kannel": "smsc=safaricom",
}
"""How the token of the recorded message stands in its reply. Jasmin takes no _ in a tag."""


@quirk(2)
def test_a_body_is_bounded_and_a_larger_one_is_answered_in_the_carrier_s_words(carrier: str) -> None:
    compiled = connection(carrier)

    reply = compiled.acknowledge(AckOutcome.TOO_LARGE)

    assert compiled.body_limit == (1_048_576 if carrier in BATCHES else 262_144)
    assert reply.status == (414 if carrier == "kannel" else 413)


@quirk(2)
def test_a_proof_covers_the_bytes_that_came(carrier: str) -> None:
    """Written differently, as another JSON library would, a body is proven by its own bytes."""
    draft = a_draft(carrier)
    body = draft.raw.body
    if draft.document is not None and carrier not in ("aws", "vonage"):
        body = b"\n " + json.dumps(json.loads(body), indent=3, ensure_ascii=False).encode() + b"\r\n"

    request = draft.rewritten(body)

    connection(carrier).verify(request, NOW)
    assert len(connection(carrier).parse("mo", request, NOW).messages) == 1


@quirk(21)
def test_an_answer_is_the_carrier_s_own_or_empty(carrier: str) -> None:
    stored = connection(carrier).acknowledge(AckOutcome.STORED)
    replies = [connection(carrier).acknowledge(outcome) for outcome in AckOutcome]

    assert {reply.body for reply in replies} <= {b"", stored.body}
    assert {reply.headers.get("content-type", "").partition(";")[0] for reply in replies} <= {"text/plain", "text/xml"}
    if carrier in TEXTED:
        assert {reply.body for reply in replies} == {b""}


@quirk(21)
@pytest.mark.parametrize("outcome", ERRORS)
def test_an_error_is_never_taken_for_a_success(carrier: str, outcome: AckOutcome) -> None:
    reply = connection(carrier).acknowledge(outcome)

    assert reply.status == (414 if (carrier, outcome) == ("kannel", AckOutcome.TOO_LARGE) else STATUSES[outcome])
    assert carrier != "jasmin" or b"ACK" not in reply.body


STATUSES = {AckOutcome.BAD_AUTH: 403, AckOutcome.MALFORMED: 400, AckOutcome.TOO_LARGE: 413, AckOutcome.OVERLOADED: 503}


@quirk(21)
def test_what_is_proven_is_answered_with_success(carrier: str) -> None:
    good = (AckOutcome.STORED, AckOutcome.DUPLICATE, AckOutcome.QUARANTINED, AckOutcome.PROBE)

    replies = {repr(connection(carrier).acknowledge(outcome)) for outcome in good}

    assert replies == {repr(connection(carrier).acknowledge(AckOutcome.STORED))}
    assert connection(carrier).acknowledge(AckOutcome.STORED).status == 200


@quirk(23)
def test_a_token_comes_back_with_the_reply(carrier: str) -> None:
    compiled, draft = connection(carrier), a_draft(carrier)
    if carrier == "generic":
        settings = {**table(carrier)["connection"]["settings"], "send_fields": {"token": "{reply_token?}"}}
        compiled = compile_connection(CARRIERS[carrier], view_of(carrier, settings=settings))
        draft.add("reply_token", "tok-1")
    (message,) = compiled.parse("mo", draft.request(), NOW).messages

    request = compiled.build_send(an_mt({"text": "Hi", "reply_token": message.reply_token}), NOW)

    assert message.reply_token
    assert TOKENS[carrier] in request.url + request.body.decode()


@quirk(23)
def test_a_message_without_a_token_is_answered_all_the_same(carrier: str) -> None:
    request = connection(carrier).build_send(an_mt({"text": "Hi"}), NOW)

    written = request.url + request.body.decode()
    assert not any(name in written for name in ("linkId", "smsc=", "tags=", "app-7"))
