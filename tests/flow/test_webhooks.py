"""Webhooks on their way to tenants: signed, tried again, given up, disabled; a slow one delays nobody else."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook

from tests.cast import SEALER, an_effect
from tests.support.scene import Answer, FakeHttp, Scene
from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.executor.owners import email_owners
from twoway_router.outbound.errors import SendUnknown
from twoway_router.outbound.webhook import sign
from twoway_router.store import System, transaction
from twoway_router.webhooks import service as webhooks
from twoway_router.webhooks.delivery import WebhookDelivery, WebhookLimits
from twoway_router.webhooks.rules import DeliveryDraft, signing_secrets


async def an_endpoint(scene: Scene, url: str = "https://crm.example/sms", *types: str) -> UUID:
    """One of the pizzeria's endpoints."""
    values = {"url": url, "event_types": list(types), "description": ""}
    async with transaction(scene.engine, System("test")) as session:
        made = await webhooks.create_endpoint(
            session, SEALER, scene.pizzeria, values, secret=None, allowed=(), now=scene.clock()
        )
    return made.endpoint.id


async def queue(scene: Scene, endpoint_id: Any, count: int = 1) -> list[UUID]:
    """Events for an endpoint; their jobs."""
    drafts = [
        DeliveryDraft(
            tenant_id=scene.pizzeria,
            endpoint_id=endpoint_id,
            event_type="webhook.test",
            data={"note": "x"},
            key=an_effect(),
        )
        for _ in range(count)
    ]
    async with transaction(scene.engine, System("test")) as session:
        await webhooks.queue_deliveries(session, drafts, now=scene.clock())
    return await scene.take_jobs("webhook.deliver")


def delivery(scene: Scene, http: FakeHttp, **limits: int) -> WebhookDelivery:
    """A new executor's part for ``webhook.deliver``."""
    bounds = WebhookLimits(lease=timedelta(seconds=60), timeout=timedelta(seconds=15), **limits)
    return WebhookDelivery(
        scene.engine,
        http,
        SEALER,
        limits=bounds,
        clock=scene.clock,
        tell_owners=email_owners,
        chance=lambda: 0.5,
    )


async def deliver(scene: Scene, ids: Sequence[UUID], answer: Answer) -> FakeHttp:
    """One executor does these jobs."""
    http = FakeHttp(answer=answer)
    executor = delivery(scene, http)
    await executor.deliver(ids)
    await executor.drain()
    return http


def status(code: int, **headers: str) -> Answer:
    """An endpoint that answers the same always."""

    async def answer(request: HttpRequest) -> HttpReply:
        return HttpReply(
            status=code, headers={key.replace("_", "-"): value for key, value in headers.items()}, body=b"ok"
        )

    return answer


async def silent(request: HttpRequest) -> HttpReply:
    """An endpoint that does not answer."""
    raise SendUnknown("timeout")


async def the_row(scene: Scene) -> Any:
    """The only delivery."""
    (row,) = await scene.rows("SELECT * FROM webhook_deliveries")
    return row


async def test_a_receiver_can_verify_what_it_gets_with_the_reference_library(scene: Scene) -> None:
    endpoint_id = await an_endpoint(scene)
    (delivery_id,) = await queue(scene, endpoint_id)

    http = await deliver(scene, [delivery_id], status(200))

    (sealed,) = await scene.rows("SELECT secrets FROM webhook_endpoints")
    (secret,) = signing_secrets(SEALER.open(sealed.secrets), None, scene.clock())
    (request,) = http.requests
    expected = Webhook(secret).sign(str(delivery_id), scene.clock(), request.body.decode())
    assert request.headers["webhook-signature"] == expected
    assert request.headers["webhook-id"] == str(delivery_id)


def test_while_a_secret_is_rotated_both_sign() -> None:
    secrets = ["whsec_" + "YQ" * 20, "whsec_" + "Yg" * 20]

    header = sign(secrets, webhook_id="m", timestamp=1_800_000_000, body=b"{}")

    at = datetime.fromtimestamp(1_800_000_000, UTC)
    assert header.split(" ") == [Webhook(secret).sign("m", at, "{}") for secret in secrets]


async def test_success_is_settled_and_logged(scene: Scene) -> None:
    ids = await queue(scene, await an_endpoint(scene))

    await deliver(scene, ids, status(204))

    row = await the_row(scene)
    (attempt,) = await scene.rows("SELECT attempt, outcome, status, response FROM webhook_attempts")
    assert (row.state, row.last_status, tuple(attempt)) == ("done", 204, (1, "done", 204, "ok"))


async def test_a_failure_is_tried_again_on_schedule(scene: Scene) -> None:
    ids = await queue(scene, await an_endpoint(scene))

    await deliver(scene, ids, status(500))
    waiting = await the_row(scene)
    scene.clock.advance(seconds=5)
    await deliver(scene, await scene.take_jobs("webhook.deliver"), status(200))

    assert (waiting.state, waiting.due_at - scene.clock()) == ("pending", timedelta(0))
    assert (await the_row(scene)).state == "done"


async def test_after_eight_failures_it_is_given_up(scene: Scene) -> None:
    await queue(scene, await an_endpoint(scene))
    ids = [(await the_row(scene)).id]

    for _ in range(8):
        await deliver(scene, ids, silent)
        scene.clock.advance(hours=11)
        ids = await scene.take_jobs("webhook.deliver")

    row = await the_row(scene)
    assert (row.state, row.attempt, row.reason, ids) == ("failed", 8, "timeout", [])


