"""Throughput per connection and per number, answers before bulk, and carriers that ask for patience. The clock is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.cast import ANN, BOB, NOON, SEALER, a_number, an_effect
from tests.support.scene import FakeHttp, Scene, set_scene, taken
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.domain.causes import CauseKind
from twoway_router.domain.ids import ConnectionId, Msisdn, NumberId, new_id
from twoway_router.domain.messages import Origin
from twoway_router.mts.service import MtDraft, queue_mts
from twoway_router.numbers import connection_service as connections
from twoway_router.numbers.connection_schemas import ConnectionIn
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine

HANDSETS = [Msisdn(f"+3932000001{number:02}") for number in range(60)]


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    engine = make_engine(database_url, pool_size=5)
    yield engine
    await engine.dispose()


@pytest.fixture
async def scene(engine: Engine) -> Scene:
    """A connection that may send two MTs a second."""
    return await set_scene(engine, settings={"capability": "idempotent", "sends_per_second": "2"})


async def plan(scene: Scene, *words: str, handset: Msisdn | None = None, is_bulk: bool = False, **fields: Any) -> None:
    """An MT per word, each to another handset unless one is named."""
    drafts = [
        MtDraft(
            tenant_id=scene.pizzeria,
            number_id=fields.get("number_id", scene.number_id),
            recipient=handset or HANDSETS[position + fields.get("skip", 0)],
            text=word,
            origin=Origin.REPLY,
            key=an_effect(CauseKind.CAMPAIGN_RECIPIENT if is_bulk else CauseKind.INBOUND_MESSAGE),
        )
        for position, word in enumerate(words)
    ]
    async with transaction(scene.engine, System("test")) as session:
        await queue_mts(session, drafts, now=scene.clock(), lifetime=timedelta(hours=12))


async def deliver(scene: Scene, http: FakeHttp | None = None) -> int:
    """One executor does all jobs that are available; how many there were."""
    sms = scene.sms(http)
    jobs = await scene.take_jobs("sms.deliver")
    await sms.deliver(jobs)
    bulk = await scene.take_jobs("sms.deliver_bulk")
    await sms.bulk.deliver(bulk)
    await sms.drain()
    return len(jobs) + len(bulk)


async def pass_seconds(scene: Scene, seconds: float) -> list[tuple[float, int]]:
    """Time passes in steps of a tenth; when how many MTs had gone."""
    begin, history = scene.clock(), []
    while scene.clock() < begin + timedelta(seconds=seconds):
        scene.clock.advance(seconds=0.1)
        await deliver(scene)
        history.append(((scene.clock() - begin).total_seconds(), len(scene.http.texts)))
    return history


def numbered(count: int) -> list[str]:
    return [f"mt {number}" for number in range(count)]


async def test_a_connection_sends_no_faster_than_its_carrier_takes(scene: Scene) -> None:
    await plan(scene, *numbered(20), is_bulk=True)

    await deliver(scene)
    history = await pass_seconds(scene, 5)

    assert all(sent <= 2 * (at + 0.5) + 1 for at, sent in history)
    assert 10 <= history[-1][1] <= 12


async def test_what_may_not_go_yet_is_planned_and_has_one_job_for_later(scene: Scene) -> None:
    await plan(scene, *numbered(10))

    await deliver(scene)

    waiting = [mt for mt in await scene.mts() if mt.state == "planned"]
    jobs = await scene.rows("SELECT available_at FROM outbox WHERE job = 'sms.deliver'")
    assert len(waiting) == len(jobs) == 8
    assert min(job.available_at for job in jobs) >= NOON + timedelta(seconds=0.5)


async def test_the_backlog_is_spread_over_its_time(scene: Scene) -> None:
    await plan(scene, *numbered(42), is_bulk=True)

    await deliver(scene)

    dues = sorted(mt.due_at for mt in await scene.mts() if mt.state == "planned")
    assert len(set(dues)) == 40
    assert NOON + timedelta(seconds=18) <= dues[-1] <= NOON + timedelta(seconds=22)


async def test_two_executors_share_one_limit(scene: Scene) -> None:
    await plan(scene, *numbered(10))
    jobs = await scene.take_jobs("sms.deliver")

    one, other = scene.sms(), scene.sms()
    await one.deliver(jobs[:5])
    await other.deliver(jobs[5:])
    await one.drain()
    await other.drain()

    assert len(scene.http.texts) == 2


async def test_an_answer_goes_before_bulk_that_was_planned_earlier(scene: Scene) -> None:
    await plan(scene, *numbered(20), is_bulk=True)
    await deliver(scene)
    scene.clock.advance(seconds=0.1)
    await plan(scene, "answer", handset=ANN)
    await deliver(scene)

    await pass_seconds(scene, 1)

    assert "answer" in scene.http.texts[:4]


async def test_bulk_takes_nothing_while_an_answer_waits(scene: Scene) -> None:
    await plan(scene, "bulk", is_bulk=True)
    bulk = await scene.take_jobs("sms.deliver_bulk")
    await plan(scene, "answer", handset=ANN)

    sms = scene.sms()
    await sms.bulk.deliver(bulk)
    await deliver(scene)
    await pass_seconds(scene, 2)
    await sms.drain()

    assert scene.http.texts == ["answer", "bulk"]


async def test_a_person_gets_an_answer_before_bulk_that_was_planned_earlier(scene: Scene) -> None:
    await plan(scene, "bulk", handset=ANN, is_bulk=True)
    await plan(scene, "answer", handset=ANN)

    await pass_seconds(scene, 5)

    assert scene.http.texts == ["answer", "bulk"]


async def test_a_number_has_a_limit_of_its_own(engine: Engine) -> None:
    scene = await set_scene(engine, settings={"capability": "idempotent"})
    await limit_number(scene, 2)
    async with transaction(engine, System("test")) as session:
        unlimited = await a_number(session, scene.connection_id, "23456")
    await plan(scene, *numbered(10))
    await plan(scene, *numbered(10), number_id=unlimited, skip=10)

    await deliver(scene)

    senders = [body["from"] for body in scene.http.bodies]
    assert (senders.count("12345"), senders.count("23456")) == (2, 10)


async def limit_number(scene: Scene, rate: float) -> None:
    query = "UPDATE numbers SET options = options || jsonb_build_object('sends_per_second', CAST(:rate AS float))"
    async with transaction(scene.engine, System("test")) as session:
        await session.execute(text(query + " WHERE id = :id"), {"rate": rate, "id": scene.number_id})


async def test_without_a_limit_nothing_is_counted(engine: Engine) -> None:
    scene = await set_scene(engine, settings={"capability": "idempotent"})
    await plan(scene, *numbered(30))

    await deliver(scene)

    assert len(scene.http.texts) == 30
    assert await scene.rows("SELECT 1 FROM sending_paces") == []


async def busy(request: HttpRequest) -> HttpReply:
    """Too many requests."""
    return HttpReply(status=429, headers={"retry-after": "40"}, body=b"{}")


async def other_number(scene: Scene) -> NumberId:
    """A number of another connection."""
    wanted = ConnectionIn(
        name="other",
        carrier="generic",
        country="IT",
        settings={"send_url": "https://other.example/send", "capability": "idempotent"},
        secrets={"key": "carrier-key"},
    )
    async with transaction(scene.engine, System("test")) as session:
        row = await connections.create_connection(session, SEALER, wanted.to_row(new_id(), NOON), wanted.secrets)
        return await a_number(session, ConnectionId(row.id), "34567")


async def test_a_throttled_answer_stops_that_connection_in_every_process_and_no_other(engine: Engine) -> None:
    scene = await set_scene(engine, settings={"capability": "idempotent"})
    free = await other_number(scene)
    await plan(scene, "refused", handset=ANN)
    await deliver(scene, FakeHttp(answer=busy))

    await plan(scene, "waits", handset=BOB)
    await plan(scene, "goes", number_id=free)
    await deliver(scene)

    assert scene.http.texts == ["goes"]


async def test_after_the_time_it_asked_for_the_connection_is_used_again(engine: Engine) -> None:
    scene = await set_scene(engine, settings={"capability": "idempotent"})
    await plan(scene, "refused", handset=ANN)
    await deliver(scene, FakeHttp(answer=busy))
    await plan(scene, "waits", handset=BOB)
    await deliver(scene)

    scene.clock.advance(seconds=41)
    await deliver(scene, FakeHttp(answer=taken))
    scene.clock.advance(seconds=10)
    await deliver(scene)

    assert await scene.states() == ["handed_over", "handed_over"]


async def test_a_limit_that_makes_no_sense_in_a_row_limits_nothing(engine: Engine) -> None:
    scene = await set_scene(engine, settings={"capability": "idempotent"})
    async with transaction(engine, System("test")) as session:
        await session.execute(text('UPDATE connections SET settings = settings || \'{"sends_per_second": "fast"}\''))
    await plan(scene, *numbered(5))

    await deliver(scene)

    assert len(scene.http.texts) == 5
