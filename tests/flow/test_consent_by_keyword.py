"""STOP and START with a keyword on a shared number: they are about its tenant, and nobody else."""

import pytest

from tests.cast import ANN, BOB
from tests.flow.talks import ASK_GYM, ASK_PIZZERIA, Talks, open_talks
from tests.support.scene import Scene

REPLY = {"kind": "reply", "text": "Hello from {{ tenant.name }}"}
PIZZA = {"word": "PIZZA", "actions": [REPLY]}
PALESTRA = {"word": "PALESTRA", "actions": [REPLY]}


@pytest.fixture
async def talks(scene: Scene, database_url: str) -> Talks:
    """Two tenants on one number, a keyword each."""
    return await open_talks(scene, database_url, (scene.pizzeria, PIZZA), (scene.gym, PALESTRA))


async def ends(talks: Talks, *words: str) -> list[str]:
    """What became of the answers to these messages, one after the other."""
    before = len(await talks.scene.mts())
    for each in words:
        await talks.say(each)
    return (await talks.scene.states())[before:]


async def test_a_stop_with_a_keyword_silences_its_tenant_only(talks: Talks) -> None:
    await talks.say("STOP PIZZA")

    assert await ends(talks, "PIZZA", "PALESTRA") == ["suppressed", "planned"]


async def test_the_confirmation_names_the_tenant_and_how_to_begin_again(talks: Talks) -> None:
    await talks.say("STOP PIZZA")

    assert await talks.texts() == [
        "Non riceverai altri messaggi di Pizzeria Bella da 12345. Invia START PIZZA per riceverli di nuovo."
    ]


async def test_a_stop_with_an_unknown_word_is_a_bare_stop(talks: Talks) -> None:
    await talks.say("STOP FOOBAR")

    assert await ends(talks, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


@pytest.mark.parametrize("words", ["STOP", "STOP ALL", "STOP TUTTO"])
async def test_a_bare_stop_silences_every_tenant(talks: Talks, words: str) -> None:
    await talks.say(words)

    assert await ends(talks, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


async def test_a_start_with_the_keyword_restores_its_tenant(talks: Talks) -> None:
    await talks.say("STOP PIZZA")
    await talks.say("START PIZZA")

    assert await ends(talks, "PIZZA") == ["planned"]


async def test_a_start_with_a_keyword_after_a_bare_stop_restores_nobody_else(talks: Talks) -> None:
    await talks.say("STOP")
    await talks.say("START PIZZA")

    assert await ends(talks, "PIZZA", "PALESTRA") == ["planned", "suppressed"]


async def test_a_bare_stop_ends_what_a_start_with_a_keyword_had_kept(talks: Talks) -> None:
    for words in ("STOP", "START PIZZA", "STOP"):
        await talks.say(words)

    assert await ends(talks, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


async def test_a_tenant_that_was_kept_can_be_stopped_again(talks: Talks) -> None:
    for words in ("STOP", "START PIZZA", "STOP PIZZA"):
        await talks.say(words)

    assert await ends(talks, "PIZZA") == ["suppressed"]


async def test_a_bare_start_restores_the_number_but_not_a_tenant_that_was_stopped_by_name(talks: Talks) -> None:
    for words in ("STOP PIZZA", "STOP", "START"):
        await talks.say(words)

    assert await ends(talks, "PIZZA", "PALESTRA") == ["suppressed", "planned"]


async def test_a_bare_start_restores_the_only_tenant_that_was_stopped(talks: Talks) -> None:
    for words in ("STOP PIZZA", "START"):
        await talks.say(words)

    assert await ends(talks, "PIZZA") == ["planned"]


async def test_a_bare_start_restores_none_of_several_stopped_tenants(talks: Talks) -> None:
    for words in ("STOP PIZZA", "STOP PALESTRA", "START"):
        await talks.say(words)

    assert await ends(talks, "PIZZA", "PALESTRA") == ["suppressed", "suppressed"]


async def test_a_stop_with_a_keyword_of_one_sender_is_nobody_elses(talks: Talks) -> None:
    await talks.say("STOP PIZZA", sender=BOB)

    assert await ends(talks, "PIZZA") == ["planned"]


async def test_a_second_stop_of_the_same_tenant_is_obeyed_in_silence(talks: Talks) -> None:
    await talks.say("STOP PIZZA")

    assert await ends(talks, "STOP PIZZA", "STOP PALESTRA") == ["planned"]


@pytest.mark.parametrize("between", ["START", "START PIZZA"])
async def test_a_stop_after_a_start_is_confirmed_anew(talks: Talks, between: str) -> None:
    await talks.say("STOP PIZZA")
    await talks.say(between)

    assert await ends(talks, "STOP PIZZA") == ["planned"]


async def test_the_other_tenants_question_stays_open(scene: Scene, database_url: str) -> None:
    talks = await open_talks(
        scene,
        database_url,
        (scene.pizzeria, {"word": "PIZZA", "actions": [ASK_PIZZERIA]}),
        (scene.gym, {"word": "PALESTRA", "actions": [ASK_GYM]}),
    )
    for words in ("PALESTRA", "PIZZA", "STOP PIZZA"):
        await talks.say(words)

    answered = await talks.say("SI")

    assert (answered.route, answered.tenant_id) == ("context", scene.gym)


async def test_an_mt_of_the_tenant_that_is_planned_is_cancelled_with_its_stop(talks: Talks) -> None:
    for words in ("PIZZA", "PALESTRA"):
        await talks.say(words)
    await talks.send("stop", "STOP PIZZA")

    rows = await talks.scene.rows("SELECT state, reason FROM outbound_messages ORDER BY id")

    assert [(row.state, row.reason) for row in rows] == [("suppressed", "opted_out"), ("planned", None)]


async def test_a_bare_stop_cancels_every_planned_mt_to_its_sender(talks: Talks) -> None:
    for words, sender in (("PIZZA", ANN), ("PALESTRA", ANN), ("PIZZA", BOB)):
        await talks.say(words, sender=sender)
    await talks.send("stop", "STOP")

    assert await talks.scene.states() == ["suppressed", "suppressed", "planned"]


async def test_a_confirmation_that_waits_behind_a_cancelled_mt_gets_its_job(talks: Talks) -> None:
    for words in ("PIZZA", "STOP PIZZA", "START PIZZA", "PIZZA"):
        await talks.say(words)
    await talks.scene.take_jobs("sms.deliver")
    await talks.send("stop", "STOP PIZZA")

    [confirmation] = [mt.id for mt in await talks.scene.mts() if mt.origin == "opt_out"]
    assert await talks.scene.take_jobs("sms.deliver") == [confirmation]


async def test_a_start_is_in_force_when_it_is_acknowledged(talks: Talks) -> None:
    await talks.say("STOP")

    await talks.send("start", "START")

    assert await talks.scene.rows("SELECT 1 FROM suppressions") == []


async def test_a_start_that_comes_twice_lifts_once(talks: Talks) -> None:
    await talks.say("STOP")
    await talks.send("start", "START")
    await talks.send("stop", "STOP")

    await talks.send("start", "START")

    assert len(await talks.scene.rows("SELECT 1 FROM suppressions")) == 1