async def test_410_disables_the_endpoint_and_what_waits_fails(scene: Scene) -> None:
    first, second = await queue(scene, await an_endpoint(scene), 2)

    await deliver(scene, [first], status(410))
    await deliver(scene, [second], status(200))

    (endpoint,) = await scene.rows("SELECT state, disabled_reason FROM webhook_endpoints")
    rows = await scene.rows("SELECT state, reason FROM webhook_deliveries ORDER BY id")
    assert tuple(endpoint) == ("disabled", "gone")
    assert [tuple(row) for row in rows] == [("failed", "gone"), ("failed", "endpoint_disabled")]


async def test_five_days_of_failure_disable_an_endpoint_and_its_owner_is_told(scene: Scene) -> None:
    await scene.rows("UPDATE tenants SET contact_email = 'owner@pizzeria.example'")
    await an_endpoint(scene, "https://spare.example/", "endpoint.disabled")
    failing = await an_endpoint(scene)
    for _ in range(7):
        await deliver(scene, await queue(scene, failing), status(500))
        scene.clock.advance(hours=20)

    (endpoint,) = await scene.rows("SELECT state, disabled_reason FROM webhook_endpoints WHERE id = :id", id=failing)
    events = await scene.rows("SELECT event_type FROM webhook_deliveries WHERE event_type = 'endpoint.disabled'")
    emails = await scene.rows("SELECT recipient FROM email_deliveries")
    assert tuple(endpoint) == ("disabled", "failing_for_five_days")
    assert (len(events), [row.recipient for row in emails]) == (1, ["owner@pizzeria.example"])


async def test_a_success_in_between_starts_the_five_days_anew(scene: Scene) -> None:
    endpoint_id = await an_endpoint(scene)
    for code in (500, 500, 500, 200, 500, 500, 500):
        await deliver(scene, await queue(scene, endpoint_id), status(code))
        scene.clock.advance(hours=30)

    (endpoint,) = await scene.rows("SELECT state FROM webhook_endpoints")
    assert endpoint.state == "enabled"


async def test_retry_after_is_honoured_within_two_slots(scene: Scene) -> None:
    ids = await queue(scene, await an_endpoint(scene))

    await deliver(scene, ids, status(429, retry_after="3600"))

    assert (await the_row(scene)).due_at - scene.clock() == timedelta(seconds=10)


async def test_a_slow_endpoint_does_not_delay_another(scene: Scene) -> None:
    slow = await queue(scene, await an_endpoint(scene, "https://slow.example/"), 100)
    quick = await queue(scene, await an_endpoint(scene, "https://quick.example/"), 4)
    stuck, quick_done = asyncio.Event(), asyncio.Event()
    left = set(quick)

    async def answer(request: HttpRequest) -> HttpReply:
        if "slow" in request.url:
            await stuck.wait()
        left.discard(UUID(request.headers["webhook-id"]))
        if not left:
            quick_done.set()
        return HttpReply(status=200, headers={}, body=b"")

    http = FakeHttp(answer=answer)
    executor = delivery(scene, http, per_endpoint=4)
    await executor.deliver(slow)
    await executor.deliver(quick)
    async with asyncio.timeout(60):
        await quick_done.wait()
    under_way = [request.url for request in http.requests].count("https://slow.example/")
    stuck.set()
    await executor.drain()

    assert under_way == 4


async def test_two_executors_post_a_delivery_once(scene: Scene) -> None:
    ids = await queue(scene, await an_endpoint(scene), 20)
    http = FakeHttp(answer=status(200))
    executors = [delivery(scene, http, per_endpoint=50) for _ in range(3)]

    await asyncio.gather(*(executor.deliver(ids) for executor in executors))
    await asyncio.gather(*(executor.drain() for executor in executors))

    assert sorted(request.headers["webhook-id"] for request in http.requests) == sorted(str(each) for each in ids)


@pytest.mark.parametrize("blob", [b"", b"not sealed"])
async def test_a_secret_that_cannot_be_opened_fails_the_try(scene: Scene, blob: bytes) -> None:
    ids = await queue(scene, await an_endpoint(scene))
    await scene.rows("UPDATE webhook_endpoints SET secrets = :blob", blob=blob)

    http = await deliver(scene, ids, status(200))

    row = await the_row(scene)
    assert (http.requests, row.state, row.reason) == ([], "pending", "secret_unreadable")


async def test_no_more_is_claimed_than_can_be_tried_at_once(scene: Scene) -> None:
    jobs = [(await queue(scene, await an_endpoint(scene)))[0] for _ in range(6)]
    is_full, may_answer = asyncio.Event(), asyncio.Event()
    http = FakeHttp()

    async def slow(request: HttpRequest) -> HttpReply:
        if len(http.requests) == 4:
            is_full.set()
        await may_answer.wait()
        return HttpReply(status=204, headers={}, body=b"")

    http.answer = slow
    executor = delivery(scene, http, at_once=4)
    delivering = asyncio.create_task(executor.deliver(jobs))
    await asyncio.wait_for(is_full.wait(), 10)
    states = [row.state for row in await scene.rows("SELECT state FROM webhook_deliveries ORDER BY state")]
    may_answer.set()
    await delivering
    await executor.drain()

    assert states == ["claimed"] * 4 + ["pending"] * 2
    assert len(http.requests) == 6
