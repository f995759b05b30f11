"""STOP, START, HELP and words that fit nothing: what the number itself answers, and to whom nothing is sent any more."""

import asyncio
from uuid import UUID

from tests.cast import ANN, BOB
from tests.support.scene import Scene
from twoway_router.consent import service as consent
from twoway_router.consent.rules import ConsentChange, ConsentKind, Person, Verdict, may_send
from twoway_router.domain.ids import new_id
from twoway_router.inbound.queries.restored import mark_restored
from twoway_router.mts import service as mts
from twoway_router.store import System, transaction

REPLY = {"kind": "reply", "text": "Hello"}
SLOW_CLAIM = """
    CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.state = 'claimed' THEN PERFORM pg_sleep(0.01); END IF; RETURN NEW; END $$
"""
SLOW_CLAIM_TRIGGER = "CREATE TRIGGER slow BEFORE UPDATE ON outbound_messages FOR EACH ROW EXECUTE FUNCTION take_time()"


async def stop(scene: Scene, sender: str = ANN) -> UUID:
    """A STOP as the ingress accepts it: obeyed in one transaction with it."""
    message_id = await scene.add_inbound("STOP", sender=sender, route="opt_out", rule="reserved")
    await obey(scene, ConsentKind.OPT_OUT, sender, message_id)
    return message_id


async def start(scene: Scene, message_id: UUID | None = None) -> UUID:
    """A START as the ingress accepts it."""
    started = message_id or new_id()
    await scene.add_inbound("START", route="opt_in", rule="reserved", id=started)
    await obey(scene, ConsentKind.OPT_IN, ANN, started)
    return started


async def obey(scene: Scene, kind: ConsentKind, sender: str, message_id: UUID | None = None) -> None:
    """A change for the whole number, and the note of what it has lifted."""
    change = ConsentChange(kind=kind, number_id=scene.number_id, msisdn=sender, inbound_message_id=message_id)
    async with transaction(scene.engine, System("test")) as session:
        obeyed = await mts.obey(session, [change], now=scene.clock())
        await mark_restored(session, obeyed.restored_by)


async def deliver(scene: Scene) -> None:
    """Everything that is due now."""
    sms = scene.sms()
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()


async def test_a_stop_is_confirmed_and_silences_every_tenant(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    stopped = await stop(scene)

    await scene.runner().run([stopped, await scene.ask(keyword_id)])
    await deliver(scene)

    assert [body["text"] for body in scene.http.bodies] == [
        "Non riceverai altri messaggi da 12345. Invia START per riceverli di nuovo."
    ]
    assert sorted(await scene.states()) == ["handed_over", "suppressed"]


async def test_a_second_stop_in_a_row_is_not_confirmed_again(scene: Scene) -> None:
    await scene.runner().run([await stop(scene)])

    await scene.runner().run([await stop(scene)])

    assert len(await scene.mts()) == 1


async def test_an_mt_planned_before_a_stop_is_not_sent_after_it(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id)])
    await stop(scene)

    await deliver(scene)

    assert (scene.http.requests, await scene.states()) == ([], ["suppressed"])


async def test_start_lifts_an_older_stop_and_is_confirmed(scene: Scene) -> None:
    await scene.runner().run([await stop(scene)])

    await scene.runner().run([await start(scene)])

    assert await scene.rows("SELECT 1 FROM suppressions") == []
    assert [mt.origin for mt in await scene.mts()] == ["opt_out", "opt_in"]


async def test_start_does_not_lift_a_newer_stop(scene: Scene) -> None:
    await stop(scene)
    earlier = new_id()
    await stop(scene)

    await scene.runner().run([await start(scene, earlier)])

    assert len(await scene.rows("SELECT 1 FROM suppressions")) == 1
    assert [mt for mt in await scene.mts() if mt.origin == "opt_in"] == []


async def test_a_start_that_is_run_after_a_newer_stop_confirms_nothing(scene: Scene) -> None:
    await stop(scene)
    started = await start(scene)
    await stop(scene)

    await scene.runner().run([started])

    assert len(await scene.rows("SELECT 1 FROM suppressions")) == 1
    assert [mt.state for mt in await scene.mts() if mt.origin == "opt_in"] == ["suppressed"]


async def test_a_start_that_lifts_nothing_is_silent(scene: Scene) -> None:
    await scene.runner().run([await start(scene)])

    (run,) = await scene.rows("SELECT state, reason FROM action_runs")
    assert (run.state, run.reason, await scene.mts()) == ("done", "was_not_suppressed", [])


async def test_help_is_answered_also_after_a_stop(scene: Scene) -> None:
    await stop(scene)
    helped = await scene.add_inbound("HELP", route="help", rule="reserved")

    await scene.runner().run([helped])
    await deliver(scene)

    assert "12345" in scene.http.texts[-1]


