"""Sequences of claims, questions and messages by which a tenant could get what is meant for another."""

import asyncio
from typing import Any

import pytest

from tests.flow.front_door import ASK_PIZZERIA, FrontDoor, open_door
from tests.flow.test_actions import an_endpoint, events_of
from tests.support.scene import Scene
from twoway_router.domain.errors import RouterError
from twoway_router.domain.ids import KeywordId, TenantId
from twoway_router.keywords import administration
from twoway_router.keywords import service as keywords
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.keywords.tables import Keywords
from twoway_router.store import System, transaction
from twoway_router.store.audit import Actor
from twoway_router.webhooks.listener import tell_endpoints

ASKS_TEXT = {"kind": "ask", "text": "What do you think?", "expected": "free_text"}
REPAIRS = {"word": "RIPARARE", "sub_keywords": [{"word": "BAGNO"}]}


async def test_a_keyword_with_its_sub_keyword_is_no_answer_to_anothers_question(
    scene: Scene, database_url: str
) -> None:
    asking = (scene.gym, {"word": "PALESTRA", "actions": [ASKS_TEXT]})
    door = await open_door(scene, database_url, asking, (scene.pizzeria, REPAIRS))
    await door.say("PALESTRA")

    alone = await door.say("RIPARARE BAGNO")
    with_text = await door.say("RIPARARE BAGNO domani")

    assert (alone.tenant_id, alone.rule, alone.sub_keyword) == (scene.pizzeria, "keyword_whole", "BAGNO")
    assert (with_text.tenant_id, with_text.rule) == (scene.gym, "free_text_question")


async def claim(
    scene: Scene, tenant_id: TenantId, word: str, *actions: dict[str, Any], is_override: bool = False
) -> str:
    """What a claim is answered: the error's reason, or nothing when the word is had."""
    wanted = KeywordPut.model_validate({"word": word, "actions": list(actions)})
    try:
        async with transaction(scene.engine, System("test")) as session:
            claimed = await keywords.claim(
                session, tenant_id, wanted.to_claim(scene.number_id, is_override=is_override), now=scene.clock()
            )
            await tell_endpoints(session, claimed.news, scene.clock())
    except RouterError as error:
        return str(error.extra.get("reason", error.code))
    return ""


async def reached(door: FrontDoor, *texts: str) -> list[TenantId | None]:
    return [(await door.say(text)).tenant_id for text in texts]


async def give_back(scene: Scene, tenant_id: TenantId) -> Keywords:
    """The only keyword is given back and rests."""
    async with transaction(scene.engine, System("test")) as session:
        [row] = await scene.rows("SELECT id FROM keywords")
        given_back = await keywords.get_keyword(session, row.id, tenant_id, for_update=True)
        return await keywords.set_state(session, given_back, "released", now=scene.clock())


