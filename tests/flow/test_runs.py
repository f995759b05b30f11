"""Many executors on the same messages: one effect each, order per sender, and poison that harms no neighbour."""

import asyncio

from sqlalchemy import text

from tests.cast import ANN, BOB
from tests.support.scene import FakeHttp, Scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.inbound.queries.parked import list_parked, requeue
from twoway_router.inbound.queries.runs import lock_people
from twoway_router.store import System, outbox, transaction

REPLY = {"kind": "reply", "text": "{{ message.rest }}"}


async def poison(scene: Scene, sender: str) -> None:
    """The database refuses this sender's MTs, whatever else is in the statement."""
    async with scene.engine.begin() as connection:
        await connection.execute(
            text(f"ALTER TABLE outbound_messages ADD CONSTRAINT poison CHECK (recipient <> '{sender}')")
        )


async def inbound_states(scene: Scene) -> dict[str, str]:
    rows = await scene.rows("SELECT sender, state FROM inbound_messages")
    return {row.sender: row.state for row in rows}


async def test_two_executors_on_the_same_messages_make_one_effect_each(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}", sender=f"+3932000{turn:05}") for turn in range(60)]

    await asyncio.gather(*(scene.runner().run(ids[start : start + 20]) for start in range(0, 60, 10) for _ in range(2)))

    assert sorted((mt.text for mt in await scene.mts()), key=int) == [str(turn) for turn in range(60)]


async def test_two_executors_on_the_same_mts_hand_each_over_once(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}", sender=f"+3932000{turn:05}") for turn in range(60)]
    await scene.runner().run(ids)
    jobs = await scene.take_jobs("sms.deliver")
    executors = [scene.sms() for _ in range(4)]

    await asyncio.gather(*(sms.deliver(jobs) for sms in executors))
    await asyncio.gather(*(sms.drain() for sms in executors))

    assert sorted(scene.http.texts, key=int) == [str(turn) for turn in range(60)]


async def test_the_order_of_each_sender_holds_with_four_executors(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    senders = [f"+3932000{turn:05}" for turn in range(10)]
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}", sender=sender) for turn in range(8) for sender in senders]

    async def slowly(request: HttpRequest) -> HttpReply:
        await asyncio.sleep(0.002 * (hash(request.body) % 5))
        return await taken(request)

    scene.http = FakeHttp(answer=slowly)
    executors = [(scene.runner(), scene.sms()) for _ in range(4)]

    await asyncio.gather(*(executors[turn % 4][0].run(ids[turn::8]) for turn in range(8)))
    for _ in range(8):
        jobs = await scene.take_jobs("sms.deliver")
        await asyncio.gather(*(sms.deliver(jobs[turn::4]) for turn, (_, sms) in enumerate(executors)))
        await asyncio.gather(*(sms.drain() for _, sms in executors))

    orders = {who: [body["text"] for body in scene.http.bodies if body["to"] == who] for who in senders}
    assert orders == {who: [str(turn) for turn in range(8)] for who in senders}


async def test_each_message_is_answered_whole_before_the_sender_s_next_one(scene: Scene) -> None:
    second = {"kind": "reply", "text": "{{ message.rest }}, second", "condition": {"kind": "sender_is", "value": "new"}}
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY, second)
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}", sender=ANN) for turn in range(3)]

    await scene.runner().run(ids)

    assert [mt.text for mt in await scene.mts()] == ["0", "0, second", "1", "2"]


async def test_an_earlier_message_s_later_action_goes_out_before_a_later_message_s_first(scene: Scene) -> None:
    for_known = {"kind": "reply", "text": "welcome back", "condition": {"kind": "sender_is", "value": "known"}}
    for_new = {"kind": "reply", "text": "welcome", "condition": {"kind": "sender_is", "value": "new"}}
    keyword_id = await scene.add_keyword(scene.pizzeria, for_known, for_new)
    ids = [await scene.ask(keyword_id, "PIZZA", sender=ANN) for _ in range(2)]
    await scene.runner().run(ids)

    while jobs := await scene.take_jobs("sms.deliver"):
        sms = scene.sms()
        await sms.deliver(jobs)
        await sms.drain()

    assert scene.http.texts == ["welcome", "welcome back"]