async def test_a_courtesy_reply_comes_once_a_day(scene: Scene) -> None:
    for _ in range(2):
        await scene.runner().run([await scene.add_inbound("PIZA", route="default", rule="default")])
    same_day = len(await scene.mts())
    scene.clock.advance(hours=24)

    await scene.runner().run([await scene.add_inbound("PIZA", route="default", rule="default")])

    assert (same_day, len(await scene.mts())) == (1, 2)


async def test_the_courtesy_day_is_the_numbers_own(scene: Scene) -> None:
    scene.clock.advance(hours=10, minutes=30)
    await scene.runner().run([await scene.add_inbound("PIZA", route="default", rule="default")])
    scene.clock.advance(hours=1)

    await scene.runner().run([await scene.add_inbound("PIZA", route="default", rule="default")])

    assert len(await scene.mts()) == 2


async def test_nobody_is_suppressed_for_somebody_elses_stop(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await stop(scene, BOB)

    await scene.runner().run([await scene.ask(keyword_id)])

    assert await scene.states() == ["planned"]


async def test_no_mt_is_claimed_after_a_stop_has_committed(scene: Scene) -> None:
    """An MT that is still planned when its STOP has committed must never be claimed, whatever claims are under way.

    A trigger makes claims slow, so that many STOPs commit between a claim's look at the suppressions and its commit.
    """
    await scene.rows(SLOW_CLAIM)
    await scene.rows(SLOW_CLAIM_TRIGGER)
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    senders = [f"+3932000{turn:05}" for turn in range(200)]
    await scene.runner().run([await scene.ask(keyword_id, sender=sender) for sender in senders])
    jobs = await scene.take_jobs("sms.deliver")
    executors = [scene.sms() for _ in range(3)]

    async def stop_some(some: list[str]) -> set[str]:
        still_planned: set[str] = set()
        for sender in some:
            change = ConsentChange(kind=ConsentKind.OPT_OUT, number_id=scene.number_id, msisdn=sender)
            async with transaction(scene.engine, System("test")) as session:
                await consent.reserve(session, [change.person])
                await consent.apply(session, [change], scene.clock())
            (mt,) = await scene.rows("SELECT state FROM outbound_messages WHERE recipient = :who", who=sender)
            still_planned |= {sender} if mt.state == "planned" else set()
        return still_planned

    async def claim_all(turn: int) -> set[str]:
        for first in range(turn * 5, 200, 15):
            await executors[turn].deliver(jobs[first : first + 5])
        return set()

    silenced = await asyncio.gather(
        *(claim_all(turn) for turn in range(3)), *(stop_some(senders[199 - turn :: -4]) for turn in range(4))
    )
    for sms in executors:
        await sms.drain()

    ends = {mt.recipient: mt.state for mt in await scene.mts()}
    assert {ends[sender] for sender in set().union(*silenced)} == {"suppressed"}
    assert sorted(set(ends.values())) == ["handed_over", "suppressed"]


async def test_a_newer_stop_ends_what_a_start_with_a_keyword_keeps_at_the_same_time(scene: Scene) -> None:
    """The START is obeyed while the STOP comes in: whoever is first, the newer word wins."""
    await stop(scene)
    start_id, stop_id = new_id(), new_id()
    started = asyncio.Event()

    async def starting() -> None:
        async with transaction(scene.engine, System("test")) as session:
            change = ConsentChange(
                kind=ConsentKind.OPT_IN,
                number_id=scene.number_id,
                msisdn=ANN,
                tenant_id=scene.pizzeria,
                inbound_message_id=start_id,
            )
            await mts.obey(session, [change], now=scene.clock())
            started.set()
            await asyncio.sleep(0.2)

    async def stopping() -> None:
        await started.wait()
        await obey(scene, ConsentKind.OPT_OUT, ANN, stop_id)

    await asyncio.gather(starting(), stopping())

    person = Person(number_id=scene.number_id, msisdn=ANN)
    async with transaction(scene.engine, System("test")) as session:
        held = await consent.list_suppressions(session, [person])
    assert may_send(held[person], scene.pizzeria, "reply") is Verdict.NUMBER_STOPPED


async def test_a_suppression_waits_for_a_claim_under_way_and_the_next_claim_sees_it(scene: Scene) -> None:
    person = Person(number_id=scene.number_id, msisdn=ANN)
    entered = asyncio.Event()
    events: list[str] = []

    async def claiming() -> None:
        async with transaction(scene.engine, System("test")) as session:
            await consent.hold(session, [person])
            entered.set()
            await asyncio.sleep(0.2)
            events.append("claimed")

    async def stopping() -> None:
        await entered.wait()
        await obey(scene, ConsentKind.OPT_OUT, ANN, new_id())
        events.append("stopped")

    await asyncio.gather(claiming(), stopping())

    assert events == ["claimed", "stopped"]