@pytest.mark.parametrize(
    ("held", "texts", "wanted", "reason"),
    [
        ({"word": "FREEBURGER"}, ["free burger now"], "FREE BURGER NOW", "inside_phrase"),
        ({"word": "OFFERTA99"}, ["offerta 99 ya"], "OFFERTA 99 YA", "inside_phrase"),
        ({"word": "SKIPASS"}, ["ski pass"], "SKI", "compound"),
        ({"word": "SPAWEEKEND"}, ["spa weekend"], "SPA", "compound"),
        ({"word": "SKI"}, ["ski pass"], "SKIPASS", "compound"),
        ({"word": "SPA"}, ["spa weekend"], "SPAWEEKEND", "compound"),
        ({"word": "PIZZA"}, ["pizza roma", "pizza 5"], "PIZZAROMA", "compound"),
        ({"word": "50%OFF"}, ["50off"], "50OFF", "derived"),
        (REPAIRS, ["riparare bagno"], "RIPARAREBAGNO", "with_their_sub_keyword"),
        ({"word": "VOTAMI", "is_glued": True}, ["votami5", "votami6"], "VOTAMI5", "with_their_digits"),
        ({"word": "สมัคร", "sub_keywords": [{"word": "ข่าว"}]}, ["สมัคร ข่าว"], "สมัครข่าว", "begins_with_theirs"),
        ({"word": "健身房"}, ["健身房优惠"], "健身房优惠", "begins_with_theirs"),
        ({"word": "クーポン"}, ["クーポンください"], "クーポンください", "begins_with_theirs"),
        ({"word": "FREEBURGER"}, ["freeburger"], "FREEBURG3R", "look_alike"),
        ({"word": "PIZZAROMA"}, ["pizzaroma", "pizzar0ma"], "PIZZAR0MA", "look_alike"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_later_claim_takes_no_text_from_a_holder(
    scene: Scene, database_url: str, held: dict[str, object], texts: list[str], wanted: str, reason: str
) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, held))

    answer = await claim(scene, scene.gym, wanted)

    assert answer == reason
    assert await reached(door, *texts) == [scene.pizzeria] * len(texts)


async def test_a_word_and_a_longer_one_both_stand_if_what_parts_them_is_no_word(
    scene: Scene, database_url: str
) -> None:
    await open_door(scene, database_url, (scene.pizzeria, {"word": "CALZONETTZ"}))

    answer = await claim(scene, scene.gym, "CALZONET")

    door = await open_door(scene, database_url)
    assert answer == ""
    assert await reached(door, "calzonettz", "calzonet tz", "calzonet") == [scene.pizzeria, scene.gym, scene.gym]


async def test_an_operator_who_lets_a_word_in_sees_which_texts_would_move(scene: Scene, database_url: str) -> None:
    await open_door(scene, database_url, (scene.pizzeria, {"word": "VOTAMI", "is_glued": True}))
    wanted = KeywordPut.model_validate({"word": "VOTAMI5"}).to_claim(scene.number_id, is_override=False)

    with pytest.raises(RouterError) as refused:
        async with transaction(scene.engine, System("test")) as session:
            await keywords.claim(session, scene.gym, wanted, now=scene.clock())

    assert "'moves': ['VOTAMI5'" in str(refused.value.extra)


async def test_only_the_holder_may_have_its_word_with_digits_for_letters_also_while_it_rests(
    scene: Scene, database_url: str
) -> None:
    await open_door(scene, database_url, (scene.pizzeria, {"word": "FREEBURGER"}))
    await give_back(scene, scene.pizzeria)

    answers = [await claim(scene, tenant, "FREEBURG3R") for tenant in (scene.gym, scene.pizzeria)]

    assert answers == ["look_alike", ""]


async def two_meanings(scene: Scene, database_url: str) -> FrontDoor:
    """PIZZA is the pizzeria's and PIZZAROMA the gym's, as if it had got in before registration refused it."""
    pizza = {"word": "PIZZA", "actions": [{"kind": "reply", "text": "pizza: {{ message.rest }}"}]}
    other = {"word": "PIZZAIOLO", "actions": [{"kind": "reply", "text": "roma: {{ message.rest }}"}]}
    await open_door(scene, database_url, (scene.pizzeria, pizza), (scene.gym, other))
    await scene.rows("UPDATE keyword_spellings SET key = 'pizzaroma', text = 'PIZZAROMA' WHERE key = 'pizzaiolo'")
    await scene.rows("UPDATE keywords SET word = 'PIZZAROMA' WHERE word = 'PIZZAIOLO'")
    return await open_door(scene, database_url)


@pytest.mark.parametrize(
    ("choice", "reply", "rest"), [("1", "pizza: roma", "roma"), ("2", "roma: ", "")], ids=["first", "second"]
)
async def test_of_a_text_that_two_tenants_may_mean_the_sender_is_asked_whose_it_is(
    scene: Scene, database_url: str, choice: str, reply: str, rest: str
) -> None:
    door = await two_meanings(scene, database_url)
    chosen_tenant = {"1": scene.pizzeria, "2": scene.gym}[choice]

    asked = await door.say("pizza roma")
    chosen = await door.say(choice)

    assert (asked.tenant_id, asked.route, asked.rule) == (None, "none", "ambiguous_keyword")
    assert await door.texts() == [
        "A chi scrivi? Rispondi 1 = PIZZA (Pizzeria Bella), 2 = PIZZAROMA (Palestra Forte).",
        reply,
    ]
    assert chosen.tenant_id == chosen_tenant
    [kept] = await scene.rows("SELECT tenant_id, route, rule, rest FROM inbound_messages WHERE id = :id", id=asked.id)
    assert tuple(kept) == (chosen_tenant, "keyword", "chosen", rest)


async def test_whose_a_text_is_is_asked_once_a_day_and_silence_gives_it_to_nobody(
    scene: Scene, database_url: str
) -> None:
    door = await two_meanings(scene, database_url)

    said = [await door.say("pizza roma"), await door.say("pizza roma"), await door.say("boh")]

    assert [each.tenant_id for each in said] == [None, None, None]
    assert len([text for text in await door.texts() if text.startswith("A chi scrivi?")]) == 1


async def test_a_text_is_handed_to_one_tenant_although_two_are_chosen_at_once(scene: Scene, database_url: str) -> None:
    door = await two_meanings(scene, database_url)
    await door.say("pizza roma")
    await door.send("first", "1")
    await door.send("second", "2")

    await door.run()

    assert (await door.texts())[1:] == ["pizza: roma"]


async def test_a_number_does_not_ask_about_a_keyword_that_its_tenant_has_suspended(
    scene: Scene, database_url: str
) -> None:
    door = await two_meanings(scene, database_url)
    await scene.rows("UPDATE keywords SET state = 'suspended' WHERE word = 'PIZZAROMA'")

    asked = await door.say("pizza roma")

    assert (asked.tenant_id, await door.texts()) == (
        None,
        ["Non conosciamo questa parola. Controllala e inviala di nuovo."],
    )


SIZES = {
    "kind": "ask",
    "text": "Which size?",
    "expected": "choice",
    "choices": ["GRANDE", "PICCOLA"],
    "on_answer": {"GRANDE": [{"kind": "reply", "text": "A big one."}]},
}


@pytest.mark.parametrize(
    "choice", ["FREEBURGER", "free burger", "FREEBURGERRR", "freeburger now", "#freeburger", "STOP"]
)
async def test_a_choice_that_would_take_anothers_keyword_or_an_opt_out_is_refused(
    scene: Scene, database_url: str, choice: str
) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "FREEBURGER"}))

    answer = await claim(scene, scene.gym, "PALESTRA", {**SIZES, "choices": ["COCHES", choice], "on_answer": {}})

    assert answer == "choice_not_acceptable"
    assert await reached(door, "PALESTRA", "freeburger") == [None, scene.pizzeria]


