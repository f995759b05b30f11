"""The webhooks API."""

from typing import Any

import pytest
from sqlalchemy import text

from tests.api.conftest import Caller
from tests.cast import FakeClock
from twoway_router.domain.ids import new_id
from twoway_router.store import Engine, System, transaction

URL = "https://crm.example.com/sms"


async def an_endpoint(caller: Caller, **fields: Any) -> dict[str, Any]:
    made = await caller.post("/v1/webhook-endpoints", {"url": URL} | fields)
    assert made.status_code == 201, made.text
    endpoint: dict[str, Any] = made.json()
    return endpoint


async def test_the_secret_is_shown_once(pizzeria: Caller) -> None:
    endpoint = await an_endpoint(pizzeria)

    read = await pizzeria.get(f"/v1/webhook-endpoints/{endpoint['id']}")

    assert endpoint["secret"].startswith("whsec_")
    assert "secret" not in read.json()
    assert endpoint["secret"] not in read.text


async def test_a_tenant_may_bring_its_secret(pizzeria: Caller) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    assert (await an_endpoint(pizzeria, secret=secret))["secret"] == secret


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://crm.example.com/"}, "webhook_url_not_acceptable"),
        ({"url": "https://10.0.0.1/"}, "webhook_url_not_acceptable"),
        ({"url": URL, "secret": "whsec_c2hvcnQ="}, "webhook_secret_not_acceptable"),
        ({"url": URL, "event_types": ["message.eaten"]}, "validation_failed"),
        ({"url": URL, "colour": "red"}, "validation_failed"),
    ],
)
async def test_an_endpoint_that_cannot_be_is_refused(pizzeria: Caller, body: dict[str, Any], code: str) -> None:
    refused = await pizzeria.post("/v1/webhook-endpoints", body)

    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_an_endpoint_is_changed_disabled_and_enabled(pizzeria: Caller) -> None:
    path = f"/v1/webhook-endpoints/{(await an_endpoint(pizzeria))['id']}"
    etag = (await pizzeria.get(path)).headers["etag"]

    changed = await pizzeria.patch(path, {"event_types": ["*"]}, headers={"If-Match": etag})
    late = await pizzeria.patch(path, {"description": "x"}, headers={"If-Match": etag})
    disabled = await pizzeria.patch(path, {"state": "disabled"})
    refused = await pizzeria.post(f"{path}/test", None)
    enabled = await pizzeria.patch(path, {"state": "enabled"})

    assert changed.json()["event_types"] == ["*"]
    assert late.status_code == 412
    assert (disabled.json()["disabled_reason"], refused.json()["code"]) == ("by_tenant", "webhook_endpoint_disabled")
    assert (enabled.json()["state"], enabled.json()["disabled_reason"]) == ("enabled", None)


async def test_a_rotation_gives_a_new_secret_and_says_until_when_the_old_one_signs(pizzeria: Caller) -> None:
    endpoint = await an_endpoint(pizzeria)

    rotated = (await pizzeria.post(f"/v1/webhook-endpoints/{endpoint['id']}/secret-rotation", {})).json()

    assert rotated["secret"] != endpoint["secret"]
    assert rotated["previous_secret_expires_at"] == "2027-03-02T12:00:00Z"


async def test_a_deleted_endpoint_is_gone(pizzeria: Caller) -> None:
    path = f"/v1/webhook-endpoints/{(await an_endpoint(pizzeria))['id']}"

    deleted = await pizzeria.delete(path)

    assert deleted.status_code == 204
    assert (await pizzeria.get(path)).status_code == (await pizzeria.delete(path)).status_code == 404
    assert (await pizzeria.get("/v1/webhook-endpoints")).json()["data"] == []


