"""The registry of keywords: approval, holds, transfers, rest, and the history of it all."""

from typing import Any

import pytest

from tests.api.conftest import Caller
from tests.cast import FakeClock, a_connection, a_number
from twoway_router.domain.ids import NumberId
from twoway_router.keywords.queries import list_rules_of_number
from twoway_router.numbers.queries import list_routed_numbers
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import Decision, RouteRequest
from twoway_router.store import Engine, System, transaction


@pytest.fixture
async def number_id(engine: Engine) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session))


@pytest.fixture
async def approving(operator: Caller, number_id: NumberId) -> NumberId:
    """The number, on which tenants' claims need approval."""
    answer = await operator.patch(f"/v1/numbers/{number_id}", {"options": {"needs_approval": True}})
    assert answer.status_code == 200
    return number_id


async def claim(caller: Caller, number_id: NumberId, word: str = "PIZZA", **fields: Any) -> dict[str, Any]:
    actions = [{"kind": "reply", "text": "Eccola"}]
    answer = await caller.post(
        "/v1/keywords", {"number_id": str(number_id), "word": word, "actions": actions, **fields}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def route(engine: Engine, clock: FakeClock, number_id: NumberId, text: str = "PIZZA") -> Decision:
    """Where a message goes by what is in the database now."""
    async with transaction(engine, System("test")) as session:
        numbers = [each.rules for each in await list_routed_numbers(session, [number_id])]
        table = RoutingTable.build(numbers, await list_rules_of_number(session, number_id))
    return choose_route(table, RouteRequest(number_id=number_id, sender="+1", text=text, at=clock()))


async def deeds(caller: Caller, keyword_id: str) -> list[str]:
    listed = (await caller.get(f"/v1/keywords/{keyword_id}/history")).json()["data"]
    return [each["action"] for each in reversed(listed)]


async def test_where_approval_is_needed_a_claim_routes_nothing(
    engine: Engine, clock: FakeClock, pizzeria: Caller, approving: NumberId
) -> None:
    made = await claim(pizzeria, approving)

    decision = await route(engine, clock, approving)

    assert (made["state"], decision.rule) == ("requested", "courtesy")


async def test_an_approved_keyword_is_live(
    engine: Engine, clock: FakeClock, operator: Caller, pizzeria: Caller, approving: NumberId
) -> None:
    made = await claim(pizzeria, approving)

    approved = await operator.post(f"/v1/keywords/{made['id']}/approval", {})

    assert approved.json()["state"] == "active"
    assert str((await route(engine, clock, approving)).keyword_id) == made["id"]


async def test_a_tenant_may_choose_the_moment_to_go_live(
    operator: Caller, pizzeria: Caller, approving: NumberId
) -> None:
    made = await claim(pizzeria, approving)
    await operator.post(f"/v1/keywords/{made['id']}/approval", {"is_activated": False})

    activated = await pizzeria.post(f"/v1/keywords/{made['id']}/activation", None)

    assert activated.json()["state"] == "active"
    assert await deeds(pizzeria, made["id"]) == ["keyword.claimed", "keyword.approved", "keyword.activated"]


@pytest.mark.parametrize(("method", "path"), [("POST", "activation"), ("DELETE", "suspension")])
async def test_a_tenant_cannot_approve_itself(pizzeria: Caller, approving: NumberId, method: str, path: str) -> None:
    made = await claim(pizzeria, approving)

    refused = await pizzeria.send(method, f"/v1/keywords/{made['id']}/{path}")

    assert (refused.status_code, refused.json()["code"]) == (409, "keyword_waits_for_approval")


async def test_a_rejected_word_is_free_at_once(
    operator: Caller, pizzeria: Caller, gym: Caller, approving: NumberId
) -> None:
    made = await claim(pizzeria, approving)

    rejected = await operator.post(f"/v1/keywords/{made['id']}/rejection", {"note": "Not a pizzeria"})

    assert rejected.json()["state"] == "released"
    assert (await claim(gym, approving))["state"] == "requested"


async def test_new_words_of_an_approved_keyword_need_approval_too(
    operator: Caller, pizzeria: Caller, approving: NumberId
) -> None:
    made = await claim(pizzeria, approving)
    await operator.post(f"/v1/keywords/{made['id']}/approval", {})
    etag = (await pizzeria.get(f"/v1/keywords/{made['id']}")).headers["etag"]

    refused = await pizzeria.put(
        f"/v1/keywords/{made['id']}", {"word": "PIZZA", "aliases": ["CALZONE"]}, headers={"If-Match": etag}
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "keyword_word_needs_approval")


async def test_a_held_keyword_does_not_act_and_cannot_be_resumed_by_its_tenant(
    engine: Engine, clock: FakeClock, operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id)

    await operator.post(f"/v1/keywords/{made['id']}/hold", {"note": "Brand dispute"})
    refused = await pizzeria.delete(f"/v1/keywords/{made['id']}/suspension")

    assert (refused.status_code, refused.json()["code"]) == (409, "keyword_held")
    assert (await route(engine, clock, number_id)).window == "suspended"


@pytest.mark.parametrize("path", ["suspension", "hold"])
async def test_what_an_operator_stopped_its_tenant_neither_changes_nor_claims_anew(
    operator: Caller, pizzeria: Caller, number_id: NumberId, path: str
) -> None:
    made = await claim(pizzeria, number_id, aliases=["CALZONE"])
    await operator.post(f"/v1/keywords/{made['id']}/{path}", {"note": "Brand dispute"} if path == "hold" else None)
    shown = await pizzeria.get(f"/v1/keywords/{made['id']}")
    tag = {"If-Match": shown.headers["etag"]}

    refused = [
        await pizzeria.put(f"/v1/keywords/{made['id']}", {"word": "PIZZA"}, headers=tag),
        await pizzeria.delete(f"/v1/keywords/{made['id']}", headers=tag),
        await pizzeria.delete(f"/v1/keywords/{made['id']}/suspension"),
        await pizzeria.post(f"/v1/keywords/{made['id']}/activation", None),
    ]

    assert shown.json()["is_held"]
    assert [each.json()["code"] for each in refused] == ["keyword_held"] * 4


async def test_what_an_operator_suspended_an_operator_resumes(
    engine: Engine, clock: FakeClock, operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id)
    await operator.post(f"/v1/keywords/{made['id']}/suspension", None)

    resumed = await operator.delete(f"/v1/keywords/{made['id']}/suspension")

    assert (resumed.json()["state"], resumed.json()["is_held"]) == ("active", False)
    assert (await route(engine, clock, number_id)).window == "open"


async def test_what_a_tenant_suspended_itself_it_resumes(pizzeria: Caller, number_id: NumberId) -> None:
    made = await claim(pizzeria, number_id)
    await pizzeria.post(f"/v1/keywords/{made['id']}/suspension", None)

    resumed = await pizzeria.delete(f"/v1/keywords/{made['id']}/suspension")

    assert resumed.json()["state"] == "active"


async def test_a_lifted_hold_lets_the_keyword_go_on(
    engine: Engine, clock: FakeClock, operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id)
    await operator.post(f"/v1/keywords/{made['id']}/hold", {"note": "Brand dispute"})

    await operator.delete(f"/v1/keywords/{made['id']}/hold")

    assert (await route(engine, clock, number_id)).window == "open"


async def test_what_operators_note_of_a_dispute_stays_with_them(
    operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id)
    await operator.post(f"/v1/keywords/{made['id']}/hold", {"note": "Brand dispute"})

    theirs = await pizzeria.get(f"/v1/keywords/{made['id']}/history")
    ours = await operator.get(f"/v1/keywords/{made['id']}/history")

    assert "Brand dispute" not in theirs.text
    assert ours.json()["data"][0]["details"] == {"internal_note": "Brand dispute"}


async def test_a_transferred_word_is_the_other_tenants_once_it_is_activated(
    engine: Engine, clock: FakeClock, operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id, aliases=["CALZONE"])
    heir = (await operator.post(f"/v1/keywords/{made['id']}/transfer", {"tenant_id": str(gym.tenant_id)})).json()

    before = await route(engine, clock, number_id, "calzone")
    await gym.post(f"/v1/keywords/{heir['id']}/activation", None)
    after = await route(engine, clock, number_id, "calzone")

    assert (heir["state"], heir["actions"], before.tenant_id) == ("approved", [], None)
    assert after.tenant_id == gym.tenant_id


async def test_history_stays_with_the_former_tenant(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id)
    heir = (await operator.post(f"/v1/keywords/{made['id']}/transfer", {"tenant_id": str(gym.tenant_id)})).json()

    assert await deeds(pizzeria, made["id"]) == ["keyword.claimed", "keyword.transferred_away"]
    assert await deeds(gym, heir["id"]) == ["keyword.transferred_in"]
    assert (await gym.get(f"/v1/keywords/{made['id']}/history")).status_code == 404
    assert str(gym.tenant_id) not in (await pizzeria.get(f"/v1/keywords/{made['id']}/history")).text


async def test_a_released_word_rests_as_long_as_its_number_says(
    operator: Caller, pizzeria: Caller, gym: Caller, clock: FakeClock, number_id: NumberId
) -> None:
    await operator.patch(f"/v1/numbers/{number_id}", {"options": {"quarantine_days": 3}})
    made = await pizzeria.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA"})
    await pizzeria.delete(made.headers["location"], headers={"If-Match": made.headers["etag"]})

    resting = await gym.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA"})
    clock.advance(days=4)
    free = await gym.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA"})

    assert (resting.json()["code"], free.status_code) == ("keyword_resting", 201)


async def test_an_operator_ends_the_rest_of_a_word(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    made = await pizzeria.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA"})
    path = f"{made.headers['location']}/rest"
    too_early = await operator.delete(path)
    await pizzeria.delete(made.headers["location"], headers={"If-Match": made.headers["etag"]})

    tenants = await pizzeria.delete(path)
    ended = await operator.delete(path)
    free = await gym.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA"})

    assert (too_early.status_code, tenants.status_code) == (409, 403)
    assert (ended.json()["state"], free.status_code) == ("released", 201)


async def test_every_step_is_in_the_history_with_its_actor(
    operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    made = await pizzeria.post("/v1/keywords", {"number_id": str(number_id), "word": "PIZZA"})
    path = made.headers["location"]
    await pizzeria.post(f"{path}/suspension", None)
    await operator.delete(f"{path}/suspension")
    etag = (await pizzeria.get(path)).headers["etag"]
    await pizzeria.put(path, {"word": "PIZZA", "aliases": ["CALZONE"]}, headers={"If-Match": etag})
    etag = (await pizzeria.get(path)).headers["etag"]
    await pizzeria.delete(path, headers={"If-Match": etag})

    listed = (await pizzeria.get(f"{path}/history")).json()["data"]

    assert [(each["action"].removeprefix("keyword."), each["actor"]) for each in reversed(listed)] == [
        ("claimed", "tenant"),
        ("suspended", "tenant"),
        ("resumed", "operator"),
        ("changed", "tenant"),
        ("released", "tenant"),
    ]


async def test_a_date_of_expiry_is_shown_and_lies_ahead(
    pizzeria: Caller, clock: FakeClock, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id, expires_at="2027-06-01T00:00:00Z")
    body = {"number_id": str(number_id), "word": "CALZONE"}

    past = await pizzeria.post("/v1/keywords", body | {"expires_at": clock().isoformat()})
    early = await pizzeria.post(
        "/v1/keywords", body | {"expires_at": "2027-06-01T00:00:00Z", "active_from": "2027-06-02T00:00:00Z"}
    )

    assert (made["expires_at"], made["releases_at"]) == ("2027-06-01T00:00:00Z", "2027-06-01T00:00:00Z")
    assert [(each.status_code, each.json()["errors"][0]["pointer"]) for each in (past, early)] == [
        (422, "/expires_at"),
        (422, "/expires_at"),
    ]


async def test_whoever_gets_a_keyword_does_not_get_its_date_of_expiry(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    made = await claim(pizzeria, number_id, expires_at="2027-06-01T00:00:00Z")

    given = await operator.post(f"/v1/keywords/{made['id']}/transfer", {"tenant_id": str(gym.tenant_id)})

    assert (given.json()["expires_at"], given.json()["releases_at"]) == (None, None)
