"""What each carrier may answer to a send, and what must come of it: sent once, later, never, or not known."""

from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from tests.cast import NOON
from tests.conformance.stage import Line, Router, open_line
from twoway_router.carriers.engine import ConnectionView, compile_connection
from twoway_router.carriers.registry import CARRIERS
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import Capability, Encoding, OutboundMessage
from twoway_router.lab.behaviour import Fault, Report
from twoway_router.lab.dialects.dialect import Account, Dialect, TakenMt
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.web import LabReply, LabRequest

A_MT: Final = OutboundMessage(
    reference="01a20146-0000-7000-8000-000000000001",
    sender="12345",
    recipient="+393200000001",
    text="Ciao & grazie \N{SLICE OF PIZZA}",
    encoding=Encoding.UCS2,
    segments=1,
    reply_token="token-1",
)


def having(fault: Fault) -> list[str]:
    """The carriers that have this answer."""
    return [name for name, dialect in sorted(DIALECTS.items()) if fault in dialect.refusals]


def settled_by(mode: Capability) -> list[str]:
    return [name for name, dialect in sorted(DIALECTS.items()) if dialect.mode is mode]


@pytest.mark.parametrize("line", having(Fault.THROTTLED), indirect=True)
async def test_a_throttled_mt_goes_out_later_and_once(line: Line) -> None:
    line.behave(faults={Fault.THROTTLED: 1})
    await line.say("PIZZA")
    await line.run()
    refused = await line.the_mt()
    line.behave()
    for _ in range(6):
        await line.wait(20)

    assert (refused.state, len(line.received)) == ("planned", 1)
    assert (await line.the_mt()).state == "handed_over"


@pytest.mark.parametrize("line", having(Fault.HIDDEN), indirect=True)
async def test_a_failure_hidden_in_a_success_is_a_failure(line: Line) -> None:
    line.behave(faults={Fault.HIDDEN: 1})

    await line.say("PIZZA")
    await line.run()
    await line.wait(600)

    assert ((await line.the_mt()).state, line.received) == ("failed", [])


@pytest.mark.parametrize("line", having(Fault.PERMANENT), indirect=True)
async def test_a_permanent_error_is_final(line: Line) -> None:
    line.behave(faults={Fault.PERMANENT: 1})
    await line.say("PIZZA")
    await line.run()
    line.behave()

    await line.wait(600)

    assert ((await line.the_mt()).state, line.received) == ("failed", [])


@pytest.mark.parametrize("line", having(Fault.OPTED_OUT), indirect=True)
async def test_who_has_opted_out_at_the_carrier_is_suppressed(line: Line) -> None:
    line.behave(faults={Fault.OPTED_OUT: 1})

    await line.say("PIZZA")
    await line.run()
    line.behave()
    await line.say("PIZZA again")
    await line.run()

    assert await line.suppressed() == [(line.handset, "carrier")]
    assert line.received == []


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.DROP, Fault.ERROR, Fault.WRONG_JSON])
async def test_a_lost_answer_never_doubles_an_mt(line: Line, fault: Fault) -> None:
    line.behave(faults={fault: 1})
    await line.say("PIZZA")
    await line.run()
    line.behave()

    for _ in range(4):
        await line.wait(60)

    was_taken = fault.is_accepted or line.dialect.mode is Capability.IDEMPOTENT
    assert len(line.received) == int(was_taken)
    assert (await line.the_mt()).state in ("unknown", "handed_over")


@pytest.mark.parametrize("line", settled_by(Capability.RECEIPT), indirect=True)
async def test_a_receipt_tells_that_an_mt_arrived_whose_answer_was_lost(line: Line) -> None:
    line.behave(faults={Fault.DROP: 1}, receipt_url=line.receipt_url)
    await line.say("PIZZA")
    await line.run()
    lost = await line.the_mt()

    await line.carrier.report(line.received[0], Report.DELIVERED)

    found = await line.the_mt()
    assert (lost.state, found.state, found.delivery_state) == ("unknown", "confirmed", "delivered")


@pytest.fixture
async def blind(router: Router) -> Line:
    """A generic gateway that offers nothing after a lost answer."""
    return await open_line(router, "generic", capability="blind")


async def test_nothing_is_made_up_about_an_mt_that_nobody_can_ask_for(blind: Line) -> None:
    blind.behave(mode=Capability.BLIND, faults={Fault.DROP: 1})
    await blind.say("PIZZA")
    await blind.run()
    await blind.wait(600)

    assert ((await blind.the_mt()).state, len(blind.received)) == ("unknown", 1)


@pytest.fixture
async def asked(router: Router) -> Line:
    """A generic gateway that can be asked for what it has."""
    urls = {"look_up_url": "{lab}/messages?reference={reference}", "capability": "look_up"}
    return await open_line(router, "generic", **urls)


@pytest.mark.parametrize("fault", [Fault.DROP, Fault.RESET])
async def test_a_carrier_that_can_be_asked_settles_a_lost_answer(asked: Line, fault: Fault) -> None:
    asked.behave(mode=Capability.LOOK_UP, faults={fault: 1})
    await asked.say("PIZZA")
    await asked.run()
    asked.behave(mode=Capability.LOOK_UP)

    for _ in range(4):
        await asked.wait(10)

    assert ((await asked.the_mt()).state, len(asked.received)) == ("handed_over", 1)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_the_carrier_takes_our_send_with_our_credentials_only(dialect: Dialect) -> None:
    account = dialect.account.at("http://127.0.0.1:1")

    ours = dialect.take(sent_by(account), account)
    others = dialect.take(sent_by(dialect.falsify(account)), account)

    assert isinstance(ours, TakenMt)
    assert (ours.sender, ours.recipient, ours.text) == (A_MT.sender, A_MT.recipient, A_MT.text)
    assert isinstance(others, LabReply)


@pytest.mark.parametrize("carrier", sorted(DIALECTS))
def test_all_of_a_long_mt_goes_out(carrier: str) -> None:
    dialect, text = DIALECTS[carrier], " ".join(f"\N{SLICE OF PIZZA}{turn:03}" for turn in range(40))
    account = dialect.account.at("http://127.0.0.1:1")

    taken = dialect.take(sent_by(account, replace(A_MT, text=text, segments=4)), account)

    assert isinstance(taken, TakenMt)
    assert taken.text == text


def sent_by(account: Account, mt: OutboundMessage = A_MT) -> LabRequest:
    """A send of ours as it arrives."""
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=1)),
        carrier=account.carrier,
        country=account.country,
        settings=account.settings,
        secrets=account.secrets,
        public_url="http://127.0.0.1:2/in",
    )
    request = compile_connection(CARRIERS[account.carrier], view).build_send(mt, NOON)
    parts = urlsplit(request.url)
    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    return LabRequest(
        method=request.method,
        path=parts.path,
        query=parts.query.encode(),
        headers=[(b"host", parts.netloc.encode()), *headers],
        body=request.body,
    )