async def test_a_test_event_is_in_the_log_with_its_payload(pizzeria: Caller) -> None:
    endpoint = await an_endpoint(pizzeria)

    sent = (await pizzeria.post(f"/v1/webhook-endpoints/{endpoint['id']}/test", None)).json()
    shown = (await pizzeria.get(f"/v1/webhook-deliveries/{sent['id']}")).json()

    assert (shown["state"], shown["attempts"]) == ("pending", [])
    assert shown["payload"] == {
        "type": "webhook.test",
        "timestamp": "2027-03-01T12:00:00Z",
        "data": {"endpoint_id": endpoint["id"], "note": "This is a test."},
    }


async def test_failed_deliveries_are_sent_again(engine: Engine, pizzeria: Caller, clock: FakeClock) -> None:
    endpoint = await an_endpoint(pizzeria)
    path = f"/v1/webhook-endpoints/{endpoint['id']}"
    sent = [(await pizzeria.post(f"{path}/test", None)).json()["id"] for _ in range(3)]
    early = await pizzeria.post(f"/v1/webhook-deliveries/{sent[0]}/redelivery", None)
    async with transaction(engine, System("test")) as session:
        await session.execute(text("UPDATE webhook_deliveries SET state = 'failed', settled_at = created_at"))
    clock.advance(hours=1)

    one = await pizzeria.post(f"/v1/webhook-deliveries/{sent[0]}/redelivery", None)
    rest = await pizzeria.post(f"{path}/redelivery", {"since": "2027-03-01T00:00:00Z"})

    assert early.json()["code"] == "webhook_delivery_in_progress"
    assert (one.json()["id"], one.json()["state"], one.json()["settled_at"]) == (sent[0], "pending", None)
    assert rest.json() == {"count": 2}


async def test_attempts_are_shown_newest_first(engine: Engine, pizzeria: Caller) -> None:
    endpoint = await an_endpoint(pizzeria)
    sent = (await pizzeria.post(f"/v1/webhook-endpoints/{endpoint['id']}/test", None)).json()
    attempt = (
        "INSERT INTO webhook_attempts (delivery_id, attempt, tenant_id, outcome, status, response, started_at, finished_at)"
        " SELECT :id, number, :tenant_id, 'retry', 500, 'oops', now(), now() FROM generate_series(1, 2) AS number"
    )
    async with transaction(engine, System("test")) as session:
        await session.execute(text(attempt), {"id": sent["id"], "tenant_id": pizzeria.tenant_id})

    shown = (await pizzeria.get(f"/v1/webhook-deliveries/{sent['id']}")).json()

    assert [(each["attempt"], each["status"]) for each in shown["attempts"]] == [(2, 500), (1, 500)]


async def test_the_log_is_filtered_and_each_tenants_own(pizzeria: Caller, gym: Caller) -> None:
    first, second = await an_endpoint(pizzeria), await an_endpoint(pizzeria)
    for endpoint in (first, second, second):
        await pizzeria.post(f"/v1/webhook-endpoints/{endpoint['id']}/test", None)

    listed = (
        await pizzeria.get(
            "/v1/webhook-deliveries",
            params={"endpoint_id": second["id"], "state": "pending", "event_type": "webhook.test", "limit": "1"},
        )
    ).json()

    assert (len(listed["data"]), listed["data"][0]["endpoint_id"]) == (1, second["id"])
    assert listed["next"] is not None
    assert (await gym.get("/v1/webhook-deliveries")).json()["data"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/secret-rotation"),
        ("POST", "/test"),
        ("POST", "/redelivery"),
    ],
)
async def test_another_tenants_endpoint_is_not_found(pizzeria: Caller, gym: Caller, method: str, path: str) -> None:
    endpoint = await an_endpoint(pizzeria)
    body = {"since": "2027-03-01T00:00:00Z"} if path == "/redelivery" else {}

    answer = await gym.send(method, f"/v1/webhook-endpoints/{endpoint['id']}{path}", body)

    assert (answer.status_code, answer.json()["code"]) == (404, "webhook_endpoint_not_found")


async def test_an_unknown_delivery_is_not_found(pizzeria: Caller) -> None:
    assert (await pizzeria.get(f"/v1/webhook-deliveries/{new_id()}")).json()["code"] == "webhook_delivery_not_found"
