"""Rows 6 and 7: parts of long messages as each carrier sends them, put together as the ingress does."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest

from tests.carriers.cases import NOW, Case, connection
from tests.carriers.quirks.matrix import ROWS, quirk
from tests.carriers.quirks.rewriting import a_draft
from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import InboundMessage
from twoway_router.ingress.parts import KeptPart, SetKey, assemble, facts_of

TEXTS = {
    "clickatell_legacy": "PIZZA large",
    "clickatell_platform": "PIZZA large",
    "jasmin": "🍕",
    "kannel": "🍕",
    "sinch": "PIZZA large",
    "vonage": "PIZZA large",
}
"""The recorded parts end or begin with a space, or share a character."""

COUNTS = {
    "clickatell_legacy": ("050003CC0201", ["050003CC0001", "050003CC0203", "050003CC0200"]),
    "clickatell_platform": ("050003CC0201", ["050003CC0001", "050003CC0203", "050003CC0200"]),
    "jasmin": ("0608040CC10201", ["0608040CC10001", "0608040CC10203", "0608040CC10200"]),
    "kannel": ("%CC%02%01", ["%CC%00%01", "%CC%02%03", "%CC%02%00"]),
    "sinch": ("050003CC0201", ["050003CC0001", "050003CC0203", "050003CC0200"]),
    "vonage": (
        "concat-total=2&concat-part=1",
        [f"concat-total={total}&concat-part={part}" for total, part in ((0, 1), (2, 3), (2, 0), (999, 1))],
    ),
}
"""How the place of the first part is written, and places that cannot be: of none, behind the last, before the first."""


def parts(carrier: str) -> list[InboundMessage]:
    """The two recorded parts of one message."""
    requests = [Case(carrier, name).request() for name in ("mo_part_1", "mo_part_2")]
    return [connection(carrier).parse("mo", request, NOW).messages[0] for request in requests]


def kept(*messages: InboundMessage) -> list[KeptPart]:
    """Parts as the table has them, in the order of their arrival."""
    return [_row(number, message) for number, message in enumerate(messages, 1)]


def _row(number: int, message: InboundMessage) -> KeptPart:
    part = message.part
    assert part is not None
    return KeptPart(
        id=UUID(int=number),
        key=SetKey(ConnectionId(UUID(int=9)), message.sender, message.recipient, part.reference, part.total),
        carrier_message_id=message.carrier_message_id,
        place=part.index,
        state="waiting",
        body=part.body,
        charset=part.charset,
        facts=facts_of(message),
        received_at=NOW,
        due_at=NOW + timedelta(minutes=5),
    )


@quirk(6)
def test_parts_in_any_order_and_repeated_make_one_message(carrier: str) -> None:
    first, second = parts(carrier)

    for order in permutations((first, second, first)):
        whole, *rest = assemble(kept(*order), NOW).wholes
        assert (whole.message.text, whole.message.missing_parts, rest) == (TEXTS[carrier], (), [])


@quirk(6)
def test_the_parts_of_two_senders_are_not_mixed(carrier: str) -> None:
    first, second = parts(carrier)

    made = assemble(kept(first, replace(second, sender="+390000000001")), NOW)

    assert made.wholes == []


@quirk(6)
def test_what_misses_a_part_goes_on_after_the_wait(carrier: str) -> None:
    first, _ = parts(carrier)

    early = assemble(kept(first), NOW + timedelta(minutes=4))
    late = assemble(kept(first), NOW + timedelta(minutes=5))

    assert (early.wholes, late.wholes[0].message.missing_parts) == ([], (2,))


@quirk(6)
def test_a_reference_that_is_used_again_begins_another_message(carrier: str) -> None:
    first, second = parts(carrier)
    assert first.part
    another = replace(first, part=replace(first.part, body=first.part.body + b"!!"), carrier_message_id="another")

    wholes = assemble(kept(first, another, second), NOW).wholes

    assert [whole.message.missing_parts for whole in wholes] == [(2,), ()]


@quirk(6)
def test_an_impossible_place_makes_a_message_of_its_own(carrier: str) -> None:
    written, impossible = COUNTS[carrier]

    for place in impossible:
        request = Case(carrier, "mo_part_1").request()
        changed = replace(
            request,
            body=request.body.replace(written.encode(), place.encode()),
            query=request.query.replace(written, place),
        )
        (message,) = connection(carrier).parse("mo", changed, NOW).messages
        assert (changed != request, message.part) == (True, None)


@quirk(7)
def test_joining_adds_and_takes_nothing(carrier: str) -> None:
    first, second = parts(carrier)

    (whole,) = assemble(kept(second, first), NOW).wholes

    assert whole.message.text == TEXTS[carrier]
    assert {first.text, second.text} != {"PIZZA", "large"}


@pytest.mark.parametrize("carrier", ROWS[6].carriers.spared["joined"])
def test_a_carrier_that_joins_itself_sends_no_parts(carrier: str) -> None:
    message = a_draft(carrier).change(text="x" * 1000).message()

    assert (message.part, len(message.text)) == (None, 1000)
    assert not any(event.part for event in CARRIERS[carrier].events)
