"""What becomes of an MT whose answer was lost, late, or asked for patience: the effect ledger against a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.support.scene import FakeHttp, Scene, set_scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.store.engine import make_engine
from twoway_router.telemetry.metrics import EFFECTS_UNKNOWN

REPLY = {"kind": "reply", "text": "Hello"}


async def lost(request: HttpRequest) -> HttpReply:
    """The carrier may have it; nobody knows."""
    raise SendUnknown("timeout")


async def refused(request: HttpRequest) -> HttpReply:
    """Nothing left us."""
    raise SendRefused("connect_failed")


async def busy(request: HttpRequest) -> HttpReply:
    """Too many requests."""
    return HttpReply(status=429, headers={"retry-after": "40"}, body=b"{}")


async def planned(scene: Scene) -> None:
    """One MT, planned."""
    keyword_id = await scene.add_keyword(scene.pizzeria, REPLY)
    await scene.runner().run([await scene.ask(keyword_id)])


async def deliver(scene: Scene, http: FakeHttp | None = None) -> None:
    """One executor does all jobs that are available."""
    sms = scene.sms(http)
    await sms.deliver(await scene.take_jobs("sms.deliver"))
    await sms.drain()


async def test_a_request_that_never_left_is_tried_again_later(scene: Scene) -> None:
    await planned(scene)

    await deliver(scene, FakeHttp(answer=refused))
    waiting = await scene.states()
    scene.clock.advance(seconds=2)
    await deliver(scene)

    assert (waiting, await scene.states()) == (["planned"], ["handed_over"])


async def test_a_busy_carrier_is_given_the_time_it_asks_for(scene: Scene) -> None:
    await planned(scene)

    await deliver(scene, FakeHttp(answer=busy))

    (mt,) = await scene.mts()
    assert mt.due_at - scene.clock() >= timedelta(seconds=40)


async def test_an_idempotent_carrier_gets_the_same_reference_again(scene: Scene) -> None:
    await planned(scene)
    silent = FakeHttp(answer=lost)

    await deliver(scene, silent)
    scene.clock.advance(seconds=5)
    await deliver(scene)

    assert silent.bodies[0]["reference"] == scene.http.bodies[0]["reference"]
    assert await scene.states() == ["handed_over"]


@pytest.fixture
async def blind(database_url: str) -> AsyncIterator[Scene]:
    """A carrier that can neither repeat safely nor be asked."""
    engine = make_engine(database_url)
    yield await set_scene(engine, settings={"capability": "blind"})
    await engine.dispose()


@pytest.fixture
async def receipting(database_url: str) -> AsyncIterator[Scene]:
    """A carrier whose receipts name our reference."""
    engine = make_engine(database_url)
    yield await set_scene(engine, settings={"capability": "receipt", "send_errors": {"21610": "opted_out"}})
    await engine.dispose()


@pytest.fixture
async def asking(database_url: str) -> AsyncIterator[Scene]:
    """A carrier that can be asked for an MT by our reference."""
    engine = make_engine(database_url)
    asked = {"capability": "look_up", "look_up_url": "https://lab.example/messages?reference={reference}"}
    yield await set_scene(engine, settings=asked)
    await engine.dispose()


async def test_a_blind_carrier_is_never_given_an_mt_twice(blind: Scene) -> None:
    await planned(blind)
    silent = FakeHttp(answer=lost)

    for _ in range(3):
        await deliver(blind, silent)
        blind.clock.advance(hours=1)

    (mt,) = await blind.mts()
    assert (len(silent.requests), mt.state, mt.reason) == (1, "unknown", "not_repeated")


async def test_without_a_receipt_in_time_the_policy_decides(receipting: Scene) -> None:
    await planned(receipting)
    silent = FakeHttp(answer=lost)

    await deliver(receipting, silent)
    (waiting,) = await receipting.mts()
    receipting.clock.advance(seconds=121)
    await deliver(receipting, silent)

    (mt,) = await receipting.mts()
    assert (waiting.reason, mt.reason, len(silent.requests)) == ("waiting_for_receipt", "not_repeated", 1)


async def test_a_second_mt_of_the_same_person_waits_for_the_first(scene: Scene) -> None:
    keyword_id = await scene.add_keyword(scene.pizzeria, {"kind": "reply", "text": "{{ message.rest }}"})
    ids = [await scene.ask(keyword_id, f"PIZZA {turn}") for turn in ("one", "two")]
    await scene.runner().run(ids)

    await deliver(scene, FakeHttp(answer=refused))
    await deliver(scene)
    early = list(scene.http.texts)
    for _ in range(2):
        scene.clock.advance(seconds=2)
        await deliver(scene)

    assert (early, scene.http.texts) == ([], ["one", "two"])


async def test_every_try_is_logged(scene: Scene) -> None:
    await planned(scene)

    await deliver(scene, FakeHttp(answer=refused))
    scene.clock.advance(seconds=2)
    await deliver(scene, FakeHttp(answer=taken))

    tries = await scene.rows("SELECT attempt, outcome, reason FROM outbound_attempts ORDER BY attempt")
    assert [tuple(row) for row in tries] == [(1, "retry", "connect_failed"), (2, "done", None)]


async def test_a_carrier_that_can_be_asked_is_asked_before_anything_is_sent_again(asking: Scene) -> None:
    await planned(asking)
    await deliver(asking, FakeHttp(answer=lost))
    asking.clock.advance(seconds=6)

    async def has_it(request: HttpRequest) -> HttpReply:
        return HttpReply(status=200, headers={}, body=b'{"id": "c-1"}')

    book = FakeHttp(answer=has_it)
    await deliver(asking, book)

    (mt,) = await asking.mts()
    assert (mt.state, mt.carrier_message_id, [request.method for request in book.requests]) == (
        "handed_over",
        "c-1",
        ["GET"],
    )


async def test_what_a_carrier_never_got_is_sent_again(asking: Scene) -> None:
    await planned(asking)
    await deliver(asking, FakeHttp(answer=lost))
    asking.clock.advance(seconds=6)

    async def has_not(request: HttpRequest) -> HttpReply:
        return HttpReply(status=404, headers={}, body=b"{}")

    await deliver(asking, FakeHttp(answer=has_not))
    asking.clock.advance(seconds=6)
    await deliver(asking)

    assert (len(asking.http.requests), await asking.states()) == (1, ["handed_over"])


async def test_an_mt_that_cannot_be_handed_over_in_its_lifetime_fails(scene: Scene) -> None:
    await planned(scene)

    for _ in range(14):
        await deliver(scene, FakeHttp(answer=refused))
        scene.clock.advance(hours=1)

    (mt,) = await scene.mts()
    assert (mt.state, mt.reason) == ("failed", "expired")


async def test_a_carrier_that_knows_of_an_opt_out_makes_a_suppression(receipting: Scene) -> None:
    await planned(receipting)

    async def blocked(request: HttpRequest) -> HttpReply:
        return HttpReply(status=400, headers={}, body=b'{"code": "21610"}')

    await deliver(receipting, FakeHttp(answer=blocked))

    found = await receipting.rows("SELECT reason FROM suppressions")
    (mt,) = await receipting.mts()
    assert (mt.state, [row.reason for row in found]) == ("failed", ["carrier"])


async def test_every_lost_answer_is_counted(scene: Scene) -> None:
    await planned(scene)
    before = EFFECTS_UNKNOWN.labels("generic")._value.get()

    await deliver(scene, FakeHttp(answer=lost))

    assert EFFECTS_UNKNOWN.labels("generic")._value.get() - before == 1
