"""Tenants: what operators may do with them, and what nobody may."""

import pytest

from tests.api.conftest import Caller


async def test_an_operator_creates_and_reads_a_tenant(operator: Caller) -> None:
    created = await operator.post("/v1/tenants", {"name": "Fioraio", "contact_email": "ada@fioraio.example"})

    read = await operator.get(f"/v1/tenants/{created.json()['id']}")

    assert (created.status_code, read.status_code) == (201, 200)
    assert read.json() == created.json()
    assert read.json()["state"] == "active"


async def test_two_tenants_cannot_have_one_name(operator: Caller) -> None:
    await operator.post("/v1/tenants", {"name": "Fioraio"})

    again = await operator.post("/v1/tenants", {"name": "Fioraio"})

    assert (again.status_code, again.json()["code"]) == (409, "tenant_name_taken")


async def test_a_tenant_cannot_be_renamed_to_a_taken_name(operator: Caller, gym: Caller, pizzeria: Caller) -> None:
    name = (await operator.get(f"/v1/tenants/{gym.tenant_id}")).json()["name"]

    refused = await operator.patch(f"/v1/tenants/{pizzeria.tenant_id}", {"name": name})

    assert (refused.status_code, refused.json()["code"]) == (409, "tenant_name_taken")


async def test_a_suspended_tenants_key_is_refused(operator: Caller, pizzeria: Caller) -> None:
    await operator.patch(f"/v1/tenants/{pizzeria.tenant_id}", {"state": "suspended"})

    refused = await pizzeria.get("/v1/api-keys")

    assert (refused.status_code, refused.json()["code"]) == (403, "tenant_suspended")


async def test_tenants_are_listed_newest_first_and_by_state(operator: Caller, pizzeria: Caller, gym: Caller) -> None:
    await operator.patch(f"/v1/tenants/{pizzeria.tenant_id}", {"state": "suspended"})

    everybody = await operator.get("/v1/tenants")
    suspended = await operator.get("/v1/tenants", params={"state": "suspended"})

    assert [row["id"] for row in everybody.json()["data"]] == [str(gym.tenant_id), str(pizzeria.tenant_id)]
    assert [row["id"] for row in suspended.json()["data"]] == [str(pizzeria.tenant_id)]


async def test_a_tenant_that_holds_nothing_is_deleted_with_its_keys(operator: Caller, pizzeria: Caller) -> None:
    deleted = await operator.delete(f"/v1/tenants/{pizzeria.tenant_id}")

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await operator.get(f"/v1/tenants/{pizzeria.tenant_id}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": " x"}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": 7}, "/name"),
        ({"name": "x", "contact_email": "nobody"}, "/contact_email"),
        ({"name": "x", "colour": "red"}, "/colour"),
        ([], ""),
    ],
)
async def test_a_bad_field_is_named(operator: Caller, body: object, pointer: str) -> None:
    refused = await operator.post("/v1/tenants", body)

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_tenant_may_not_see_tenants(pizzeria: Caller) -> None:
    refused = await pizzeria.get("/v1/tenants")

    assert (refused.status_code, refused.json()["code"]) == (403, "operator_only")
