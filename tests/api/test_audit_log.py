"""The audit log: every change over the API with who, what, before and after; no secret in it; nobody rewrites it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.api.conftest import Caller
from tests.cast import NOON, OWNED, FakeClock
from twoway_router.store import Engine, System, transaction

CONNECTION = {
    "name": "Lab",
    "carrier": "generic",
    "country": "IT",
    "settings": {"send_url": "https://lab.example/send"},
    "secrets": {"key": "first-secret-key"},
}
ENDPOINT = {"url": "https://crm.example.com/sms", "event_types": ["message.received"]}


async def log(caller: Caller, **query: str) -> list[dict[str, Any]]:
    """The entries that a caller sees, oldest first."""
    answer = await caller.get("/v1/audit-log", params=query)
    assert answer.status_code == 200, answer.text
    entries: list[dict[str, Any]] = answer.json()["data"]
    return entries[::-1]


async def made(caller: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await caller.post(path, body)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_change_of_a_number_shows_what_was_before_and_after(operator: Caller) -> None:
    connection = await made(operator, "/v1/connections", CONNECTION)
    body = {"country": "IT", "address": "12345", "kind": "short_code", "sharing": "shared", "languages": ["it"]}
    number = await made(operator, "/v1/numbers", body | {"connection_id": connection["id"]})

    await operator.patch(f"/v1/numbers/{number['id']}", {"texts": {"help": "Aiuto"}})
    await operator.patch(f"/v1/numbers/{number['id']}", {"texts": {"help": "Aiuto"}})

    created, changed = await log(operator, subject_id=number["id"])
    assert (created["action"], created["details"]["after"]["address"]) == ("number.created", "12345")
    assert (changed["action"], changed["details"]) == (
        "number.changed",
        {"before": {"texts": {}}, "after": {"texts": {"help": "Aiuto"}}},
    )


async def test_a_connection_shows_which_secrets_changed_and_never_what_they_are(operator: Caller) -> None:
    connection = await made(operator, "/v1/connections", CONNECTION)

    await operator.patch(f"/v1/connections/{connection['id']}", {"secrets": {"key": "second-secret-key"}})
    await operator.patch(f"/v1/connections/{connection['id']}", {"state": "disabled"})

    entries = await log(operator, subject_id=connection["id"])
    assert [entry["action"] for entry in entries] == ["connection.created", "connection.changed", "connection.changed"]
    assert [entry["details"] for entry in entries[1:]] == [
        {"before": {}, "after": {}, "secrets": ["key"]},
        {"before": {"state": "active"}, "after": {"state": "disabled"}},
    ]
    assert "secret-key" not in str(entries)


async def test_a_dedicated_numbers_assignment_names_both_sides(operator: Caller, pizzeria: Caller) -> None:
    connection = await made(operator, "/v1/connections", CONNECTION)
    body = {"country": "IT", "address": OWNED, "kind": "long_code", "sharing": "dedicated", "languages": ["it"]}
    number = await made(operator, "/v1/numbers", body | {"connection_id": connection["id"]})

    await operator.put(f"/v1/numbers/{number['id']}/assignment", {"tenant_id": str(pizzeria.tenant_id)})
    await operator.delete(f"/v1/numbers/{number['id']}/assignment")

    actions = [(entry["action"], entry["details"]) for entry in await log(operator, subject_id=number["id"])][1:]
    owner = str(pizzeria.tenant_id)
    assert actions == [
        ("number.assigned", {"before": {"tenant_id": None}, "after": {"tenant_id": owner}}),
        ("number.unassigned", {"before": {"tenant_id": owner}, "after": {"tenant_id": None}}),
    ]


async def test_a_tenant_is_followed_from_its_beginning_to_its_end(operator: Caller) -> None:
    tenant = await made(operator, "/v1/tenants", {"name": "Cinema"})
    await operator.patch(f"/v1/tenants/{tenant['id']}", {"state": "suspended"})
    await operator.delete(f"/v1/tenants/{tenant['id']}")

    entries = await log(operator, subject_id=tenant["id"])

    assert [entry["action"] for entry in entries] == ["tenant.created", "tenant.changed", "tenant.deleted"]
    assert entries[2]["details"]["before"]["name"] == "Cinema"


async def test_an_api_key_is_in_the_log_without_its_secret(pizzeria: Caller) -> None:
    key = await made(pizzeria, "/v1/api-keys", {"name": "till", "scopes": ["messages:read"]})
    await pizzeria.delete(f"/v1/api-keys/{key['id']}")

    created, revoked = await log(pizzeria, subject_id=key["id"])

    assert (created["action"], created["details"]["after"]["kid"]) == ("api_key.created", key["kid"])
    assert (revoked["action"], revoked["details"]["before"]) == ("api_key.revoked", {"revoked_at": None})
    assert "secret_hash" not in str(created)


async def test_a_webhook_endpoint_and_its_secret_are_in_the_log(pizzeria: Caller) -> None:
    endpoint = await made(pizzeria, "/v1/webhook-endpoints", ENDPOINT)
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    await pizzeria.patch(path, {"description": "till"})
    await pizzeria.post(f"{path}/secret-rotation", {})
    await pizzeria.delete(path)

    entries = await log(pizzeria, subject_id=endpoint["id"])

    assert [entry["action"].partition(".")[2] for entry in entries] == [
        "created",
        "changed",
        "secret_rotated",
        "deleted",
    ]
    assert entries[1]["details"] == {"before": {"description": ""}, "after": {"description": "till"}}
    assert "whsec_" not in str(entries)
    assert "secrets" not in str(entries)


async def test_a_code_that_is_made_void_is_in_the_log_once_and_not_readable(pizzeria: Caller) -> None:
    pool = await made(pizzeria, "/v1/coupon-pools", {"name": "Spring", "source": "uploaded"})
    await pizzeria.post(f"/v1/coupon-pools/{pool['id']}/codes", {"codes": ["SPRING-7788"]})
    for _ in range(2):
        await pizzeria.post("/v1/coupon-codes/SPRING-7788/void", None)

    [voided] = await log(pizzeria, action="coupon_code.voided")

    assert (voided["details"]["before"]["state"], voided["details"]["after"]["state"]) == ("free", "void")
    assert "7788" not in str(voided)


async def test_a_tenant_reads_its_own_matters_only(operator: Caller, pizzeria: Caller, gym: Caller) -> None:
    await made(operator, "/v1/connections", CONNECTION)
    await made(pizzeria, "/v1/webhook-endpoints", ENDPOINT)

    seen = [await log(caller) for caller in (pizzeria, gym, operator)]

    assert [[entry["action"] for entry in entries] for entries in seen] == [
        ["webhook_endpoint.created"],
        [],
        ["connection.created", "webhook_endpoint.created"],
    ]


async def test_operators_filter_by_tenant_action_key_and_time(
    operator: Caller, pizzeria: Caller, gym: Caller, clock: FakeClock
) -> None:
    first = await made(pizzeria, "/v1/webhook-endpoints", ENDPOINT)
    clock.advance(hours=1)
    await made(gym, "/v1/webhook-endpoints", ENDPOINT)
    [entry] = await log(operator, tenant_id=str(pizzeria.tenant_id))

    later = await log(operator, created_after=(NOON + timedelta(minutes=30)).isoformat())
    earlier = await log(operator, created_before=(NOON + timedelta(minutes=30)).isoformat())
    by_key = await log(operator, actor_key_id=entry["actor_key_id"], action="webhook_endpoint.created")

    assert [[each["subject_id"] for each in found] for found in (earlier, by_key)] == [[first["id"]]] * 2
    assert [each["tenant_id"] for each in later] == [str(gym.tenant_id)]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET action = 'x.y'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_database_refuses_to_rewrite_the_log(engine: Engine, pizzeria: Caller, statement: str) -> None:
    await made(pizzeria, "/v1/webhook-endpoints", ENDPOINT)

    with pytest.raises(DBAPIError, match="append-only"):
        async with transaction(engine, System("test")) as session:
            await session.execute(text(statement))

    assert len(await log(pizzeria)) == 1
