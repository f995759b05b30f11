"""Recent conversations, misspelt words that are asked about, and keywords that run out of places."""

import asyncio

from tests.cast import ANN, BOB
from tests.flow.front_door import open_door
from tests.flow.test_actions import an_endpoint, events_of
from tests.support.scene import Scene

REPLY = {"kind": "reply", "text": "Hello {{ message.rest }}"}


async def test_what_fits_no_keyword_goes_on_to_who_answered_last(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    await an_endpoint(scene, "message.received")
    await door.say("TAVOLO")

    more = await door.say("con vista sul mare")

    assert (more.route, more.rule, more.tenant_id) == ("context", "conversation", scene.pizzeria)
    assert [data["text"] for _, data in await events_of(scene)] == ["TAVOLO", "con vista sul mare"]


async def test_a_conversation_ends_after_five_days_of_silence(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    await door.say("TAVOLO")

    scene.clock.advance(days=5)
    later = await door.say("con vista sul mare")

    assert (later.route, later.tenant_id) == ("default", None)


async def test_a_number_may_have_no_conversations(scene: Scene, database_url: str) -> None:
    claim = (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]})
    door = await open_door(scene, database_url, claim, conversation_hours=0)
    await door.say("TAVOLO")

    more = await door.say("con vista sul mare")

    assert more.tenant_id is None


async def test_a_keyword_without_a_reply_begins_no_conversation(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": []}))
    await door.say("TAVOLO")

    more = await door.say("con vista sul mare")

    assert more.tenant_id is None


async def test_a_misspelt_word_is_asked_about_and_handed_over_after_yes(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    await an_endpoint(scene, "message.received")
    misspelt = await door.say("tavollo")
    heard_before = await events_of(scene)

    answer = await door.say("SI")

    assert heard_before == []
    asked, reply = await door.texts()
    assert asked.endswith("Intendevi TAVOLO? Rispondi SI.")
    assert (reply, answer.tenant_id) == ("Hello ", scene.pizzeria)
    assert [(data["inbound_message_id"], data["text"]) for _, data in await events_of(scene)] == [
        (str(misspelt.id), "tavollo")
    ]
    [original] = await scene.rows("SELECT tenant_id, rule FROM inbound_messages WHERE id = :id", id=misspelt.id)
    assert (original.tenant_id, original.rule) == (scene.pizzeria, "did_you_mean")


async def test_a_misspelt_word_that_was_not_meant_is_handed_to_nobody(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    await door.say("tavollo")

    answer = await door.say("no")

    assert (answer.tenant_id, answer.rule) == (None, "offer_declined")
    assert await door.open_contexts() == 0


async def test_other_words_after_the_offer_are_not_handed_over_either(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    await door.say("tavollo")

    other = await door.say("quanto costa il parcheggio")

    assert other.tenant_id is None


async def test_a_word_that_was_given_up_meanwhile_is_not_handed_over(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [REPLY]}))
    misspelt = await door.say("tavollo")
    await scene.rows("UPDATE keywords SET state = 'suspended'")

    await door.say("SI")

    assert len(await door.texts()) == 1
    [original] = await scene.rows("SELECT tenant_id FROM inbound_messages WHERE id = :id", id=misspelt.id)
    assert original.tenant_id is None


async def test_the_first_messages_get_the_places_and_the_others_are_told(scene: Scene, database_url: str) -> None:
    definition = {"word": "TAVOLO", "actions": [REPLY], "limit": 5, "sold_out_text": "Sold out."}
    door = await open_door(scene, database_url, (scene.pizzeria, definition))
    senders = [f"+3932000001{turn:02}" for turn in range(20)]
    await asyncio.gather(*(door.send(f"p-{sender}", "TAVOLO", sender) for sender in senders))
    ids = await scene.take_jobs("message.run")

    await asyncio.gather(*(scene.runner().run([message_id]) for message_id in ids))

    texts = await door.texts()
    assert (texts.count("Hello "), texts.count("Sold out.")) == (5, 15)


async def test_a_batch_takes_no_more_places_than_there_are(scene: Scene, database_url: str) -> None:
    definition = {"word": "TAVOLO", "actions": [REPLY], "limit": 1, "sold_out_text": "Sold out."}
    door = await open_door(scene, database_url, (scene.pizzeria, definition))
    await an_endpoint(scene, "message.received")
    await door.send("a", "TAVOLO", ANN)
    await door.send("b", "TAVOLO", BOB)

    await door.run()

    assert sorted(await door.texts()) == ["Hello ", "Sold out."]
    assert [data["window"] for _, data in await events_of(scene)] == ["open", "sold_out"]


async def test_an_inactive_keyword_does_not_fall_through_to_a_shorter_one(scene: Scene, database_url: str) -> None:
    door = await open_door(
        scene,
        database_url,
        (scene.gym, {"word": "ESTATE", "actions": [{"kind": "reply", "text": "gym"}]}),
        (
            scene.pizzeria,
            {"word": "TAVOLO", "actions": [REPLY], "active_until": "2020-01-01T00:00:00Z", "too_late_text": "Over."},
        ),
    )

    late = await door.say("tavolo estate")

    assert (late.tenant_id, late.route) == (scene.pizzeria, "keyword")
    assert await door.texts() == ["Over."]
