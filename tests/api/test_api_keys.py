"""API keys over the API: shown once, bounded by their giver, dead when revoked."""

from typing import Any

import pytest

from tests.api.conftest import Caller, a_caller
from tests.cast import NOON, FakeClock
from twoway_router.domain.ids import new_id
from twoway_router.store import Engine


async def test_a_new_key_works_and_its_token_is_shown_once(pizzeria: Caller) -> None:
    created = (await pizzeria.post("/v1/api-keys", {"name": "CRM", "scopes": ["messages:read"]})).json()
    newcomer = Caller(app=pizzeria.app, token=created["token"])

    listed = await pizzeria.get("/v1/api-keys")

    assert (await newcomer.get("/v1/inbound-messages")).status_code == 200
    assert (await newcomer.get("/v1/api-keys")).json()["code"] == "missing_scope"
    assert created["token"] not in listed.text
    assert created["token"].split("_")[3] not in listed.text


async def test_a_tenants_key_is_the_tenants_whatever_it_asks_for(pizzeria: Caller, gym: Caller) -> None:
    wish = {"name": "x", "scopes": ["messages:read"], "tenant_id": str(gym.tenant_id)}

    created = await pizzeria.post("/v1/api-keys", wish)

    assert created.json()["tenant_id"] == str(pizzeria.tenant_id)


async def test_a_key_cannot_give_more_than_it_has(app: Any, engine: Engine, pizzeria: Caller) -> None:
    clerk = await a_caller(app, engine, pizzeria.tenant_id, scopes=("api-keys:write", "messages:read"))

    refused = await clerk.post("/v1/api-keys", {"name": "x", "scopes": ["*"]})

    assert (refused.status_code, refused.json()["code"]) == (403, "scope_escalation")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scopes": ["connections:read"]}, "/scopes"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"expires_at": NOON.isoformat()}, "/expires_at"),
        ({"expires_at": "2027-03-01T12:00:00"}, "/expires_at"),
        ({"mode": "staging"}, "/mode"),
    ],
)
async def test_a_pointless_key_is_refused(pizzeria: Caller, change: dict[str, Any], pointer: str) -> None:
    refused = await pizzeria.post("/v1/api-keys", {"name": "x", "scopes": ["*"]} | change)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer


async def test_an_operator_makes_keys_for_tenants_and_for_operators(operator: Caller, pizzeria: Caller) -> None:
    wish = {"name": "x", "scopes": ["*"]}

    for_tenant = await operator.post("/v1/api-keys", wish | {"tenant_id": str(pizzeria.tenant_id)})
    for_operator = await operator.post("/v1/api-keys", wish)
    for_nobody = await operator.post("/v1/api-keys", wish | {"tenant_id": str(new_id())})

    assert for_tenant.json()["tenant_id"] == str(pizzeria.tenant_id)
    assert for_operator.json()["tenant_id"] is None
    assert (for_nobody.status_code, for_nobody.json()["errors"][0]["pointer"]) == (422, "/tenant_id")


async def test_a_revoked_key_is_dead_within_five_seconds(pizzeria: Caller, clock: FakeClock) -> None:
    created = (await pizzeria.post("/v1/api-keys", {"name": "x", "scopes": ["*"]})).json()
    lost = Caller(app=pizzeria.app, token=created["token"])
    await lost.get("/v1/api-keys")

    revoked = await pizzeria.delete(f"/v1/api-keys/{created['id']}")
    clock.advance(seconds=5)

    assert revoked.status_code == 204
    assert (await lost.get("/v1/api-keys")).status_code == 401
    assert (await pizzeria.get(f"/v1/api-keys/{created['id']}")).json()["revoked_at"] is not None


async def test_use_is_noted_to_the_minute(pizzeria: Caller, clock: FakeClock) -> None:
    await pizzeria.get("/v1/api-keys")
    clock.advance(seconds=30)
    await pizzeria.get("/v1/api-keys")

    listed = (await pizzeria.get("/v1/api-keys")).json()["data"]

    assert [row["last_used_at"] for row in listed] == [NOON.isoformat().replace("+00:00", "Z")]


async def test_a_foreign_key_is_not_there(pizzeria: Caller, gym: Caller) -> None:
    foreign = (await gym.get("/v1/api-keys")).json()["data"][0]["id"]

    assert (await pizzeria.get(f"/v1/api-keys/{foreign}")).status_code == 404
    assert (await pizzeria.delete(f"/v1/api-keys/{foreign}")).status_code == 404
    assert (await gym.get("/v1/api-keys")).status_code == 200
