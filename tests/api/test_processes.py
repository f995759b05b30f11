"""The processes that operators see."""

import asyncio
from datetime import datetime, timedelta

from tests.api.conftest import Caller
from tests.cast import FakeClock
from twoway_router import __version__
from twoway_router.processes.heartbeat import Heartbeat
from twoway_router.store import Engine, System, heartbeats, transaction


async def one_beat(heart: Heartbeat) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    await heart.run(stop)


async def test_a_process_is_listed_with_its_role_version_and_start(
    operator: Caller, engine: Engine, clock: FakeClock
) -> None:
    heart = Heartbeat(engine, "executor", clock)
    await one_beat(heart)

    [shown] = (await operator.get("/v1/processes")).json()["data"]

    assert (shown["id"], shown["role"], shown["version"]) == (str(heart.presence.id), "executor", __version__)
    assert datetime.fromisoformat(shown["started_at"]) == clock()


async def test_a_process_is_alive_while_it_beats(operator: Caller, engine: Engine, clock: FakeClock) -> None:
    heart = Heartbeat(engine, "ingress", clock)
    await one_beat(heart)
    clock.advance(minutes=1)
    await one_beat(heart)

    [shown] = (await operator.get("/v1/processes")).json()["data"]

    assert shown["is_alive"] is True


async def test_a_process_that_fell_silent_is_not_alive(operator: Caller, engine: Engine, clock: FakeClock) -> None:
    await one_beat(Heartbeat(engine, "ingress", clock))
    clock.advance(minutes=1)

    [shown] = (await operator.get("/v1/processes")).json()["data"]

    assert shown["is_alive"] is False


async def test_a_process_that_ends_leaves_the_list(operator: Caller, engine: Engine) -> None:
    heart = Heartbeat(engine, "api")
    await one_beat(heart)

    await heart.close()

    assert (await operator.get("/v1/processes")).json()["data"] == []


async def test_a_lost_process_is_forgotten_after_a_while(operator: Caller, engine: Engine, clock: FakeClock) -> None:
    await one_beat(Heartbeat(engine, "scheduler", clock))

    async with transaction(engine, System("test")) as session:
        await heartbeats.forget_lost(session, clock() + timedelta(seconds=1))

    assert (await operator.get("/v1/processes")).json()["data"] == []
