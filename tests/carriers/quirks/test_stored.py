"""Rows 2, 5, 6, 8, 15 and 22 with the real ingress and the real database: what is stored, and how it is answered."""

from dataclasses import replace

import pytest

from tests.carriers.cases import HOST, NOW, Case, connection, table
from tests.carriers.quirks.conftest import PIZZA, Door, a_connection_of
from tests.carriers.quirks.matrix import quirk
from tests.carriers.quirks.rewriting import a_draft
from tests.carriers.quirks.test_answers import TOKENS
from tests.carriers.quirks.test_parts import TEXTS
from tests.carriers.quirks.test_proving import GENERIC, GENERIC_SECRETS, signed_by
from tests.carriers.quirks.test_requests import BATCHES, a_batch
from tests.cast import GYM, a_number, a_tenant
from twoway_router.carriers.common_settings import ANSWERS
from twoway_router.carriers.http import AckOutcome
from twoway_router.keywords import service as keywords
from twoway_router.store import System, transaction

STOPS = {"africastalking": "mo_opt_out", "plivo": "mo_stop", "telnyx": "mo_stop", "twilio": "mo_stop"}


@quirk(2)
async def test_a_body_that_is_too_large_is_not_stored(door: Door) -> None:
    request = replace(Case(door.carrier, "mo_plain").unsigned(), method="POST", body=b"x" * 1_100_000)

    answer = await door.post(door.here(request))

    assert answer.status_code == connection(door.carrier).acknowledge(AckOutcome.TOO_LARGE).status
    assert await door.texts() == []


@quirk(3)
async def test_a_connection_may_have_a_public_address_of_its_own(door: Door) -> None:
    own = "https://sms2.example:8443"
    told = table(door.carrier)["connection"]
    if door.carrier == "generic":
        told = {"settings": GENERIC, "secrets": GENERIC_SECRETS}
    changes = {"settings": told["settings"] | {"public_url": f"{own}/"}, "secrets": told["secrets"]}
    async with transaction(door.engine, System("test")) as session:
        other = await a_connection_of(session, door.carrier, **changes)
    await door.ingress.follower.catch_up()
    there = replace(door, connection=other)
    raw = there.here(a_draft(door.carrier).unsigned())

    requests = [signed_by(door.carrier, replace(raw, url=raw.url.replace(HOST, base))) for base in (own, HOST)]
    answers = [await door.post(request) for request in requests]

    assert [answer.status_code for answer in answers] == [200, 403]


@quirk(8)
async def test_a_repeated_message_is_stored_once_and_answered_like_the_first(door: Door) -> None:
    first = await door.record("mo_plain")
    again = await door.record("mo_plain")

    assert (again.status_code, again.content) == (first.status_code, first.content) == (200, again.content)
    assert len(await door.texts()) == 1


@quirk(6)
async def test_parts_that_come_in_disorder_and_twice_are_stored_as_one_message(door: Door) -> None:
    answers = [await door.record(name) for name in ("mo_part_2", "mo_part_2", "mo_part_1", "mo_part_1")]

    assert {answer.status_code for answer in answers} == {200}
    assert await door.texts() == [TEXTS[door.carrier]]


@quirk(15)
async def test_a_bad_element_is_quarantined_and_the_others_are_stored(door: Door) -> None:
    answer = await door.post(door.signed(BATCHES.get(door.carrier, lambda: a_batch(door.carrier))()))

    assert (answer.status_code, len(await door.texts())) == (200, 2)
    assert [row.reason for row in await door.rows("SELECT reason FROM quarantined_requests")] == ["missing_sender"]


@quirk(17)
async def test_what_cannot_be_understood_is_kept_and_acknowledged(door: Door) -> None:
    answer = await door.send(sender="") if door.carrier != "kannel" else await door.record("mo_missing_sender")

    assert answer.status_code == 200
    assert len(await door.rows("SELECT 1 FROM quarantined_requests")) == 1


