"""The routing table of a process finds every number, whatever happened between two looks at the change feed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tests.cast import NOON, SHARED, a_connection, a_number, a_tenant
from twoway_router.domain.ids import ConnectionId, NumberId
from twoway_router.keywords import service as keywords
from twoway_router.keywords.follower import RoutingCache
from twoway_router.keywords.schemas import KeywordPut
from twoway_router.numbers import service as numbers
from twoway_router.numbers.rules import AddressTaken
from twoway_router.store import System, changes, transaction
from twoway_router.store.engine import make_engine
from twoway_router.web.etags import Expected


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Two short codes with the same digits, each in its country and on its connection, and one connection to spare."""

    engine: AsyncEngine
    italian: NumberId
    spanish: NumberId
    one: ConnectionId
    other: ConnectionId
    spare: ConnectionId

    async def move(self, number: NumberId, connection: ConnectionId) -> None:
        async with transaction(self.engine, System("test")) as session:
            values = {"connection_id": connection}
            await numbers.update_number(session, number, values, expected=Expected(None), now=NOON)


@pytest.fixture
async def stage(database_url: str) -> AsyncIterator[Stage]:
    engine = make_engine(database_url)
    async with transaction(engine, System("test")) as session:
        one, other, spare = [await a_connection(session, name) for name in ("one", "other", "spare")]
        italian = await a_number(session, one, country="IT")
        spanish = await a_number(session, other, country="ES")
    yield Stage(engine=engine, italian=italian, spanish=spanish, one=one, other=other, spare=spare)
    await engine.dispose()


async def test_numbers_that_changed_places_are_both_found(stage: Stage) -> None:
    cache = RoutingCache()
    async with transaction(stage.engine, System("test")) as session:
        await cache.load(session)
        seen = await changes.newest(session)

    await stage.move(stage.italian, stage.spare)
    await stage.move(stage.spanish, stage.one)
    await stage.move(stage.italian, stage.other)
    async with transaction(stage.engine, System("test")) as session:
        await cache.apply(session, await changes.list_since(session, seen))

    found = {key: cache.find_number(key, SHARED) for key in (stage.one, stage.other)}
    assert {key: number.number_id if number else None for key, number in found.items()} == {
        stage.one: stage.spanish,
        stage.other: stage.italian,
    }


async def test_one_connection_brings_messages_for_one_number_with_an_address(stage: Stage) -> None:
    with pytest.raises(AddressTaken):
        await stage.move(stage.spanish, stage.one)


class Watched(AsyncSession):
    """Notes at each question to the database which version the table had."""

    def watch(self, cache: RoutingCache) -> list[int]:
        self.cache, self.versions = cache, list[int]()
        return self.versions

    async def execute(self, *args: Any, **options: Any) -> Any:
        self.versions.append(self.cache.table.version)
        return await super().execute(*args, **options)

    async def stream(self, *args: Any, **options: Any) -> Any:
        self.versions.append(self.cache.table.version)
        return await super().stream(*args, **options)


async def test_nobody_sees_a_table_that_is_half_changed(stage: Stage) -> None:
    async with transaction(stage.engine, System("test")) as session:
        tenant = await a_tenant(session)
        cache = RoutingCache()
        await cache.load(session)
        seen = await changes.newest(session)
    await stage.move(stage.italian, stage.spare)
    async with transaction(stage.engine, System("test")) as session:
        await keywords.claim(session, tenant, KeywordPut(word="PIZZA").to_claim(stage.italian), now=NOON)

    async with Watched(stage.engine) as session:
        versions = session.watch(cache)
        news = await changes.list_since(session, seen)
        await cache.apply(session, news)

    assert len(news) == 2
    assert set(versions) == {seen}
    assert cache.table.version == news[-1].sequence
