"""How many keywords a tenant may hold on a number, also when claims and transfers come at once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from tests.store.rows import NOW, add_number
from tests.store.test_keywords import World, a_world
from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.keywords import administration, service
from twoway_router.keywords.rules import KeywordQuota, NumberNotAllowed
from twoway_router.keywords.tables import Keywords
from twoway_router.store import System, transaction
from twoway_router.store.audit import SYSTEM
from twoway_router.store.engine import make_engine

WORDS = (
    "PIZZA",
    "CALZONE",
    "LASAGNA",
    "GELATERIA",
    "FITNESS",
    "PALESTRA",
    "NUOTATORE",
    "GIARDINO",
    "TRATTORIA",
    "OSTERIA",
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    engine = make_engine(database_url, pool_size=20)
    yield await a_world(engine)
    await engine.dispose()


async def with_options(world: World, **options: object) -> World:
    """The world on another number, with these options."""
    async with transaction(world.engine, System("test")) as session:
        return replace(world, number_id=await add_number(session, "54321", options=options))


async def transfer(world: World, keyword: Keywords, tenant_id: TenantId) -> Keywords:
    async with transaction(world.engine, System("test")) as session:
        locked = await service.get_keyword(session, KeywordId(keyword.id), None, for_update=True)
        return await administration.transfer(session, locked, tenant_id, note=None, by=SYSTEM, now=NOW)


async def held(world: World, tenant_id: TenantId) -> int:
    counted = text("SELECT count(*) FROM keywords WHERE tenant_id = :tenant_id AND state <> 'released'")
    async with transaction(world.engine, System("test")) as session:
        return int((await session.execute(counted, {"tenant_id": tenant_id})).scalar_one())


async def test_claims_at_once_never_exceed_the_limit(world: World) -> None:
    limited = await with_options(world, keyword_limit=3)

    answers = await asyncio.gather(*(limited.claim(world.gym, word) for word in WORDS), return_exceptions=True)

    assert [type(answer) for answer in answers].count(Keywords) == 3
    assert [type(answer) for answer in answers].count(KeywordQuota) == len(WORDS) - 3
    assert await held(world, world.gym) == 3


async def test_claims_and_transfers_at_once_never_exceed_the_limit(world: World) -> None:
    limited = await with_options(world, keyword_limit=3)
    given = [await limited.claim(world.pizzeria, word) for word in WORDS[:3]]

    claims = (limited.claim(world.gym, word) for word in WORDS[3:6])
    transfers = (transfer(world, keyword, world.gym) for keyword in given)
    answers = await asyncio.gather(*claims, *transfers, return_exceptions=True)

    assert [type(answer) for answer in answers].count(KeywordQuota) == 3
    assert await held(world, world.gym) == 3


async def test_a_tenant_may_have_a_limit_of_its_own(world: World) -> None:
    limited = await with_options(world, keyword_limit=1, keyword_limits={str(world.gym): 2})

    await limited.claim(world.gym, "FITNESS")
    await limited.claim(world.gym, "PALESTRA")
    await limited.claim(world.pizzeria, "PIZZA")

    with pytest.raises(KeywordQuota) as caught:
        await limited.claim(world.pizzeria, "CALZONE")
    assert caught.value.extra == {"limit": 1, "used": 1}


async def test_a_released_keyword_makes_room_and_an_alias_takes_none(world: World) -> None:
    limited = await with_options(world, keyword_limit=1)
    keyword = await limited.claim(world.gym, "FITNESS", "PALESTRA")

    await limited.set_state(keyword, "released")

    assert (await limited.claim(world.gym, "NUOTATORE")).state == "active"


async def test_other_numbers_do_not_count(world: World) -> None:
    limited = await with_options(world, keyword_limit=1)
    await world.claim(world.gym, "FITNESS")

    assert (await limited.claim(world.gym, "FITNESS")).state == "active"


async def test_only_the_listed_tenants_claim(world: World) -> None:
    closed = await with_options(world, claimants=[str(world.gym)])
    keyword = await closed.claim(world.gym, "FITNESS")

    with pytest.raises(NumberNotAllowed):
        await closed.claim(world.pizzeria, "PIZZA")
    with pytest.raises(NumberNotAllowed):
        await transfer(world, keyword, world.pizzeria)


async def test_who_is_no_longer_listed_keeps_its_keywords_but_gets_no_new_words(world: World) -> None:
    number = await with_options(world)
    keyword = await number.claim(world.pizzeria, "PIZZA", "CALZONE")
    async with transaction(world.engine, System("test")) as session:
        options = text("UPDATE numbers SET options = jsonb_build_object('claimants', ARRAY[CAST(:id AS text)])")
        await session.execute(options, {"id": str(world.gym)})

    changed = await number.change(keyword, "PIZZA")

    assert changed.revision == 2
    with pytest.raises(NumberNotAllowed):
        await number.change(changed, "PIZZA", "LASAGNA")


async def test_the_owner_of_a_dedicated_number_needs_no_list(world: World) -> None:
    async with transaction(world.engine, System("test")) as session:
        owned = await add_number(session, "777", owner=world.gym, options={"claimants": [str(world.pizzeria)]})

    assert (await world.claim(world.gym, "FITNESS", number_id=NumberId(owned))).state == "active"
