"""Rows 15 to 18 and 20: batches, events and parameters that are not what was expected."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.carriers.cases import NOW, Case, connection, sign
from tests.carriers.quirks.matrix import EVERYONE, quirk
from tests.carriers.quirks.rewriting import ABSENT, Draft, a_draft
from twoway_router.carriers.errors import BadSignature
from twoway_router.carriers.http import AckOutcome, RawRequest
from twoway_router.domain.messages import DeliveryState

DTD = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x><from>+393331230001</from>&e;</x>'
BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;&b;&b;&b;</x>'
CM_BATCH = """<MESSAGES>
<MSG><FROM>0031612345678</FROM><TO>1204</TO><BODY>first</BODY></MSG>
<MSG><TO>1204</TO><BODY>nobody's</BODY></MSG>
<MSG><FROM>0031612345679</FROM><TO>1204</TO><BODY>third</BODY></MSG>
</MESSAGES>"""


def _cm_batch() -> RawRequest:
    return replace(Case("cm", "mo_xml").request(), body=CM_BATCH.encode())


def a_batch(carrier: str) -> RawRequest:
    """The recorded message, one without a sender, and the message of another sender, in one request."""
    draft = a_draft(carrier)
    others = [a_draft(carrier).change(sender=ABSENT), a_draft(carrier).change(sender="+12025550199")]
    bad, good = (_elements(each)[0] for each in others)
    _elements(draft).extend([bad, _with_another_id(good)])
    return draft.request()


def _elements(draft: Draft) -> Any:
    found = draft.document
    for step in (draft.event.each or "").split("."):
        found = found[step] if step else found
    return found


def _with_another_id(element: Any) -> Any:
    """The same message under another id, wherever it stands."""
    written = json.dumps(element)
    for name in ("messageId", "id"):
        written = written.replace(f'"{name}": "', f'"{name}": "other-', 1)
    return json.loads(written)


BATCHES: dict[str, Callable[[], RawRequest]] = {"cm": _cm_batch}


@quirk(15)
def test_the_good_messages_of_a_batch_are_read_and_the_bad_one_is_put_aside(carrier: str) -> None:
    request = BATCHES.get(carrier, lambda: a_batch(carrier))()

    parsed = connection(carrier).parse("mo", request, NOW)

    assert len({message.sender for message in parsed.messages}) == len(parsed.messages) == 2
    assert [reject.reason for reject in parsed.rejects] == ["missing_sender"]


@quirk(16)
def test_messages_and_receipts_are_told_apart_on_either_url(carrier: str) -> None:
    compiled = connection(carrier)
    message, receipt = Case(carrier, "mo_plain").request(), Case(carrier, "dlr_delivered").request()

    found = [(compiled.parse("mo", each, NOW), compiled.parse("dlr", each, NOW)) for each in (message, receipt)]

    assert all(at_mo == at_dlr for at_mo, at_dlr in found)
    assert [(len(at_mo.messages), len(at_mo.receipts)) for at_mo, _ in found] == [(1, 0), (0, 1)]


@quirk(17)
def test_an_unknown_event_is_put_aside_or_ignored_and_acknowledged(carrier: str) -> None:
    draft = a_draft(carrier)
    body = b'{"type": "of-tomorrow", "data": {"event_type": "new"}}' if draft.document is not None else b"new=thing"
    request = replace(draft.raw, body=body if draft.raw.body else b"", query="" if draft.raw.body else "new=thing")

    parsed = connection(carrier).parse("mo", request, NOW)

    assert (parsed.messages, parsed.receipts) == ((), ())
    assert parsed.ignored or parsed.rejects
    assert connection(carrier).acknowledge(AckOutcome.QUARANTINED).status // 100 == 2


@quirk(17)
def test_an_unknown_field_changes_nothing(carrier: str) -> None:
    known = a_draft(carrier).message()

    message = a_draft(carrier).add("of_tomorrow", "x").message()

    assert message == known


@quirk(17)
def test_an_unknown_status_word_is_kept_and_counts_as_unknown(carrier: str) -> None:
    (receipt,) = connection(carrier).parse("dlr", Case(carrier, "dlr_unknown").request(), NOW).receipts

    assert receipt.state is DeliveryState.UNKNOWN
    assert receipt.raw_state


@quirk(18)
def test_the_first_of_two_equal_parameters_counts(carrier: str) -> None:
    draft = a_draft(carrier, "mo_form" if carrier == "generic" else None)
    known = draft.message()

    for name in ("sender", "text"):
        draft.add(draft.paths_of(name)[0], "second")

    assert (draft.message().sender, draft.message().text) == (known.sender, known.text)


@pytest.mark.parametrize("carrier", ["messagebird", "plivo", "twilio"])
def test_a_signature_covers_all_of_the_equal_parameters(carrier: str) -> None:
    draft = a_draft(carrier)
    unsigned = draft.add(draft.paths_of("text")[0], "second").request()
    signed_before = replace(a_draft(carrier).request(), body=unsigned.body)

    connection(carrier).verify(unsigned, NOW)

    with pytest.raises(BadSignature):
        connection(carrier).verify(signed_before, NOW)


@quirk(20)
def test_a_document_type_is_put_aside(carrier: str) -> None:
    plain = Case(carrier, {"cm": "mo_xml", "kannel": "mo_post_xml"}.get(carrier, "mo_plain")).request()

    for body in (DTD, BOMB):
        parsed = connection(carrier).parse("mo", replace(plain, body=body), NOW)
        assert parsed.messages == () or "passwd" not in parsed.messages[0].text
        assert parsed.rejects and parsed.confirm_url is None


FOREIGN = [
    "https://evil.example/SimpleNotificationService.pem",
    "http://sns.eu-west-1.amazonaws.com/x.pem",
    "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem",
    "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/x.pem",
    "https://169.254.169.254/latest/meta-data/x.pem",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_a_certificate_from_elsewhere_proves_nothing(url: str) -> None:
    draft = a_draft("aws")
    draft.document["SigningCertURL"] = url

    with pytest.raises(BadSignature):
        connection("aws").verify(draft.request(), NOW)


@pytest.mark.parametrize("url", FOREIGN)
def test_a_confirmation_elsewhere_is_put_aside(url: str) -> None:
    raw = Case("aws", "mo_handshake").unsigned()
    request = sign("aws", replace(raw, body=json.dumps({**json.loads(raw.body), "SubscribeURL": url}).encode()))
    connection("aws").verify(request, NOW)

    parsed = connection("aws").parse("mo", request, NOW)

    assert (parsed.confirm_url, [reject.reason for reject in parsed.rejects]) == (None, ["foreign_confirmation"])


@pytest.mark.parametrize("carrier", EVERYONE)
@pytest.mark.parametrize("body", [DTD, BOMB], ids=["entity", "bomb"])
def test_xml_with_a_document_type_is_nobody_s_message(carrier: str, body: bytes) -> None:
    request = replace(a_draft(carrier).request(), method="POST", body=body, headers={"content-type": "text/xml"})

    parsed = connection(carrier).parse("mo", request, NOW)

    assert (parsed.messages, parsed.receipts) == ((), ())
