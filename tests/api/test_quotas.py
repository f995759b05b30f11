"""What a tenant may claim on a number: set by its operator, shown on the number's page, refused with its reason."""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.api.conftest import Caller, a_caller
from tests.api.test_rules_as_code import PIZZA, a_plan, with_client
from tests.cast import a_connection, a_number
from twoway_router.cli.api_client import ApiClient
from twoway_router.cli.keywords import find_refused, read_registry
from twoway_router.domain.ids import NumberId
from twoway_router.rulesets.plan import Finding
from twoway_router.store import Engine, System, transaction


@pytest.fixture
async def number_id(engine: Engine) -> NumberId:
    async with transaction(engine, System("test")) as session:
        return await a_number(session, await a_connection(session))


async def set_options(operator: Caller, number_id: NumberId, **options: Any) -> None:
    answer = await operator.patch(f"/v1/numbers/{number_id}", {"options": options})
    assert answer.status_code == 200, answer.text


async def claim(caller: Caller, number_id: NumberId, word: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    answer = await caller.post("/v1/keywords", {"number_id": str(number_id), "word": word, **fields})
    return answer.status_code, answer.json()


async def test_a_claim_beyond_the_limit_is_refused_and_the_page_shows_why(
    operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    await set_options(operator, number_id, keyword_limit=1)
    await claim(pizzeria, number_id, "PIZZA")

    status, refused = await claim(pizzeria, number_id, "CALZONE")
    asked = await pizzeria.get(f"/v1/keywords/availability?number_id={number_id}&word=CALZONE")
    page = await pizzeria.get(f"/v1/numbers/{number_id}")
    listed = await pizzeria.get("/v1/numbers")

    assert (status, refused["code"], refused["limit"], refused["used"]) == (409, "keyword_quota", 1, 1)
    assert (asked.json()["is_available"], asked.json()["code"]) == (False, "keyword_quota")
    assert page.json()["claims"] == {"is_allowed": True, "limit": 1, "used": 1}
    assert listed.json()["data"][0]["claims"] == page.json()["claims"]


async def test_an_exception_of_a_tenant_counts_and_is_seen_by_operators(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await set_options(operator, number_id, keyword_limit=0, keyword_limits={str(gym.tenant_id): 5})

    statuses = [(await claim(caller, number_id, "FITNESS"))[0] for caller in (pizzeria, gym)]
    shown = await operator.get(f"/v1/numbers/{number_id}?claims_of={gym.tenant_id}")

    assert statuses == [409, 201]
    assert shown.json()["claims"] == {"is_allowed": True, "limit": 5, "used": 1}
    assert shown.json()["options"]["keyword_limits"] == {str(gym.tenant_id): 5}
    assert (await operator.get(f"/v1/numbers/{number_id}")).json()["claims"] is None


async def test_who_is_not_on_the_list_claims_nothing(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await set_options(operator, number_id, claimants=[str(gym.tenant_id)])

    status, refused = await claim(pizzeria, number_id, "PIZZA")
    by_operator, _ = await claim(operator, number_id, "PIZZA", tenant_id=str(pizzeria.tenant_id))
    page = await pizzeria.get(f"/v1/numbers/{number_id}?claims_of={gym.tenant_id}")

    assert (status, refused["code"], by_operator) == (403, "number_not_allowed", 403)
    assert page.json()["claims"] == {"is_allowed": False, "limit": None, "used": 0}
    assert (await claim(gym, number_id, "FITNESS"))[0] == 201


@pytest.mark.parametrize("name", ["claimants", "keyword_limits"])
async def test_a_tenant_that_is_none_is_refused(operator: Caller, number_id: NumberId, name: str) -> None:
    nobody = "0198c0de-8d5b-7cc3-a5f1-1d2b3c4d5e6f"
    named = [nobody] if name == "claimants" else {nobody: 1}

    refused = await operator.patch(f"/v1/numbers/{number_id}", {"options": {name: named}})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/options/{name}")


async def test_a_copy_in_the_sandbox_has_no_list(
    app: FastAPI, engine: Engine, operator: Caller, pizzeria: Caller, number_id: NumberId
) -> None:
    await set_options(operator, number_id, claimants=[str(pizzeria.tenant_id)])
    tester = await a_caller(app, engine, pizzeria.tenant_id, mode="test")
    copy = (await tester.post("/v1/sandbox/numbers", {"like": str(number_id)})).json()

    assert (await claim(tester, copy["id"], "PIZZA"))[0] == 201


@pytest.mark.parametrize("is_operators", [True, False])
async def test_a_plan_names_what_the_limit_leaves_no_room_for(
    operator: Caller, pizzeria: Caller, number_id: NumberId, is_operators: bool
) -> None:
    await set_options(operator, number_id, keyword_limit=2)
    for word in ("PIZZA", "CALZONE"):
        await claim(pizzeria, number_id, word)
    caller = operator if is_operators else pizzeria

    def refused(client: ApiClient) -> list[Finding]:
        registry = read_registry(client)
        wanted = PIZZA | {"tenant": registry.content["keywords"][0]["tenant"]}
        words = ("PIZZA", "LASAGNA", "GELATERIA")
        return list(find_refused(client, registry, a_plan(registry, *(wanted | {"word": word} for word in words))))

    (finding,) = await with_client(caller, refused)

    assert (finding.kind, finding.word, finding.code) == ("refused", "GELATERIA", "keyword_quota")


async def test_a_plan_names_what_is_refused_on_a_closed_number(
    operator: Caller, pizzeria: Caller, gym: Caller, number_id: NumberId
) -> None:
    await set_options(operator, number_id, claimants=[str(gym.tenant_id)])

    def refused(client: ApiClient) -> list[Finding]:
        registry = read_registry(client)
        return list(find_refused(client, registry, a_plan(registry, PIZZA)))

    (finding,) = await with_client(pizzeria, refused)

    assert (finding.word, "only some tenants" in finding.detail) == ("PIZZA", True)
