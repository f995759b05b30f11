"""One word of two tenants at different times, over the API: claims, availability, changes, and where messages go."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.test_registry import claim, route
from tests.cast import FakeClock, a_connection, a_number
from twoway_router.domain.ids import NumberId
from twoway_router.routing.types import WindowState
from twoway_router.store import Engine, System, transaction

SPRING = {"active_from": "2027-03-01T00:00:00Z", "active_until": "2027-04-01T00:00:00Z"}
SUMMER = {"active_from": "2027-06-01T00:00:00Z", "active_until": "2027-07-01T00:00:00Z"}
RIGHT_AFTER = {"active_from": "2027-04-01T12:00:00Z"}


@pytest.fixture
async def number_id(engine: Engine) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session))


async def availability(caller: Caller, number_id: NumberId, **window: str) -> dict[str, Any]:
    params = {"number_id": str(number_id), "word": "PIZZA", **window}
    shown: dict[str, Any] = (await caller.get("/v1/keywords/availability", params=params)).json()
    return shown


async def test_a_word_of_another_time_is_claimed_with_a_warning(
    pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await claim(pizzeria, number_id, **SPRING)

    made = await claim(gym, number_id, **SUMMER)

    (collision,) = made["collisions"]
    assert (collision["reason"], collision["active_from"], collision["active_until"]) == (
        "other_window",
        SPRING["active_from"],
        SPRING["active_until"],
    )


@pytest.mark.parametrize(
    ("window", "verdict", "code"),
    [
        (SUMMER, "warn", "other_window"),
        (RIGHT_AFTER, "refuse", "keyword_taken"),
        (SPRING, "refuse", "keyword_taken"),
        ({}, "refuse", "keyword_taken"),
    ],
)
async def test_availability_and_claim_say_the_same(
    pizzeria: Caller, gym: Caller, number_id: NumberId, window: dict[str, str], verdict: str, code: str
) -> None:
    await claim(pizzeria, number_id, **SPRING)

    shown = await availability(gym, number_id, **window)
    answer = await gym.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA", **window})

    assert (shown["verdict"], shown["code"], shown["is_available"]) == (verdict, code, verdict == "warn")
    assert answer.status_code == (201 if verdict == "warn" else 409)


async def test_a_taken_word_says_when_it_is_taken_and_not_whose(
    pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await claim(pizzeria, number_id, **SPRING)

    refused = await gym.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA"})

    assert refused.json()["active_until"] == "2027-04-01T00:00:00+00:00"
    assert str(pizzeria.tenant_id) not in refused.text


async def test_a_window_cannot_grow_into_anothers(pizzeria: Caller, gym: Caller, number_id: NumberId) -> None:
    await claim(pizzeria, number_id, **SPRING)
    path = f"/v1/keywords/{(await claim(gym, number_id, **SUMMER))['id']}"
    etag = (await gym.get(path)).headers["etag"]

    refused = await gym.put(path, {"word": "PIZZA", **RIGHT_AFTER}, headers={"If-Match": etag})

    assert (refused.status_code, refused.json()["code"]) == (409, "keyword_taken")
    assert (await gym.get(path)).json()["active_from"] == SUMMER["active_from"]


async def test_a_resting_word_can_be_had_for_a_window_after_its_rest(
    pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id, **SPRING)
    await pizzeria.delete(f"/v1/keywords/{made['id']}")

    now, later = await availability(gym, number_id), await availability(gym, number_id, **SUMMER)

    assert (now["code"], now["free_at"]) == ("keyword_resting", "2027-05-30T12:00:00Z")
    assert later["is_available"] is True


@pytest.mark.parametrize(
    ("days", "is_pizzerias", "window"),
    [
        (0, True, WindowState.OPEN),
        (40, True, WindowState.TOO_LATE),
        (80, False, WindowState.TOO_EARLY),
        (100, False, WindowState.OPEN),
        (300, False, WindowState.TOO_LATE),
    ],
)
async def test_a_message_is_whose_window_it_is_or_is_nearest(
    engine: Engine,
    clock: FakeClock,
    pizzeria: Caller,
    gym: Caller,
    number_id: NumberId,
    days: int,
    is_pizzerias: bool,
    window: WindowState,
) -> None:
    await claim(gym, number_id, **SUMMER)
    await claim(pizzeria, number_id, **SPRING)
    clock.advance(days=days)

    decision = await route(engine, clock, number_id)

    assert (decision.tenant_id, decision.window) == ((pizzeria if is_pizzerias else gym).tenant_id, window)