@quirk(10)
async def test_a_message_without_a_text_is_stored(door: Door) -> None:
    answer = await door.send(text="")

    assert (answer.status_code, await door.texts()) == (200, [""])


@quirk(22)
async def test_a_stop_that_the_carrier_has_answered_is_obeyed_in_silence(door: Door) -> None:
    answer = await door.record(STOPS[door.carrier])
    await door.run()

    assert answer.status_code == 200
    assert [row.tenant_id for row in await door.rows("SELECT tenant_id FROM suppressions")] == [None]
    assert await door.rows("SELECT 1 FROM outbound_messages") == []


@quirk(22)
async def test_a_word_that_only_the_carrier_takes_for_a_stop_is_one(door: Door) -> None:
    draft = a_draft(door.carrier, STOPS[door.carrier])
    await door.post(door.signed(draft.change(text="PIZZA nie wieder").unsigned()))
    await door.run()

    assert [row.route for row in await door.rows("SELECT route FROM inbound_messages")] == ["opt_out"]
    assert len(await door.rows("SELECT 1 FROM suppressions")) == 1
    assert await door.rows("SELECT 1 FROM outbound_messages") == []


@quirk(23)
async def test_a_reply_carries_the_token_that_its_message_brought(door: Door) -> None:
    draft = a_draft(door.carrier)
    if door.carrier == "generic":
        draft.add("reply_token", "tok-1")
    await door.post(door.signed(draft.unsigned()))
    await door.run()

    (request,) = await door.deliver()

    assert TOKENS[door.carrier] in request.url + request.body.decode()
    (mt,) = await door.rows("SELECT reply_token, cause_id AS inbound_message_id FROM outbound_messages")
    (mo,) = await door.rows("SELECT reply_token, id FROM inbound_messages")
    assert tuple(mt) == tuple(mo)


@pytest.mark.parametrize("carrier", ["africastalking"])
async def test_one_short_code_in_two_countries_is_two_numbers(door: Door) -> None:
    async with transaction(door.engine, System("test")) as session:
        gym = await a_tenant(session, GYM)
        uganda = await a_connection_of(session, door.carrier, country="UG")
        number = await a_number(session, uganda, "12345", country="UG")
        await keywords.claim(session, gym, PIZZA.to_claim(number), now=NOW)
    await door.ingress.follower.catch_up()

    await door.send()
    await replace(door, connection=uganda).send()

    found = await door.rows("SELECT tenant_id, recipient FROM inbound_messages ORDER BY id")
    assert [tuple(row) for row in found] == [(door.tenant, "12345"), (gym, "12345")]


@pytest.mark.parametrize("carrier", ["telnyx", "twilio"])
async def test_a_stop_that_the_carrier_left_to_us_is_confirmed(door: Door) -> None:
    await door.send(text="STOP")
    await door.run()

    assert [row.origin for row in await door.rows("SELECT origin FROM outbound_messages")] == ["opt_out"]


@pytest.mark.parametrize("carrier", ["aws", "generic", "twilio"])
@pytest.mark.parametrize("text", ["STOP", "HELP"])
async def test_a_connection_may_say_that_its_carrier_answers_without_saying_so(door: Door, text: str) -> None:
    settings = f"jsonb_set(settings, '{{{ANSWERS}}}', 'true')"
    await door.rows(f"UPDATE connections SET settings = {settings} RETURNING 1")
    await door.ingress.start()

    await door.send(text=text)
    await door.run()

    assert await door.rows("SELECT 1 FROM outbound_messages") == []
    assert len(await door.rows("SELECT 1 FROM suppressions")) == (text == "STOP")


@quirk(22)
def test_the_carrier_says_that_it_has_answered_a_stop(carrier: str) -> None:
    (message,) = connection(carrier).parse("mo", Case(carrier, STOPS[carrier]).request(), NOW).messages

    assert (message.carrier_opted_out, message.carrier_replied) == (True, True)
