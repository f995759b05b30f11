"""Keywords that stand anywhere in a text or take any: for dedicated numbers, over the API and in rules files."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.api.test_rules_as_code import PIZZA, a_plan, applied, with_client
from tests.cast import OWNED, FakeClock, a_connection, a_number
from twoway_router.cli.keywords import read_registry
from twoway_router.domain.ids import NumberId
from twoway_router.keywords.queries import list_rules_of_number
from twoway_router.numbers.queries import list_routed_numbers
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import RouteRequest
from twoway_router.store import Engine, System, transaction


@pytest.fixture
async def shared(engine: Engine) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session))


@pytest.fixture
async def owned(engine: Engine, pizzeria: Caller) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session, "other"), OWNED, owner=pizzeria.tenant_id)


async def claim(caller: Caller, number_id: NumberId, word: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    answer = await caller.post("/v1/keywords", {"number_id": str(number_id), "word": word, **fields})
    return answer.status_code, answer.json()


async def words_of(engine: Engine, clock: FakeClock, number_id: NumberId, *texts: str) -> list[str | None]:
    """The keywords that texts reach by what is in the database now."""
    async with transaction(engine, System("test")) as session:
        numbers = [each.rules for each in await list_routed_numbers(session, [number_id])]
        table = RoutingTable.build(numbers, await list_rules_of_number(session, number_id))
    requests = (RouteRequest(number_id=number_id, sender="+1", text=text, at=clock()) for text in texts)
    return [choose_route(table, request).word for request in requests]


async def test_a_dedicated_number_takes_both(
    engine: Engine, clock: FakeClock, pizzeria: Caller, owned: NumberId
) -> None:
    statuses = [
        (await claim(pizzeria, owned, "PIZZA", match="contains"))[0],
        (await claim(pizzeria, owned, "POSTA", match="any_word"))[0],
    ]

    found = await words_of(engine, clock, owned, "vorrei una pizza", "buongiorno", "pizza due")

    assert (statuses, found) == ([201, 201], ["PIZZA", "POSTA", "PIZZA"])


@pytest.mark.parametrize("match", ["contains", "any_word"])
async def test_a_shared_number_takes_neither(pizzeria: Caller, shared: NumberId, match: str) -> None:
    status, refused = await claim(pizzeria, shared, "PIZZA", match=match)
    _, made = await claim(pizzeria, shared, "PIZZA")
    changed = await pizzeria.put(f"/v1/keywords/{made['id']}", {"word": "PIZZA", "match": match})

    assert (status, refused["code"], refused["errors"][0]["pointer"]) == (422, "keyword_match_not_allowed", "/match")
    assert (made["match"], changed.json()["code"]) == ("start", "keyword_match_not_allowed")


async def test_one_keyword_at_a_time_takes_any_text(pizzeria: Caller, owned: NumberId) -> None:
    spring = {"match": "any_word", "active_until": "2027-06-01T00:00:00Z"}
    _, made = await claim(pizzeria, owned, "POSTA", **spring)

    status, refused = await claim(pizzeria, owned, "LETTERE", match="any_word")
    later, _ = await claim(pizzeria, owned, "LETTERE", match="any_word", active_from="2027-07-01T00:00:00Z")
    again = await pizzeria.put(f"/v1/keywords/{made['id']}", {"word": "POSTA", **spring})

    assert (status, refused["code"], refused["keyword_id"]) == (409, "keyword_any_word_taken", made["id"])
    assert (later, again.status_code) == (201, 200)


async def test_what_is_only_a_whole_message_stands_nowhere_else(pizzeria: Caller, owned: NumberId) -> None:
    status, refused = await claim(pizzeria, owned, "PIZZA", match="contains", is_whole_message=True)

    assert (status, refused["errors"][0]["pointer"]) == (422, "/match")


async def test_a_rules_file_has_the_option(pizzeria: Caller, shared: NumberId, owned: NumberId) -> None:
    wanted = PIZZA | {"number": f"IT/{OWNED}", "options": {"match": "contains"}}
    _, told = await applied(pizzeria, wanted)

    registry = await with_client(pizzeria, read_registry)
    refused = a_plan(registry, wanted, PIZZA | {"options": {"match": "contains"}})

    assert (told, registry.content["keywords"][0]["options"]) == (["create"], {"match": "contains"})
    assert a_plan(registry, wanted).steps == ()
    assert [(each.kind, each.detail) for each in refused.findings] == [
        ("refused", "'contains' is for dedicated numbers.")
    ]
