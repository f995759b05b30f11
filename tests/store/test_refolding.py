"""Stored keys after an upgrade that folds words in another way: moved where there is room, listed where there is none."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from tests.store.rows import NOW, add_number, add_tenant
from tests.store.test_keywords import a_claim
from twoway_router.domain.ids import NumberId
from twoway_router.keywords import service
from twoway_router.keywords.refolding import refold
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine

CHANGE = text("UPDATE keyword_spellings SET key = :new WHERE key = :old")
KEYS = text("SELECT text, key FROM keyword_spellings ORDER BY text")


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    """PIZZA and CALZONE of two tenants on one number."""
    made = make_engine(database_url)
    async with transaction(made, System("test")) as session:
        number_id = NumberId(await add_number(session))
        for word in ("PIZZA", "CALZONE"):
            await service.claim(session, await add_tenant(session, word), a_claim(number_id, word), now=NOW)
    yield made
    await made.dispose()


async def age(engine: Engine, *changes: tuple[str, str]) -> None:
    """Give keys the form that an older release would have stored."""
    async with transaction(engine, System("test")) as session:
        for old, new in changes:
            await session.execute(CHANGE, {"old": old, "new": new})


async def refolded(engine: Engine) -> tuple[list[tuple[str, bool]], list[tuple[str, str]]]:
    async with transaction(engine, System("test")) as session:
        found = await refold(session)
        kept = [(row.text, row.key) for row in await session.execute(KEYS)]
    return sorted((each.spelling.text, each.is_moved) for each in found), kept


async def test_keys_of_today_are_left_alone(engine: Engine) -> None:
    assert await refolded(engine) == ([], [("CALZONE", "calzone"), ("PIZZA", "pizza")])


async def test_a_key_of_an_older_release_becomes_that_of_today(engine: Engine) -> None:
    await age(engine, ("pizza", "p1zza"))

    assert await refolded(engine) == ([("PIZZA", True)], [("CALZONE", "calzone"), ("PIZZA", "pizza")])


async def test_a_key_may_make_room_for_another(engine: Engine) -> None:
    await age(engine, ("calzone", "zzz"), ("pizza", "calzone"))

    moved, kept = await refolded(engine)

    assert moved == [("CALZONE", True), ("PIZZA", True)]
    assert kept == [("CALZONE", "calzone"), ("PIZZA", "pizza")]


async def test_a_key_that_another_keyword_has_is_listed_and_nothing_is_dropped(engine: Engine) -> None:
    async with transaction(engine, System("test")) as session:
        await session.execute(text("UPDATE keyword_spellings SET key = 'p1zza' WHERE key = 'pizza'"))
        await session.execute(text("UPDATE keyword_spellings SET text = 'Pizza', key = 'pizza' WHERE key = 'calzone'"))

    assert await refolded(engine) == ([("PIZZA", False)], [("PIZZA", "p1zza"), ("Pizza", "pizza")])
