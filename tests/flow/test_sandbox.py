"""A tenant's sandbox: the whole way from a made-up text to its receipt, on the simulated carrier, apart from live traffic."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import IntegrityError

from tests.cast import SHARED
from tests.support.playground import Playground, playing
from twoway_router.carriers.engine import ConnectionView, compile_connection
from twoway_router.carriers.registry import SANDBOX, carrier_of
from twoway_router.domain.messages import Encoding, OutboundMessage
from twoway_router.domain.outcomes import Failed
from twoway_router.telemetry.metrics import ROUTED


@pytest.fixture
async def playground(database_url: str) -> AsyncIterator[Playground]:
    async with playing(database_url) as playground:
        yield playground


async def test_a_text_is_routed_in_the_request_after_the_keyword_was_claimed(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    keyword_id = await playground.add_keyword(playground.tester, number_id)

    answer = await playground.write(playground.tester, "pizza grande")

    assert answer.status_code == 201, answer.text
    assert (answer.json()["route"]["keyword_id"], answer.json()["route"]["rest"]) == (keyword_id, "grande")


async def test_the_reply_shows_what_would_have_been_sent_and_its_receipt(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    await playground.write(playground.tester, "pizza grande")

    await playground.work(6)

    (mt,) = await playground.sent(playground.tester)
    assert (mt["sender"], mt["recipient"], mt["text"]) == (SHARED, "+447700900001", "Ecco grande")
    assert (mt["state"], mt["delivery_state"]) == ("confirmed", "delivered")


async def test_what_the_number_itself_says_is_seen_too(playground: Playground) -> None:
    await playground.add_number(playground.tester)
    message = (await playground.write(playground.tester, "HELP")).json()

    await playground.work(6)

    story = (await playground.tester.get(f"/v1/inbound-messages/{message['id']}")).json()
    assert (story["route"]["outcome"], story["tenant_id"]) == ("help", None)
    assert [mt["origin"] for mt in story["outbound_messages"]] == ["help"]
    assert [mt["origin"] for mt in await playground.sent(playground.tester)] == ["help"]


async def test_a_text_that_fits_nothing_is_explained(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    message = (await playground.write(playground.tester, "piza")).json()

    answer = await playground.tester.post(f"/v1/inbound-messages/{message['id']}/explanations", None)

    assert answer.status_code == 200, answer.text
    assert answer.json()["is_same"]


async def test_what_happens_in_a_sandbox_is_seen_there_only(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    message = (await playground.write(playground.tester, "pizza")).json()
    await playground.work(4)

    for caller in (playground.live, playground.other):
        assert (await caller.get(f"/v1/inbound-messages/{message['id']}")).status_code == 404
        assert await playground.sent(caller) == []


async def test_an_email_of_a_sandbox_is_not_sent(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    action = {"kind": "send_email", "recipients": ["crm@example.com"], "subject": "New", "text": "Text"}
    await playground.add_keyword(playground.tester, number_id, "PIZZA", action)
    await playground.write(playground.tester, "pizza")

    await playground.work(4)

    (email,) = await playground.scene.rows("SELECT state, reason FROM email_deliveries")
    assert (email.state, email.reason) == ("done", "sandbox")


async def test_a_webhook_of_a_sandbox_goes_to_the_sandboxs_endpoint_only(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    endpoints = {}
    for caller, host in ((playground.live, "live"), (playground.tester, "test")):
        wish = {"url": f"https://{host}.pizzeria.example/hook", "event_types": ["message.received"]}
        endpoints[host] = (await caller.post("/v1/webhook-endpoints", wish)).json()["id"]
    await playground.add_keyword(playground.tester, number_id)
    await playground.write(playground.tester, "pizza")

    await playground.work(2)

    rows = await playground.scene.rows("SELECT endpoint_id FROM webhook_deliveries")
    assert {str(row.endpoint_id) for row in rows} == {endpoints["test"]}


async def test_nothing_of_a_sandbox_reaches_a_real_carrier(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)

    for text in ("pizza", "HELP", "STOP", "nonsense"):
        await playground.write(playground.tester, text)
    await playground.work(10)

    assert playground.scene.http.requests == []
    assert len(await playground.scene.mts()) >= 3


async def test_the_texts_of_a_sandbox_are_not_counted_as_live_ones(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    before = routed()

    await playground.write(playground.tester, "pizza")

    assert routed() == before


async def test_hand_overs_of_a_sandbox_are_counted_by_its_carrier(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    labels = {"carrier": "sandbox", "outcome": "done"}
    before = REGISTRY.get_sample_value("twr_mt_total", labels) or 0
    await playground.write(playground.tester, "pizza")

    await playground.work(2)

    assert REGISTRY.get_sample_value("twr_mt_total", labels) == before + 1


def routed() -> float:
    (metric,) = ROUTED.collect()
    return sum(sample.value for sample in metric.samples if sample.name.endswith("_total"))


async def test_live_messages_still_go_to_the_real_carrier(playground: Playground) -> None:
    keyword_id = await playground.scene.add_keyword(playground.scene.pizzeria, {"kind": "reply", "text": "Live"})
    message_id = await playground.scene.ask(keyword_id)

    await playground.scene.runner().run([message_id])
    await playground.work(2)

    assert playground.scene.http.texts == ["Live"]


async def test_a_live_message_that_is_sent_there_by_mistake_is_refused(playground: Playground) -> None:
    scene = playground.scene
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "Live"})
    await scene.runner().run([await scene.ask(keyword_id, sender="+447700900001")])
    (mt,) = await scene.mts()
    view = ConnectionView(
        connection_id=scene.connection_id, carrier=SANDBOX, country=None, settings={}, secrets={"key": "long-key"}
    )
    message = OutboundMessage(
        reference=str(mt.id),
        sender=mt.sender,
        recipient=mt.recipient,
        text=mt.text,
        encoding=Encoding(mt.encoding),
        segments=1,
    )

    reply = await playground.carrier.send(
        compile_connection(carrier_of(SANDBOX), view), message, timeout=timedelta(seconds=20), now=scene.clock()
    )

    assert isinstance(reply, Failed)
    assert reply.reason == "carrier_refused"


async def test_no_live_connection_can_have_the_carrier_of_sandboxes(playground: Playground) -> None:
    with pytest.raises(IntegrityError):
        await playground.scene.rows("UPDATE connections SET carrier = 'sandbox'")


MAGIC = [
    ("01", "confirmed", "delivered"),
    ("02", "failed", "undelivered"),
    ("03", "failed", None),
    ("04", "confirmed", "delivered"),
    ("05", "failed", None),
    ("06", "failed", "expired"),
    ("07", "confirmed", "delivered"),
    ("08", "confirmed", "delivered"),
    ("09", "confirmed", "delivered"),
    ("10", "handed_over", None),
    ("11", "confirmed", "delivered"),
    ("12", "confirmed", "delivered"),
    ("13", "failed", "rejected"),
]


@pytest.mark.parametrize(("ending", "state", "delivery_state"), MAGIC)
async def test_a_magic_handset_has_its_fate(
    playground: Playground, ending: str, state: str, delivery_state: str | None
) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    await playground.write(playground.tester, "pizza", f"+4477009000{ending}")

    await playground.work(60)

    (mt,) = await playground.sent(playground.tester)
    assert (mt["state"], mt["delivery_state"]) == (state, delivery_state)


@pytest.mark.parametrize(("ending", "attempts"), [("01", 1), ("04", 2), ("05", 1), ("11", 3), ("12", 2)])
async def test_refused_tries_are_repeated_by_the_ledgers_rules(
    playground: Playground, ending: str, attempts: int
) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    await playground.write(playground.tester, "pizza", f"+4477009000{ending}")

    await playground.work(60)

    (mt,) = await playground.sent(playground.tester)
    assert mt["attempt"] == attempts


async def test_a_receipt_that_comes_twice_is_kept_twice(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    await playground.write(playground.tester, "pizza", "+447700900008")

    await playground.work(6)

    (mt,) = await playground.sent(playground.tester)
    story = (await playground.tester.get(f"/v1/outbound-messages/{mt['id']}")).json()
    assert [receipt["state"] for receipt in story["receipts"]] == ["delivered", "delivered"]


@pytest.mark.parametrize("ending", ["03", "13"])
async def test_a_handset_that_opted_out_at_the_carrier_gets_nothing_more(playground: Playground, ending: str) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    for turn in ("one", "two"):
        await playground.write(playground.tester, f"pizza {turn}", f"+4477009000{ending}")
        await playground.work(10)

    newest, _ = await playground.sent(playground.tester)

    assert (newest["state"], newest["reason"]) == ("suppressed", "opted_out")


async def test_what_is_sent_again_with_its_id_is_a_carriers_repeat(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)

    first = await playground.write(playground.tester, "pizza", id="mine-1")
    second = await playground.write(playground.tester, "pizza", id="mine-1")
    await playground.work(4)

    assert (first.json()["is_repeat"], second.json()["is_repeat"]) == (False, True)
    assert first.json()["id"] == second.json()["id"]
    assert len(await playground.sent(playground.tester)) == 1


async def test_a_text_whose_answer_was_lost_is_not_taken_twice(playground: Playground) -> None:
    number_id = await playground.add_number(playground.tester)
    await playground.add_keyword(playground.tester, number_id)
    wish = {"number_id": number_id, "sender": "+447700900001", "text": "pizza"}
    key = {"Idempotency-Key": "text-1"}
    first = await playground.tester.post("/v1/sandbox/inbound-messages", wish, headers=key)
    await playground.scene.rows("DELETE FROM idempotency_keys")

    second = await playground.tester.post("/v1/sandbox/inbound-messages", wish, headers=key)

    assert (second.json()["id"], second.json()["is_repeat"]) == (first.json()["id"], True)


async def test_two_sandboxes_hold_the_same_word_on_the_same_address(playground: Playground) -> None:
    for caller in (playground.tester, playground.other):
        number_id = await playground.add_number(caller)
        await playground.add_keyword(caller, number_id)
        await playground.write(caller, "pizza")

    await playground.work(4)

    assert [len(await playground.sent(caller)) for caller in (playground.tester, playground.other)] == [1, 1]


async def test_stop_in_one_sandbox_silences_no_other_and_nothing_live(playground: Playground) -> None:
    for caller in (playground.tester, playground.other):
        number_id = await playground.add_number(caller)
        await playground.add_keyword(caller, number_id)
    await playground.write(playground.tester, "STOP")

    await playground.write(playground.other, "pizza")
    await playground.work(4)

    (mt,) = await playground.sent(playground.other)
    (suppressed,) = await playground.scene.rows("SELECT number_id FROM suppressions")
    assert mt["state"] == "confirmed"
    assert suppressed.number_id != playground.scene.number_id
