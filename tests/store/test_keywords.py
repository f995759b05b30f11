"""Claims on keywords: one holder, resting words, revisions, and what routing is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.store.rows import NOW, add_number, add_tenant
from twoway_router.actions.call_webhook import CallWebhookSpec
from twoway_router.actions.issue_coupon import IssueCouponSpec
from twoway_router.domain.errors import RouterError
from twoway_router.domain.ids import KeywordId, NumberId, TenantId, new_id
from twoway_router.keywords import administration, queries, service
from twoway_router.keywords.follower import RoutingCache
from twoway_router.keywords.queries import list_revisions
from twoway_router.keywords.rules import (
    DefinitionNotAcceptable,
    KeywordClaim,
    KeywordCollides,
    KeywordExists,
    KeywordNotFound,
    KeywordReleased,
    KeywordResting,
    KeywordTaken,
    NumberNotFound,
    OperatorNeeded,
    WordNotAcceptable,
)
from twoway_router.keywords.tables import Keywords
from twoway_router.numbers.queries import list_routed_numbers
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import ClaimState
from twoway_router.store import Engine, System, changes, transaction
from twoway_router.store.audit import SYSTEM
from twoway_router.store.engine import make_engine


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Two tenants on one shared number. Each call is a transaction of its own."""

    engine: Engine
    pizzeria: TenantId
    gym: TenantId
    number_id: NumberId
    table: RoutingTable | None = None

    async def claim(
        self, tenant_id: TenantId, word: str, *aliases: str, now: datetime = NOW, **options: Any
    ) -> Keywords:
        async with transaction(self.engine, System("test")) as session:
            wanted = a_claim(options.pop("number_id", self.number_id), word, *aliases, **options)
            return (await service.claim(session, tenant_id, wanted, now=now, table=self.table)).keyword

    async def change(
        self, keyword: Keywords, word: str, *aliases: str, now: datetime = NOW, **options: Any
    ) -> Keywords:
        async with transaction(self.engine, System("test")) as session:
            locked = await service.get_keyword(session, KeywordId(keyword.id), None, for_update=True)
            wanted = a_claim(NumberId(keyword.number_id), word, *aliases, **options)
            return (await service.change(session, locked, wanted, now=now, table=self.table)).keyword

    async def set_state(self, keyword: Keywords, state: str, *, now: datetime = NOW) -> Keywords:
        async with transaction(self.engine, System("test")) as session:
            locked = await service.get_keyword(session, KeywordId(keyword.id), None, for_update=True)
            return await service.set_state(session, locked, state, now=now)

    async def rules(self) -> dict[str, tuple[ClaimState, tuple[str, ...]]]:
        async with transaction(self.engine, System("test")) as session:
            return {
                rules.spellings[0]: (rules.state, rules.spellings)
                for rules in await queries.list_keyword_rules(session)
            }


def a_claim(number_id: NumberId, word: str, *aliases: str, **options: Any) -> KeywordClaim:
    definition = {"word": word, "aliases": list(aliases), "actions": [], "sub_keywords": []}
    values: dict[str, Any] = {"definition": definition} | options
    return KeywordClaim(number_id=number_id, word=word, aliases=aliases, **values)


async def a_world(engine: Engine) -> World:
    async with transaction(engine, System("test")) as session:
        return World(
            engine=engine,
            pizzeria=await add_tenant(session, "PIZZERIA"),
            gym=await add_tenant(session, "GYM"),
            number_id=await add_number(session),
        )


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    engine = make_engine(database_url, pool_size=20)
    yield await a_world(engine)
    await engine.dispose()


async def test_of_a_hundred_claims_of_one_word_one_wins(world: World) -> None:
    async with transaction(world.engine, System("test")) as session:
        tenants = [await add_tenant(session, f"tenant {number}") for number in range(100)]

    answers = await asyncio.gather(*(world.claim(tenant, "PIZZA") for tenant in tenants), return_exceptions=True)

    assert sum(isinstance(answer, Keywords) for answer in answers) == 1
    assert sum(isinstance(answer, KeywordTaken) for answer in answers) == 99


