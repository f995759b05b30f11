"""Whatever a carrier does to an MO on its way: one message with the right text, one answer, acknowledged as it wants."""

import pytest

from tests.conformance.stage import Line, reply_to
from twoway_router.lab.dialects.dialect import Ack
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.mos import Copies, Disorder

EMOJI = "Però con \N{SLICE OF PIZZA}\N{FAMILY} e ñ, グレート"
LONG = "PIZZA " + " ".join(f"Zutat-{turn:03}" for turn in range(40))
LONG_WIDE = "PIZZA " + "".join(f"\N{SLICE OF PIZZA}{turn:03}\N{TOMATO}" for turn in range(40))
VARIANTS = [(name, variant) for name, dialect in sorted(DIALECTS.items()) for variant in dialect.variants]
WORDS = [("narrow", LONG), ("wide", LONG_WIDE)]
SPLIT = [
    pytest.param(name, variant, words, id=f"{name}-{variant or 'default'}-{width}")
    for name, dialect in sorted(DIALECTS.items())
    for variant in ("", *dialect.parts_of)
    for width, words in WORDS
    if width == "narrow" or variant not in dialect.narrow
]
MARKING = [name for name, dialect in sorted(DIALECTS.items()) if dialect.marks_opt_outs]
WIDE = [(name, variant) for name, variant in VARIANTS if variant not in DIALECTS[name].narrow]


@pytest.mark.parametrize(("line", "variant"), VARIANTS, indirect=["line"])
async def test_an_mo_is_stored_answered_and_acknowledged(line: Line, variant: str) -> None:
    emission = await line.say("PIZZA & 100% = large+", variant=variant)
    await line.run()

    (stored,) = await line.inbound()
    (mt,) = line.received
    assert emission.ack is Ack.TAKEN
    assert (stored.sender, stored.text) == (line.handset, "PIZZA & 100% = large+")
    assert (mt.sender, mt.recipient, mt.text) == (line.address, line.handset, reply_to("& 100% = large+"))
    assert mt.reply_token == line.dialect.reply_token


@pytest.mark.parametrize(("line", "variant"), WIDE, indirect=["line"])
async def test_every_character_comes_through_in_both_directions(line: Line, variant: str) -> None:
    await line.say(f"PIZZA {EMOJI}", variant=variant)
    await line.run()

    assert [row.text for row in await line.inbound()] == [f"PIZZA {EMOJI}"]
    assert [mt.text for mt in line.received] == [reply_to(EMOJI)]


@pytest.mark.parametrize("copies_come", Copies)
@pytest.mark.parametrize(("line", "variant", "words"), SPLIT, indirect=["line"])
async def test_a_long_mo_is_one_message_in_any_disorder(
    line: Line, variant: str, words: str, copies_come: Copies
) -> None:
    disorder = Disorder(seed=7, is_shuffled=True, copies=3, copies_come=copies_come)

    emission = await line.say(words, variant=variant, disorder=disorder)
    await line.run()

    assert emission.ack is Ack.TAKEN
    assert [row.text for row in await line.inbound()] == [words]
    assert len(line.received) == 1


@pytest.mark.parametrize(("line", "variant"), VARIANTS, indirect=["line"])
async def test_a_repeated_mo_is_acknowledged_and_done_once(line: Line, variant: str) -> None:
    mo = line.an_mo("PIZZA", variant=variant)

    first = await line.emit(mo)
    await line.run()
    line.router.clock.advance(seconds=0 if variant in line.dialect.timeless else 40)
    again = await line.emit(mo)
    await line.run()

    assert (first.ack, again.ack) == (Ack.TAKEN, Ack.TAKEN)
    assert (len(await line.inbound()), len(line.received)) == (1, 1)


async def test_two_people_s_equal_messages_are_two(line: Line) -> None:
    mo = line.an_mo("PIZZA")

    await line.emit(mo)
    await line.emit(mo.model_copy(update={"id": f"{mo.id}b", "sender": "+393331230009"}))
    await line.run()

    assert len(line.received) == 2


async def test_a_wrong_proof_is_refused_in_the_carrier_s_form_and_nothing_is_stored(line: Line) -> None:
    somebody = line.dialect.falsify(line.carrier.account)

    emission = await line.emit(line.an_mo("PIZZA"), account=somebody)

    assert all(line.dialect.is_refusal(answer) for answer in emission.answers)
    assert emission.ack is not Ack.TAKEN
    assert (list(await line.inbound()), list(await line.quarantined())) == ([], [])


async def test_what_cannot_be_understood_is_acknowledged_and_kept(line: Line) -> None:
    mo = line.an_mo("PIZZA").model_copy(update={"sender": ""})

    emission = await line.emit(mo)

    assert emission.ack is Ack.TAKEN
    assert list(await line.inbound()) == []
    assert len(await line.quarantined()) == 1


@pytest.mark.parametrize("line", MARKING, indirect=True)
async def test_a_stop_that_the_carrier_has_answered_suppresses_without_a_second_answer(line: Line) -> None:
    stop = line.an_mo("PIZZA nie wieder").model_copy(update={"is_opt_out": True})

    emission = await line.emit(stop)
    await line.run()

    assert emission.ack is Ack.TAKEN
    assert [handset for handset, _ in await line.suppressed()] == [line.handset]
    assert line.received == []
