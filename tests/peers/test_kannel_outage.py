"""Our ingress is down while a real Kannel has messages for it: its retries bring all of them, once. Parts are joined here."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cast import GYM, PIZZERIA, SHARED
from tests.peers.stage import Stage, open_stage

pytestmark = pytest.mark.peers

HANDSETS = 700
LONG = HANDSETS - 1
LONG_REST = "с грибами и луком 🍄 " * 8 + "спасибо"


def handset(number: int) -> str:
    return f"+39320{number:07d}"


@pytest.fixture
async def stage(database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(database_url, tmp_path, core="sms-combine-concatenated-mo = false") as stage:
        yield stage


async def test_messages_of_an_outage_come_later_and_are_answered_once(stage: Stage) -> None:
    await stage.router.stop()
    shorts = (stage.smsc.write(handset(number), SHARED, f"PALESTRA {number}") for number in range(LONG))
    long = stage.smsc.write_long(handset(LONG), SHARED, f"PIZZA {LONG_REST}", reference=9, order=(3, 1, 2))
    await asyncio.gather(*shorts, long)
    await stage.until(stage.kannel.has_failed, what="smsbox has tried in vain")

    await stage.router.start()
    await stage.until(lambda: stage.is_settled(HANDSETS), what="every MT is settled")

    expected = {handset(number): [f"{GYM}: {number}"] for number in range(LONG)}
    assert stage.smsc.read == expected | {handset(LONG): [f"{PIZZERIA}: {LONG_REST}"]}
    assert stage.smsc.refused == []