async def test_a_poison_message_is_parked_after_five_tries_and_its_neighbours_are_done(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    senders = [ANN, BOB, "+393200000003", "+393200000004", "+393200000005"]
    ids = [await scene.ask(keyword_id, "PIZZA x", sender=sender) for sender in senders]
    await poison(scene, BOB)

    await scene.runner().run(ids)
    first = await inbound_states(scene)
    for _ in range(4):
        scene.clock.advance(minutes=2)
        await scene.runner().run(await scene.take_jobs("message.run"))

    done = dict.fromkeys(senders, "done")
    assert first == {**done, BOB: "accepted"}
    assert await inbound_states(scene) == {**done, BOB: "parked"}
    (parked,) = await scene.rows("SELECT attempts, last_error FROM inbound_messages WHERE state = 'parked'")
    assert (parked.attempts, parked.last_error.partition(" ")[0]) == (5, "IntegrityError")


async def test_what_follows_a_poison_message_of_the_same_sender_waits_until_it_is_parked(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    bad = await scene.add_keyword(scene.pizzeria, REPLY, word="OTHER")
    await scene.rows("DELETE FROM keyword_revisions WHERE keyword_id = :id", id=bad)
    ids = [await scene.ask(bad, "OTHER x"), await scene.ask(keyword_id, "PIZZA after")]

    await scene.runner().run(ids)
    early = list(await scene.mts())
    for _ in range(4):
        scene.clock.advance(minutes=2)
        await scene.runner().run(await scene.take_jobs("message.run"))

    assert (early, [mt.text for mt in await scene.mts()]) == ([], ["after"])


async def test_a_parked_message_can_be_put_back(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    message_id = await scene.ask(keyword_id, "PIZZA x")
    await poison(scene, ANN)
    await scene.runner(tries=1).run([message_id])
    await scene.rows("ALTER TABLE outbound_messages DROP CONSTRAINT poison")

    async with transaction(scene.engine, System("test")) as session:
        listed = await list_parked(session, 10)
        found = await requeue(session, [message_id], 10)
        await outbox.add(session, "message.run", [each for each, _ in found], [outbox.lane_of(key) for _, key in found])
    await scene.runner().run(await scene.take_jobs("message.run"))

    assert [each.id for each in listed] == [message_id]
    assert [mt.text for mt in await scene.mts()] == ["x"]


async def test_the_reason_of_a_failure_holds_no_text_of_the_message(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    message_id = await scene.ask(keyword_id, "PIZZA secret-canary")
    await poison(scene, ANN)

    await scene.runner().run([message_id])

    (row,) = await scene.rows("SELECT last_error FROM inbound_messages")
    assert "canary" not in row.last_error
    assert ANN not in row.last_error


async def test_a_message_received_event_reaches_subscribed_endpoints(scene: Scene) -> None:
    await scene.rows(
        "INSERT INTO webhook_endpoints (id, tenant_id, url, event_types, secrets)"
        " VALUES (gen_random_uuid(), :tenant, 'https://crm.example', '{message.received}', '')",
        tenant=scene.pizzeria,
    )
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)

    await scene.runner().run([await scene.ask(keyword_id, "PIZZA x")])

    assert [row.event_type for row in await scene.rows("SELECT event_type FROM webhook_deliveries")] == [
        "message.received"
    ]


async def test_a_backlog_locks_no_more_people_at_once_than_go_into_one_transaction(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}", sender=f"+3932000{turn:05}") for turn in range(12)]

    async with transaction(scene.engine, System("test")) as session:
        await lock_people(session, ids, 5)
        held = await session.scalar(
            text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        )
    await scene.runner(rows=5).run(ids)

    assert held == 5
    assert set((await inbound_states(scene)).values()) == {"done"}


async def test_a_poison_message_in_a_long_backlog_leaves_nobody_waiting(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    ids = [await scene.ask(keyword_id, "PIZZA now", sender=BOB)]
    ids += [await scene.ask(keyword_id, f"PIZZA {turn}", sender=f"+3932001{turn % 6:05}") for turn in range(24)]
    await poison(scene, BOB)

    await scene.runner(rows=5).run(ids)

    states = await scene.rows("SELECT state, count(*) AS messages FROM inbound_messages GROUP BY state")
    assert {row.state: row.messages for row in states} == {"done": 24, "accepted": 1}
