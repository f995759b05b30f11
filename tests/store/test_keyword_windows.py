"""One word of several tenants in windows that lie apart: the database's last word on races, changes, rests, transfers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.store.rows import NOW, add_tenant
from tests.store.test_keywords import World, a_claim, a_world
from twoway_router.domain.ids import KeywordId, TenantId
from twoway_router.keywords import administration, queries, service
from twoway_router.keywords.refolding import refold
from twoway_router.keywords.rules import KeywordExists, KeywordResting, KeywordTaken, spellings_of
from twoway_router.keywords.tables import Keywords
from twoway_router.routing.types import ClaimState
from twoway_router.store import System, transaction
from twoway_router.store.audit import SYSTEM
from twoway_router.store.engine import make_engine

DAY = timedelta(days=1)
SPRING = {"active_from": NOW, "active_until": NOW + 60 * DAY}
SUMMER = {"active_from": NOW + 61 * DAY, "active_until": NOW + 120 * DAY}
TOO_CLOSE = {"active_from": NOW + 61 * DAY - timedelta(seconds=1)}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    engine = make_engine(database_url, pool_size=20)
    yield await a_world(engine)
    await engine.dispose()


async def transfer(world: World, keyword: Keywords, tenant_id: TenantId) -> Keywords:
    async with transaction(world.engine, System("test")) as session:
        locked = await service.get_keyword(session, KeywordId(keyword.id), None, for_update=True)
        return await administration.transfer(session, locked, tenant_id, note=None, by=SYSTEM, now=NOW)


async def holders(world: World, key: str = "pizza") -> list[tuple[Any, bool]]:
    async with transaction(world.engine, System("test")) as session:
        return [
            (each.tenant_id, each.is_released) for each in await queries.list_holders(session, world.number_id, [key])
        ]


async def test_two_tenants_hold_a_word_a_day_apart(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA", **SPRING)
    await world.claim(world.gym, "Pizza", **SUMMER)

    async with transaction(world.engine, System("test")) as session:
        rules = await queries.list_rules_of_number(session, world.number_id)

    assert {each.tenant_id for each in rules} == {world.pizzeria, world.gym}


@pytest.mark.parametrize("window", [{}, TOO_CLOSE, SPRING, {"active_until": NOW}, {"active_from": NOW + 30 * DAY}])
async def test_less_than_a_day_apart_a_word_is_taken(world: World, window: dict[str, datetime]) -> None:
    await world.claim(world.pizzeria, "PIZZA", **SPRING)

    with pytest.raises(KeywordTaken) as caught:
        await world.claim(world.gym, "PIZZA", **window)

    assert caught.value.extra["active_until"] == SPRING["active_until"].isoformat()


async def test_an_alias_is_judged_with_its_keywords_window(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA", "CALZONE", **SPRING)
    await world.claim(world.gym, "FITNESS", "CALZONE", **SUMMER)

    with pytest.raises(KeywordTaken):
        await world.claim(world.gym, "PALESTRA", "PIZZA", **TOO_CLOSE)

    assert len(await holders(world, "calzone")) == 2


async def test_a_tenants_own_word_is_one_keyword_at_whatever_time(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA", **SPRING)

    with pytest.raises(KeywordExists):
        await world.claim(world.pizzeria, "PIZZA", **SUMMER)


@pytest.mark.parametrize("window", [{}, SUMMER])
async def test_of_a_hundred_claims_of_one_window_one_wins(world: World, window: dict[str, datetime]) -> None:
    await world.claim(world.pizzeria, "CALZONE", **SPRING)
    async with transaction(world.engine, System("test")) as session:
        tenants = [await add_tenant(session, f"tenant {number}") for number in range(100)]

    claims = (world.claim(tenant, "PIZZA", **window) for tenant in tenants)
    answers = await asyncio.gather(*claims, return_exceptions=True)

    assert sum(isinstance(answer, Keywords) for answer in answers) == 1
    assert sum(isinstance(answer, KeywordTaken) for answer in answers) == 99


@pytest.mark.parametrize(("window", "is_free"), [(SUMMER, True), (TOO_CLOSE, False), ({}, False)])
async def test_the_database_itself_keeps_windows_apart(
    world: World, window: dict[str, datetime], is_free: bool
) -> None:
    await world.claim(world.pizzeria, "PIZZA", **SPRING)
    other = await world.claim(world.gym, "FITNESS", **window)
    ends = (window.get("active_from"), window.get("active_until"))

    async with transaction(world.engine, System("test")) as session:
        spellings = spellings_of("PIZZA", ())
        inserted = await queries.insert_spellings(session, world.number_id, world.gym, other.id, spellings, ends)

    assert inserted is is_free


async def test_a_changed_window_is_judged_anew(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA", **SPRING)
    keyword = await world.claim(world.gym, "PIZZA", **SUMMER)

    with pytest.raises(KeywordTaken):
        await world.change(keyword, "PIZZA", **TOO_CLOSE)
    moved = await world.change(keyword, "PIZZA", active_from=NOW + 90 * DAY)

    assert (moved.active_from, moved.active_until, moved.revision) == (NOW + 90 * DAY, None, 2)


async def test_a_window_that_was_shortened_makes_room(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA")
    await world.change(keyword, "PIZZA", **SPRING)

    other = await world.claim(world.gym, "PIZZA", **SUMMER)

    assert other.tenant_id == world.gym


async def test_a_resting_word_may_be_claimed_for_a_time_after_its_rest(world: World) -> None:
    await world.set_state(await world.claim(world.pizzeria, "PIZZA", **SPRING), "released")

    with pytest.raises(KeywordResting):
        await world.claim(world.gym, "PIZZA", active_from=NOW + 89 * DAY)
    await world.claim(world.gym, "PIZZA", active_from=NOW + 90 * DAY)

    assert sorted(await holders(world)) == sorted([(world.pizzeria, True), (world.gym, False)])


async def test_after_its_rest_a_word_is_free_for_a_window_that_began_before(world: World) -> None:
    await world.set_state(await world.claim(world.pizzeria, "PIZZA", **SPRING), "released")

    await world.claim(world.gym, "PIZZA", active_from=NOW, now=NOW + 90 * DAY)

    assert await holders(world) == [(world.gym, False)]


async def test_a_spelling_given_up_rests_and_is_nobodys_window(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA", "CALZONE", **SPRING)
    await world.change(keyword, "PIZZA", **SPRING)

    with pytest.raises(KeywordResting):
        await world.claim(world.gym, "CALZONE", **SUMMER)
    later = await world.claim(world.gym, "CALZONE", active_from=NOW + 90 * DAY)

    assert later.word == "CALZONE"


async def test_a_transferred_word_keeps_its_window(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA", **SPRING)
    await world.claim(world.gym, "PIZZA", **SUMMER)
    async with transaction(world.engine, System("test")) as session:
        bakery, bar = await add_tenant(session, "BAKERY"), await add_tenant(session, "BAR")

    heir = await transfer(world, keyword, bakery)

    assert (heir.active_from, heir.active_until) == (SPRING["active_from"], SPRING["active_until"])
    with pytest.raises(KeywordTaken):
        await world.claim(bar, "PIZZA", **SPRING)


async def test_a_word_that_the_heir_holds_at_another_time_is_not_transferred(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA", **SPRING)
    await world.claim(world.gym, "PIZZA", **SUMMER)

    with pytest.raises(KeywordExists):
        await transfer(world, keyword, world.gym)


async def test_what_the_heir_gave_back_gives_way_to_what_it_gets(world: World) -> None:
    await world.set_state(await world.claim(world.gym, "PIZZA", **SPRING), "released")
    keyword = await world.claim(world.pizzeria, "PIZZA", active_from=NOW + 90 * DAY)

    await transfer(world, keyword, world.gym)

    assert await holders(world) == [(world.gym, False)]


async def test_a_preview_names_the_other_window(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA", **SPRING)
    async with transaction(world.engine, System("test")) as session:
        wanted = a_claim(world.number_id, "PIZZA", **SUMMER)
        judgement, problem = await service.preview(session, world.gym, wanted, now=NOW)

    (collision,) = judgement.collisions
    assert problem is None
    assert (judgement.kind.value, judgement.code) == ("warn", "other_window")
    assert collision.window == (SPRING["active_from"], SPRING["active_until"])


@pytest.mark.parametrize(("window", "is_moved"), [(SUMMER, True), (TOO_CLOSE, False)])
async def test_an_old_key_moves_beside_one_of_another_time(
    world: World, window: dict[str, datetime], is_moved: bool
) -> None:
    await world.claim(world.pizzeria, "PIZZA", **SPRING)
    await world.claim(world.gym, "CALZONE", **window)
    async with transaction(world.engine, System("test")) as session:
        await session.execute(text("UPDATE keyword_spellings SET text = 'Pizza' WHERE key = 'calzone'"))

        (found,) = await refold(session)

    assert found.is_moved is is_moved


async def test_the_rules_know_both_holders(world: World) -> None:
    first = await world.claim(world.pizzeria, "PIZZA", **SPRING)
    second = await world.claim(world.gym, "PIZZA", **SUMMER)
    await world.set_state(first, "suspended")

    async with transaction(world.engine, System("test")) as session:
        rules = {each.keyword_id: each for each in await queries.list_keyword_rules(session, [first.id, second.id])}

    assert {each.state for each in rules.values()} == {ClaimState.SUSPENDED, ClaimState.ACTIVE}
    assert rules[KeywordId(second.id)].active_from == SUMMER["active_from"]
