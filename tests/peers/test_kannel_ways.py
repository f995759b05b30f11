"""The other ways in which a real Kannel brings messages: ``post-url`` and ``post-xml``, long messages in parts."""

from pathlib import Path

import pytest

from tests.cast import ANN, BOB, GYM, PIZZERIA, SHARED
from tests.peers.stage import open_stage

pytestmark = pytest.mark.peers

LONG = "с грибами и луком 🍄 " * 8 + "спасибо"


@pytest.mark.parametrize("way", ["post-url", "post-xml"])
async def test_messages_that_are_posted_are_read_and_answered(way: str, database_url: str, tmp_path: Path) -> None:
    async with open_stage(database_url, tmp_path, core="sms-combine-concatenated-mo = false", way=way) as stage:
        await stage.smsc.write(ANN, SHARED, "PIZZA perché  così è {ok} & <b> €")
        await stage.smsc.write_long(BOB, SHARED, f"PALESTRA {LONG}", reference=9, order=(3, 1, 2))
        await stage.until(lambda: stage.is_settled(2), what="both are answered")

        assert stage.smsc.read == {ANN: [f"{PIZZERIA}: perché  così è {{ok}} & <b> €"], BOB: [f"{GYM}: {LONG}"]}