@pytest.mark.parametrize("word", ["pizza", "Pizza!", "ＰＩＺＺＡ", "PÌZZA", "piz za", "P I Z Z A"])
async def test_every_spelling_of_a_held_word_is_taken(world: World, word: str) -> None:
    await world.claim(world.pizzeria, "PIZZA")

    with pytest.raises(KeywordTaken):
        await world.claim(world.gym, word)


async def test_an_alias_is_as_taken_as_a_word(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA", "CALZONE")

    with pytest.raises(KeywordTaken):
        await world.claim(world.gym, "FITNESS", "CALZONE")


async def test_a_tenants_own_word_is_named(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA", "CALZONE")

    with pytest.raises(KeywordExists) as caught:
        await world.claim(world.pizzeria, "calzone")

    assert caught.value.extra == {"keyword_id": str(keyword.id), "word": "PIZZA"}


@pytest.mark.parametrize(
    ("word", "error", "reason"),
    [
        ("STOP", WordNotAcceptable, "reserved"),
        ("AIUTO", WordNotAcceptable, "reserved"),
        ("AB", WordNotAcceptable, "too_short"),
        ("12", WordNotAcceptable, "only_digits"),
        ("...", WordNotAcceptable, "unreadable"),
        ("РIZZA", KeywordCollides, "look_alike"),
        ("ФITNESS", WordNotAcceptable, "mixed_scripts"),
        ("GRAZIE", OperatorNeeded, "typical_reply"),
        ("PIZZA ROMA", KeywordCollides, "inside_phrase"),
        ("TORNEO", OperatorNeeded, "prefix_of_theirs"),
        ("ΝΙΚΗ", KeywordCollides, "look_alike"),
    ],
)
async def test_a_word_that_cannot_be_had_says_why(
    world: World, word: str, error: type[RouterError], reason: str
) -> None:
    for held in ("PIZZA", "TORNEO CALCETTO", "NIKH"):
        await world.claim(world.pizzeria, held)

    with pytest.raises(error) as caught:
        await world.claim(world.gym, word)

    assert caught.value.extra["reason"] == reason


async def test_a_look_alike_is_seen_although_the_table_is_old(world: World) -> None:
    async with transaction(world.engine, System("test")) as session:
        numbers = [each.rules for each in await list_routed_numbers(session)]
    stale = World(
        engine=world.engine,
        pizzeria=world.pizzeria,
        gym=world.gym,
        number_id=world.number_id,
        table=RoutingTable.build(numbers, ()),
    )
    await stale.claim(world.pizzeria, "NIKH")

    with pytest.raises(KeywordCollides):
        await stale.claim(world.gym, "ΝΙΚΗ")


async def test_a_common_word_that_an_operator_grants_keeps_its_definition(world: World) -> None:
    """What may stand behind it is decided by its being common, so that the tenant's own option remains its own."""
    keyword = await world.claim(world.pizzeria, "GRAZIE", is_override=True)

    assert "is_whole_message" not in keyword.definition


async def test_a_released_word_rests_for_others_and_is_free_for_its_tenant(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA")
    await world.set_state(keyword, "released")

    with pytest.raises(KeywordResting) as caught:
        await world.claim(world.gym, "PIZZA", now=NOW + timedelta(days=89))
    again = await world.claim(world.pizzeria, "PIZZA", now=NOW + timedelta(days=1))

    assert caught.value.extra["free_at"] == (NOW + timedelta(days=90)).isoformat()
    assert again.id != keyword.id


async def test_a_holder_may_have_what_looks_like_its_word_while_it_rests_for_another(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZAROMA")
    look_alike = await world.claim(world.pizzeria, "PIZZAR0MA")
    async with transaction(world.engine, System("test")) as session:
        locked = await service.get_keyword(session, KeywordId(look_alike.id), None, for_update=True)
        theirs = await administration.transfer(session, locked, world.gym, note=None, by=SYSTEM, now=NOW)
    await world.set_state(theirs, "released")

    again = await world.claim(world.pizzeria, "PIZZAR0MA", now=NOW + timedelta(days=1))

    assert again.tenant_id == world.pizzeria
    assert (await world.rules())["PIZZAR0MA"] == (ClaimState.ACTIVE, ("PIZZAR0MA",))


async def test_after_its_rest_another_tenant_may_have_the_word(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA", "CALZONE")
    await world.set_state(keyword, "released")

    taken = await world.claim(world.gym, "PIZZA", now=NOW + timedelta(days=90))

    assert taken.tenant_id == world.gym
    assert await world.rules() == {
        "PIZZA": (ClaimState.ACTIVE, ("PIZZA",)),
        "CALZONE": (ClaimState.RELEASED, ("CALZONE",)),
    }


async def test_the_rest_is_the_numbers_own(world: World) -> None:
    async with transaction(world.engine, System("test")) as session:
        number_id = await add_number(session, "54321", options={"quarantine_days": 7})
    keyword = await world.claim(world.pizzeria, "PIZZA", number_id=number_id)
    await world.set_state(keyword, "released")

    taken = await world.claim(world.gym, "PIZZA", number_id=number_id, now=NOW + timedelta(days=7))

    assert taken.tenant_id == world.gym


async def test_a_change_is_a_new_revision_and_the_old_one_stays(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA")
    changed = await world.change(keyword, "PIZZA", "CALZONE")

    async with transaction(world.engine, System("test")) as session:
        definitions = await list_revisions(session, [(keyword.id, revision) for revision in (1, 2, 3)])

    assert changed.revision == 2
    assert {ref[1]: definition["aliases"] for ref, definition in definitions.items()} == {1: [], 2: ["CALZONE"]}


async def test_a_spelling_given_up_rests_too(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA", "CALZONE")
    await world.change(keyword, "PIZZERIA", "CALZONE")

    with pytest.raises(KeywordResting):
        await world.claim(world.gym, "PIZZA")
    back = await world.change(keyword, "PIZZA", "CALZONE")

    assert back.word == "PIZZA"


async def test_an_alias_of_another_cannot_be_added(world: World) -> None:
    await world.claim(world.gym, "FITNESS")
    keyword = await world.claim(world.pizzeria, "PIZZA")

    with pytest.raises(KeywordTaken):
        await world.change(keyword, "PIZZA", "FITNESS")

    assert (await world.rules())["PIZZA"] == (ClaimState.ACTIVE, ("PIZZA",))


async def test_the_rules_say_what_is_suspended(world: World) -> None:
    await world.set_state(await world.claim(world.pizzeria, "PIZZA", "CALZONE"), "suspended")
    await world.claim(world.gym, "FITNESS")
    async with transaction(world.engine, System("test")) as session:
        await session.execute(text("UPDATE tenants SET state = 'suspended' WHERE id = :id"), {"id": world.gym})

    assert await world.rules() == {
        "PIZZA": (ClaimState.SUSPENDED, ("PIZZA", "CALZONE")),
        "FITNESS": (ClaimState.SUSPENDED, ("FITNESS",)),
    }


async def test_the_rules_carry_what_routing_needs(world: World) -> None:
    definition = {
        "word": "SONDAGGIO",
        "is_glued": True,
        "is_whole_message": False,
        "sub_keywords": [{"word": "ROSSO", "aliases": ["RED"], "actions": []}],
    }
    start, end = NOW, NOW + timedelta(days=7)
    keyword = await world.claim(world.gym, "SONDAGGIO", definition=definition, active_from=start, active_until=end)

    async with transaction(world.engine, System("test")) as session:
        (rules,) = await queries.list_keyword_rules(session, [keyword.id, new_id()])

    assert (rules.is_glued, rules.is_whole_message, rules.active_from, rules.active_until) == (True, False, start, end)
    assert [(sub.name, sub.spellings) for sub in rules.sub_keywords] == [("ROSSO", ("ROSSO", "RED"))]


async def test_every_change_is_told(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA", "CALZONE")
    await world.change(keyword, "PIZZA")
    await world.set_state(keyword, "suspended")
    await world.set_state(keyword, "suspended")

    async with transaction(world.engine, System("test")) as session:
        told = [change.subject_id for change in await changes.list_since(session, 0)]

    assert told.count(keyword.id) == 3
    assert len(told) == 4


async def test_a_released_keyword_does_not_change_any_more(world: World) -> None:
    keyword = await world.set_state(await world.claim(world.pizzeria, "PIZZA"), "released")

    with pytest.raises(KeywordReleased):
        await world.change(keyword, "PIZZA")
    with pytest.raises(KeywordReleased):
        await world.set_state(keyword, "active")


async def test_another_tenants_dedicated_number_is_not_found(world: World) -> None:
    async with transaction(world.engine, System("test")) as session:
        owned = await add_number(session, "54321", owner=world.gym)

    with pytest.raises(NumberNotFound):
        await world.claim(world.pizzeria, "PIZZA", number_id=owned)
    mine = await world.claim(world.gym, "SI", number_id=owned)

    assert mine.word == "SI"


async def test_another_tenants_keyword_is_not_found(world: World) -> None:
    keyword = await world.claim(world.pizzeria, "PIZZA")

    async with transaction(world.engine, System("test")) as session:
        with pytest.raises(KeywordNotFound):
            await service.get_keyword(session, KeywordId(keyword.id), world.gym)


async def test_pools_and_endpoints_must_be_the_tenants(world: World) -> None:
    with pytest.raises(DefinitionNotAcceptable) as caught:
        await world.claim(
            world.pizzeria,
            "PIZZA",
            actions=[
                ("/actions/0", IssueCouponSpec(kind="issue_coupon", pool_id=new_id())),
                ("/actions/1", CallWebhookSpec(kind="call_webhook", endpoint_id=new_id())),
            ],
        )

    assert [error.pointer for error in caught.value.errors] == ["/actions/0/pool_id", "/actions/1/endpoint_id"]


async def test_a_preview_says_what_a_claim_would_be_answered(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA")
    async with transaction(world.engine, System("test")) as session:
        free, no_problem = await service.preview(session, world.gym, a_claim(world.number_id, "FITNESS"), now=NOW)
        near, _ = await service.preview(session, world.gym, a_claim(world.number_id, "PIZZAS"), now=NOW)
        _, problem = await service.preview(session, world.gym, a_claim(world.number_id, "pizza"), now=NOW)

    assert no_problem is None
    assert "fitness" in free.catches
    assert (near.kind.value, [collision.code for collision in near.collisions]) == ("warn", ["one_edit"])
    assert isinstance(problem, KeywordTaken)


async def test_a_table_that_was_just_loaded_has_the_version_of_its_rules(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA")
    cache = RoutingCache()

    async with transaction(world.engine, System("test")) as session:
        newest = await changes.newest(session)
        await cache.load(session)

    assert cache.table.version == newest > 0


async def test_only_what_came_after_a_version_is_read_beside_the_table(world: World) -> None:
    await world.claim(world.pizzeria, "PIZZA")
    async with transaction(world.engine, System("test")) as session:
        version = await changes.newest(session)
    await world.claim(world.gym, "PALESTRA")

    async with transaction(world.engine, System("test")) as session:
        newer = await queries.list_rules_of_number(session, world.number_id, newer_than=version)

    assert [rules.spellings[0] for rules in newer] == ["PALESTRA"]
