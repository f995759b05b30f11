"""Test keys: whose they are, who makes them, and what they are refused."""

from typing import Any

import pytest
from fastapi import FastAPI

from tests.api.conftest import Caller, a_caller
from twoway_router.store import Engine


@pytest.fixture
async def tester(app: FastAPI, engine: Engine, pizzeria: Caller) -> Caller:
    """The pizzeria's developer with a test key."""
    return await a_caller(app, engine, pizzeria.tenant_id, mode="test")


async def made_by(caller: Caller, **wish: Any) -> Any:
    answer = await caller.post("/v1/api-keys", {"name": "sandbox", "scopes": ["*"], **wish})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_an_operator_makes_test_keys_for_a_tenants_sandbox(operator: Caller, pizzeria: Caller) -> None:
    key = await made_by(operator, mode="test", tenant_id=str(pizzeria.tenant_id))

    sandbox = (await operator.get(f"/v1/tenants/{key['tenant_id']}")).json()
    assert key["token"].startswith("twr_test_")
    assert (sandbox["sandbox_of"], sandbox["name"]) == (str(pizzeria.tenant_id), "Pizzeria Bella")


async def test_a_tenant_makes_test_keys_for_its_own_sandbox(pizzeria: Caller) -> None:
    key = await made_by(pizzeria, mode="test")

    assert key["tenant_id"] != str(pizzeria.tenant_id)


async def test_all_test_keys_of_a_tenant_share_one_sandbox(operator: Caller, pizzeria: Caller) -> None:
    first = await made_by(pizzeria, mode="test")

    second = await made_by(operator, mode="test", tenant_id=str(pizzeria.tenant_id))

    assert first["tenant_id"] == second["tenant_id"]


async def test_a_key_made_by_a_test_key_is_a_test_key(tester: Caller) -> None:
    key = await made_by(tester)

    assert key["mode"] == "test"


async def test_a_test_key_makes_no_live_key(tester: Caller) -> None:
    answer = await tester.post("/v1/api-keys", {"name": "escape", "scopes": ["*"], "mode": "live"})

    assert (answer.status_code, answer.json()["code"]) == (403, "live_key_refused")


async def test_a_sandbox_gets_no_live_key_from_an_operator(operator: Caller, tester: Caller) -> None:
    sandbox = (await tester.get("/v1/api-keys")).json()["data"][0]["tenant_id"]

    answer = await operator.post("/v1/api-keys", {"name": "escape", "scopes": ["*"], "tenant_id": sandbox})

    assert (answer.status_code, answer.json()["code"]) == (403, "live_key_refused")


async def test_an_operator_has_no_sandbox_of_its_own(operator: Caller) -> None:
    answer = await operator.post("/v1/api-keys", {"name": "play", "scopes": ["*"], "mode": "test"})

    assert (answer.status_code, answer.json()["code"]) == (422, "test_key_needs_tenant")


async def test_a_live_key_sees_and_revokes_test_keys_of_its_tenant(pizzeria: Caller, tester: Caller) -> None:
    (found,) = [key for key in (await pizzeria.get("/v1/api-keys")).json()["data"] if key["mode"] == "test"]

    answer = await pizzeria.delete(f"/v1/api-keys/{found['id']}")

    assert answer.status_code == 204


async def test_a_test_key_does_not_see_live_keys(tester: Caller) -> None:
    keys = (await tester.get("/v1/api-keys")).json()["data"]

    assert [key["mode"] for key in keys] == ["test"]


async def test_another_tenant_does_not_see_test_keys(tester: Caller, gym: Caller) -> None:
    keys = (await gym.get("/v1/api-keys")).json()["data"]

    assert [key["mode"] for key in keys] == ["live"]


async def test_suspending_a_tenant_closes_its_sandbox(operator: Caller, pizzeria: Caller, tester: Caller) -> None:
    await operator.patch(f"/v1/tenants/{pizzeria.tenant_id}", {"state": "suspended"}, headers={"If-Match": "*"})

    answer = await tester.get("/v1/api-keys")

    assert (answer.status_code, answer.json()["code"]) == (403, "tenant_suspended")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_sandbox_is_changed_only_with_its_tenant(operator: Caller, tester: Caller, method: str) -> None:
    sandbox = (await tester.get("/v1/api-keys")).json()["data"][0]["tenant_id"]
    body = {"name": "Other"} if method == "PATCH" else None

    answer = await operator.send(method, f"/v1/tenants/{sandbox}", body, headers={"If-Match": "*"})

    assert (answer.status_code, answer.json()["code"]) == (409, "tenant_is_sandbox")


async def test_sandboxes_are_not_in_the_list_of_tenants(operator: Caller, tester: Caller) -> None:
    tenants = (await operator.get("/v1/tenants")).json()["data"]

    assert [tenant["sandbox_of"] for tenant in tenants] == [None]


async def test_a_tenant_is_deleted_with_its_empty_sandbox(operator: Caller, pizzeria: Caller, tester: Caller) -> None:
    answer = await operator.delete(f"/v1/tenants/{pizzeria.tenant_id}", headers={"If-Match": "*"})

    assert answer.status_code == 204