async def test_a_keyword_that_is_claimed_later_leaves_a_choice_only_its_index(scene: Scene, database_url: str) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [SIZES]}))
    await an_endpoint(scene, "choice.taken")
    await door.say("TAVOLO")
    claimed = await claim(scene, scene.gym, "GRANDE", is_override=True)
    await door.ingress.start()

    word, index = await door.say("grande"), await door.say("1")

    assert (claimed, word.tenant_id, word.rule) == ("", scene.gym, "keyword_whole")
    assert (index.tenant_id, index.rule, (await door.texts())[1:]) == (
        scene.pizzeria,
        "open_question",
        ["A big one."],
    )
    [heard] = await events_of(scene)
    assert (heard[0], heard[1]["keyword"], heard[1]["choice"]) == ("choice.taken", "TAVOLO", "GRANDE")


async def test_who_was_only_asked_what_was_meant_is_new_to_the_tenant(scene: Scene, database_url: str) -> None:
    replies = [
        {"kind": "reply", "text": value, "condition": {"kind": "sender_is", "value": value}}
        for value in ("known", "new")
    ]
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "PIZZERIA", "actions": replies}))
    await door.say("PIZZERAI")

    answer = await door.say("si")
    await scene.rows("UPDATE inbound_messages SET state = 'accepted', generation = 1 WHERE id = :id", id=answer.id)
    await scene.runner().run([answer.id])

    assert (answer.tenant_id, (await door.texts())[1:]) == (scene.pizzeria, ["new", "new"])


@pytest.mark.parametrize("is_one_batch", [True, False])
async def test_a_keyword_sent_twice_asks_one_question(scene: Scene, database_url: str, is_one_batch: bool) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}))
    for name in ("first", "second"):
        await door.send(name, "TAVOLO")
        if not is_one_batch:
            await door.run()
    await door.run()

    await door.say("si")
    await door.say("si")

    assert (await door.texts()).count("Your table waits.") == 1
    assert await door.open_questions() == 0


async def test_a_keyword_sent_twice_asks_one_question_whichever_executors_run_it(
    scene: Scene, database_url: str
) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLO", "actions": [ASK_PIZZERIA]}))
    for name in ("first", "second", "third"):
        await door.send(name, "TAVOLO")
    jobs = await scene.take_jobs("message.run")

    await asyncio.gather(*(scene.runner(rows=1).run([job]) for job in jobs))

    assert await door.open_questions() == 1


async def test_a_phrase_that_was_given_back_does_not_stand_before_a_live_keyword(
    scene: Scene, database_url: str
) -> None:
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "RIPARARE BAGNO"}))
    await give_back(scene, scene.pizzeria)
    door = await open_door(scene, database_url, (scene.pizzeria, {"word": "RIPARARE"}))

    answer = await door.say("riparare bagno")

    assert (answer.tenant_id, answer.route_details.get("word"), answer.route) == (scene.pizzeria, "RIPARARE", "keyword")


async def test_a_word_whose_rest_an_operator_ended_is_free_and_the_next_holders(
    scene: Scene, database_url: str
) -> None:
    await open_door(scene, database_url, (scene.pizzeria, {"word": "TAVOLINO"}))
    given_back = await give_back(scene, scene.pizzeria)
    before = await claim(scene, scene.gym, "TAVOLINO")

    async with transaction(scene.engine, System("test")) as session:
        resting = await keywords.get_keyword(session, KeywordId(given_back.id), scene.pizzeria, for_update=True)
        await administration.end_rest(session, resting, by=Actor(), now=scene.clock())
    after = await claim(scene, scene.gym, "TAVOLINO")

    door = await open_door(scene, database_url)
    assert (before, after) == ("keyword_resting", "")
    assert await reached(door, "tavolino", "tavolino per due") == [scene.gym, scene.gym]
