"""STOP and START with a keyword on a shared number: they are about its tenant, and nobody else."""

import pytest

from tests.cast import ANN, BOB
from tests.flow.front_door import ASK_GYM, ASK_PIZZERIA, FrontDoor, open_door
from tests.support.scene import Scene

REPLY = {"kind": "reply", "text": "Hello from {{ tenant.name }}"}
PIZZA = {"word": "PIZZA", "actions": [REPLY]}
PALESTRA = {"word": "PALESTRA", "actions": [REPLY]}


@pytest.fixture
async def door(scene: Scene, database_url: str) -> FrontDoor:
    """Two tenants on one number, a keyword each."""
    return await open_door(scene, database_url, (scene.pizzeria, PIZZA), (scene.gym, PALESTRA))


async def ends(door: FrontDoor, *words: str) -> list[str]:
    """What became of the answers to these messages, one after the other."""
    before = len(await door.scene.mts())
    for each in words:
        await door.say(each)
    return (await door.scene.states())[before:]


async def test_a_stop_with_a_keyword_silences_its_tenant_only(door: FrontDoor) -> None:
    await door.say("STOP PIZZA")

    assert await ends(door, "PIZZA", "PALESTRA") == ["suppressed", "planned"]


async def test_the_confirmation_names_the_tenant_and_how_to_begin_again(door: FrontDoor) -> None:
    await door.say("STOP PIZZA")

    assert await door.texts() == [
        "Non riceverai altri messaggi di Pizzeria Bella da 12345. Invia START PIZZA per riceverli di nuovo."
    ]


async def test_a_stop_with_an_unknown_word_is_a_bare_stop(door: FrontDoor) -> None:
    await door.say("STOP FOOBAR")

    assert await ends(door, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


@pytest.mark.parametrize("words", ["STOP", "STOP ALL", "STOP TUTTO"])
async def test_a_bare_stop_silences_every_tenant(door: FrontDoor, words: str) -> None:
    await door.say(words)

    assert await ends(door, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


async def test_a_start_with_the_keyword_restores_its_tenant(door: FrontDoor) -> None:
    await door.say("STOP PIZZA")
    await door.say("START PIZZA")

    assert await ends(door, "PIZZA") == ["planned"]


async def test_a_start_with_a_keyword_after_a_bare_stop_restores_nobody_else(door: FrontDoor) -> None:
    await door.say("STOP")
    await door.say("START PIZZA")

    assert await ends(door, "PIZZA", "PALESTRA") == ["planned", "suppressed"]


async def test_a_bare_stop_ends_what_a_start_with_a_keyword_had_kept(door: FrontDoor) -> None:
    for words in ("STOP", "START PIZZA", "STOP"):
        await door.say(words)

    assert await ends(door, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


async def test_a_tenant_that_was_kept_can_be_stopped_again(door: FrontDoor) -> None:
    for words in ("STOP", "START PIZZA", "STOP PIZZA"):
        await door.say(words)

    assert await ends(door, "PIZZA") == ["suppressed"]


async def test_a_bare_start_restores_the_number_but_not_a_tenant_that_was_stopped_by_name(door: FrontDoor) -> None:
    for words in ("STOP PIZZA", "STOP", "START"):
        await door.say(words)

    assert await ends(door, "PIZZA", "PALESTRA") == ["suppressed", "planned"]


async def test_a_bare_start_restores_the_only_tenant_that_was_stopped(door: FrontDoor) -> None:
    for words in ("STOP PIZZA", "START"):
        await door.say(words)

    assert await ends(door, "PIZZA") == ["planned"]


async def test_a_bare_start_restores_none_of_several_stopped_tenants(door: FrontDoor) -> None:
    for words in ("STOP PIZZA", "STOP PALESTRA", "START"):
        await door.say(words)

    assert await ends(door, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


async def test_a_stop_with_a_keyword_of_one_sender_is_nobody_elses(door: FrontDoor) -> None:
    await door.say("STOP PIZZA", sender=BOB)

    assert await ends(door, "PIZZA") == ["planned"]


async def test_a_second_stop_of_the_same_tenant_is_obeyed_in_silence(door: FrontDoor) -> None:
    await door.say("STOP PIZZA")

    assert await ends(door, "STOP PIZZA", "STOP PALESTRA") == ["planned"]


@pytest.mark.parametrize("between", ["START", "START PIZZA"])
async def test_a_stop_after_a_start_is_confirmed_anew(door: FrontDoor, between: str) -> None:
    await door.say("STOP PIZZA")
    await door.say(between)

    assert await ends(door, "STOP PIZZA") == ["planned"]


async def test_the_other_tenants_question_stays_open(scene: Scene, database_url: str) -> None:
    door = await open_door(
        scene,
        database_url,
        (scene.pizzeria, {"word": "PIZZA", "actions": [ASK_PIZZERIA]}),
        (scene.gym, {"word": "PALESTRA", "actions": [ASK_GYM]}),
    )
    for words in ("PALESTRA", "PIZZA", "STOP PIZZA"):
        await door.say(words)

    answered = await door.say("SI")

    assert (answered.route, answered.tenant_id) == ("context", scene.gym)


async def test_an_mt_of_the_tenant_that_is_planned_is_cancelled_with_its_stop(door: FrontDoor) -> None:
    for words in ("PIZZA", "PALESTRA"):
        await door.say(words)
    await door.send("stop", "STOP PIZZA")

    rows = await door.scene.rows("SELECT state, reason FROM outbound_messages ORDER BY id")

    assert [(row.state, row.reason) for row in rows] == [("suppressed", "opted_out"), ("planned", None)]


async def test_a_bare_stop_cancels_every_planned_mt_to_its_sender(door: FrontDoor) -> None:
    for words, sender in (("PIZZA", ANN), ("PALESTRA", ANN), ("PIZZA", BOB)):
        await door.say(words, sender=sender)
    await door.send("stop", "STOP")

    assert await door.scene.states() == ["suppressed", "suppressed", "planned"]


async def test_a_confirmation_that_waits_behind_a_cancelled_mt_gets_its_job(door: FrontDoor) -> None:
    for words in ("PIZZA", "STOP PIZZA", "START PIZZA", "PIZZA"):
        await door.say(words)
    await door.scene.take_jobs("sms.deliver")
    await door.send("stop", "STOP PIZZA")

    [confirmation] = [mt.id for mt in await door.scene.mts() if mt.origin == "opt_out"]
    assert await door.scene.take_jobs("sms.deliver") == [confirmation]


async def test_a_start_is_in_force_when_it_is_acknowledged(door: FrontDoor) -> None:
    await door.say("STOP")

    await door.send("start", "START")

    assert await door.scene.rows("SELECT 1 FROM suppressions") == []


async def test_a_start_that_comes_twice_lifts_once(door: FrontDoor) -> None:
    await door.say("STOP")
    await door.send("start", "START")
    await door.send("stop", "STOP")

    await door.send("start", "START")

    assert len(await door.scene.rows("SELECT 1 FROM suppressions")) == 1
