"""Receipts in every carrier's words, at every time: an MT that was delivered ends as delivered and never goes back."""

import pytest

from tests.conformance.stage import Line, settled
from twoway_router.lab.behaviour import Receipts, Report
from twoway_router.lab.dialects.dialect import Ack
from twoway_router.lab.dialects.registry import DIALECTS

COUNTS = {Receipts.SOON: 1, Receipts.EARLY: 1, Receipts.LATE: 1, Receipts.TWICE: 2}
ORDERED = {Receipts.PROGRESS: 2, Receipts.DISORDER: 2}
WORDS = [(name, report) for name, dialect in sorted(DIALECTS.items()) for report in dialect.words]
BLOCKING = [name for name, report in WORDS if report is Report.OPTED_OUT]
STATES = {
    Report.ACCEPTED: {("handed_over", "accepted")},
    Report.DELIVERED: {("confirmed", "delivered")},
    Report.FAILED: {("failed", "undelivered"), ("failed", "rejected")},
    Report.EXPIRED: {("failed", "expired"), ("failed", "undelivered")},
    Report.REJECTED: {("failed", "rejected"), ("failed", "undelivered")},
    Report.OPTED_OUT: {("failed", "undelivered"), ("failed", "rejected")},
}


async def reported(line: Line, receipts: Receipts, count: int, report: Report = Report.DELIVERED) -> tuple[str, str]:
    """What the ledger says of an MT after these receipts."""
    line.behave(receipts=receipts, report=report, receipt_url=line.receipt_url, receipt_late_seconds=0.05)
    await line.say("PIZZA")
    await line.run()
    acks = await settled(line, count)
    assert set(acks) == {Ack.TAKEN}
    mt = await line.the_mt()
    return mt.state, mt.delivery_state


@pytest.mark.parametrize("receipts", COUNTS)
async def test_a_delivered_mt_ends_as_delivered(line: Line, receipts: Receipts) -> None:
    assert await reported(line, receipts, COUNTS[receipts]) == ("confirmed", "delivered")


@pytest.mark.parametrize("receipts", ORDERED)
async def test_progress_never_overwrites_the_end(line: Line, receipts: Receipts) -> None:
    count = ORDERED[receipts] if Report.ACCEPTED in line.dialect.words else 1

    assert await reported(line, receipts, count) == ("confirmed", "delivered")


@pytest.mark.parametrize(("line", "report"), WORDS, indirect=["line"])
async def test_every_word_is_understood(line: Line, report: Report) -> None:
    assert await reported(line, Receipts.SOON, 1, report) in STATES[report]


@pytest.mark.parametrize("line", BLOCKING, indirect=True)
async def test_a_receipt_that_tells_of_an_opt_out_suppresses_the_recipient(line: Line) -> None:
    await reported(line, Receipts.SOON, 1, Report.OPTED_OUT)

    assert await line.suppressed() == [(line.handset, "carrier")]
