"""Debian's Kannel in front of us and behind us: 500 handsets write to two tenants of one short code, and are answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from tests.cast import GYM, PIZZERIA, SHARED
from tests.peers.smsc import Fate
from tests.peers.stage import GOODBYE, WORDS, Stage, open_stage

pytestmark = pytest.mark.peers

HANDSETS = 500
LONG, STOPPED, REFUSED = 498, 499, 500
"""Numbers of the handsets that write a long message, write STOP, and that the SMSC does not know."""

LONG_REST = "una margherita è già pronta, un'altra [senza €] " * 8 + "grazie"
INVALID_DESTINATION = 0x0B


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """What a handset writes, and what it must read."""

    handset: str
    tenant: str
    rest: str

    @property
    def text(self) -> str:
        return f"{WORDS[self.tenant]} {self.rest}"

    @property
    def answer(self) -> str:
        return f"{self.tenant}: {self.rest}"


def handset(number: int) -> str:
    return f"+39320{number:07d}"


def a_talk(number: int) -> Talk:
    """A tenth of them beyond GSM-7, another with its accents and its extension."""
    rests = {0: f"пицца 🍕 {number}", 1: f"perché così è {{ok}} ~ {number} €"}
    rest = LONG_REST if number == LONG else rests.get(number % 10, f"n. {number}")
    return Talk(handset=handset(number), tenant=(PIZZERIA, GYM)[number % 2], rest=rest)


TALKS = [a_talk(number) for number in range(HANDSETS) if number != STOPPED]
FATES = {
    **{handset(number): Fate(state="UNDELIV") for number in range(7, LONG, 25)},
    **{handset(number): Fate(state="EXPIRED") for number in range(9, LONG, 25)},
    handset(REFUSED): Fate(status=INVALID_DESTINATION),
}


@pytest.fixture(scope="module")
async def played(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """After 500 MOs, one of a handset that cannot be answered and one after STOP, when every MT is settled."""
    async with open_stage(shared_database_url, tmp_path_factory.mktemp("kannel"), fates=FATES) as stage:
        refused = a_talk(REFUSED)
        await asyncio.gather(
            *(write(stage, talk) for talk in (*TALKS, refused)), stage.smsc.write(handset(STOPPED), SHARED, "STOP")
        )
        await stage.until(lambda: stage.is_settled(HANDSETS + 1), what="every MT of 500 conversations is settled")
        await stage.smsc.write(handset(STOPPED), SHARED, "PIZZA dopo")
        await stage.until(lambda: stage.is_settled(HANDSETS + 2), what="the MO after STOP is settled")
        yield stage


async def write(stage: Stage, talk: Talk) -> None:
    if talk.rest == LONG_REST:
        await stage.smsc.write_long(talk.handset, SHARED, talk.text, reference=7, order=(2, 1, 3))
    else:
        await stage.smsc.write(talk.handset, SHARED, talk.text)


async def test_every_handset_reads_its_own_tenants_answer_exactly_once(played: Stage) -> None:
    expected = {talk.handset: [talk.answer] for talk in TALKS} | {handset(STOPPED): [GOODBYE]}

    assert len(expected) == HANDSETS
    assert played.smsc.read == expected


async def test_every_mo_is_stored_once_with_its_text_and_its_tenant(played: Stage) -> None:
    rows = await played.rows("SELECT sender, text, tenant_id::text FROM inbound_messages WHERE route = 'keyword'")

    expected = [(talk.handset, talk.text, played.tenants[talk.tenant].id) for talk in (*TALKS, a_talk(REFUSED))]
    assert Counter(map(tuple, rows)) == Counter(
        [*expected, (handset(STOPPED), "PIZZA dopo", played.tenants[PIZZERIA].id)]
    )


async def test_receipts_bring_every_mt_to_the_state_that_the_smsc_told(played: Stage) -> None:
    rows = await played.rows(
        "SELECT recipient, state, delivery_state FROM outbound_messages WHERE state <> 'suppressed'"
    )

    states = {
        "DELIVRD": ("confirmed", "delivered"),
        "UNDELIV": ("failed", "undelivered"),
        "EXPIRED": ("failed", "undelivered"),
    }
    expected = {handset(number): states[FATES.get(handset(number), Fate()).state] for number in range(HANDSETS)} | {
        handset(REFUSED): ("failed", "rejected")
    }
    assert {row.recipient: (row.state, row.delivery_state) for row in rows} == expected


async def test_nothing_is_sent_after_stop(played: Stage) -> None:
    rows = await played.rows(
        "SELECT state FROM outbound_messages WHERE recipient = :who ORDER BY id", who=handset(STOPPED)
    )

    assert [row.state for row in rows] == ["confirmed", "suppressed"]


async def test_a_long_answer_goes_out_in_parts(played: Stage) -> None:
    parts = [sms for sms in played.smsc.submits if sms.destination == handset(LONG).lstrip("+")]

    assert len(parts) == 3
    assert played.smsc.read[handset(LONG)] == [a_talk(LONG).answer]


async def test_the_gateway_takes_every_mo_and_every_receipt(played: Stage) -> None:
    assert played.smsc.refused == []


async def test_no_request_of_the_gateway_is_refused_or_set_aside(played: Stage) -> None:
    assert await played.rows("SELECT reason FROM quarantined_requests") == []


def test_texts_cover_both_alphabets() -> None:
    texts: Sequence[str] = [talk.text for talk in TALKS]

    assert sum("🍕" in text for text in texts) == sum("€" in text for text in texts) - 1 == HANDSETS // 10
