"""Statements of message parts on a real database: known by their id, locked by their set, found when due, forgotten when old."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from tests.cast import ANN, BOB, NOON, SHARED
from twoway_router.domain.ids import ConnectionId, new_id
from twoway_router.ingress.parts import SetKey
from twoway_router.ingress.queries import parts as part_queries
from twoway_router.ingress.tables import MessageParts
from twoway_router.store import Engine, Session, System, transaction
from twoway_router.store.engine import make_engine

CONNECTION = ConnectionId(UUID("01a00000-0000-7000-8000-000000000001"))
KEY = SetKey(CONNECTION, ANN, SHARED, "7", 2)
BOBS = SetKey(CONNECTION, BOB, SHARED, "7", 2)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    engine = make_engine(database_url, pool_size=3)
    yield engine
    await engine.dispose()


async def keep(session: Session, key: SetKey = KEY, **fields: Any) -> frozenset[UUID]:
    part = {
        **{name: getattr(key, name) for name in SetKey.__slots__},
        "id": new_id(),
        "carrier_message_id": "m-1",
        "place": 1,
        "body": b"\xd8\x3c",
        "charset": "utf-16-be",
        "facts": "{}",
        "received_at": NOON,
        "due_at": NOON + timedelta(minutes=5),
        **fields,
    }
    return await part_queries.insert_once(session, {name: [value] for name, value in part.items()})


async def test_a_part_is_kept_once_by_its_carriers_id_and_place(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        first, again, other_place = await keep(session), await keep(session), await keep(session, place=2)

    assert (len(first), len(again), len(other_place)) == (1, 0, 1)


async def test_bytes_come_back_as_they_came(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        await keep(session, body=b"\x00\xff\xd8")
        [part] = await part_queries.list_parts(session, [KEY])

    assert (part.body, part.charset, part.key) == (b"\x00\xff\xd8", "utf-16-be", KEY)


async def test_only_parts_of_the_wanted_sets_are_listed(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        await keep(session)
        await keep(session, BOBS, carrier_message_id="m-2")
        found = await part_queries.list_parts(session, [BOBS])

    assert [part.carrier_message_id for part in found] == ["m-2"]


async def test_a_set_that_somebody_holds_is_left_to_them(engine: Engine) -> None:
    async with transaction(engine, System("test")) as one, transaction(engine, System("test")) as other:
        await part_queries.lock_sets(one, [KEY])
        free = await part_queries.try_lock_sets(other, [KEY, BOBS])

    assert free == [BOBS]


async def test_a_set_is_due_when_its_wait_is_over(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        await keep(session)
        before = await part_queries.list_due(session, NOON + timedelta(minutes=4), 10)
        after = await part_queries.list_due(session, NOON + timedelta(minutes=5), 10)

    assert (before, after) == ([], [KEY])


async def test_old_parts_are_forgotten_but_none_that_still_waits(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        [joined] = await keep(session)
        await keep(session, place=2)
        await session.execute(update(MessageParts).where(MessageParts.id == joined).values(state="joined"))

        await part_queries.forget(session, NOON + timedelta(days=3))

        assert await session.scalar(select(func.count()).select_from(MessageParts)) == 1
