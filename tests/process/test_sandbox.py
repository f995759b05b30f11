"""A sandbox in production: roles as processes on PostgreSQL and RabbitMQ, no ingress, no carrier, nothing set up for it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.system import System
from twoway_router.lab.api import ManagementApi
from twoway_router.lab.setup import make_keyword, make_tenant

pytestmark = pytest.mark.broker

REPLY = {"kind": "reply", "text": "Ecco {{ message.rest }}"}


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """All roles but the carriers' door."""
    with System(roles=("api", "executor", "scheduler")) as system:
        yield system


async def play(system: System) -> dict[str, Any]:
    """A tenant with nothing but a test key writes to itself; the reply with its final state."""
    async with ManagementApi(system.api_url, system.operator_key) as operator:
        tenant = await make_tenant(operator, "Pizzeria Bella", once="sandbox")
        wish = {"name": "laptop", "scopes": ["*"], "mode": "test", "tenant_id": tenant.id}
        key = (await operator.post("/api-keys", wish))["token"]
    async with ManagementApi(system.api_url, key) as sandbox:
        number = await sandbox.post("/sandbox/numbers", {"country": "IT", "address": "12345"})
        await make_keyword(sandbox, number["id"], "PIZZA", [REPLY], once="sandbox")
        text = {"number_id": number["id"], "sender": "+447700900004", "text": "pizza grande"}
        message = await sandbox.post("/sandbox/inbound-messages", text)
        async with asyncio.timeout(60):
            while True:
                found = (await sandbox.get(f"/inbound-messages/{message['id']}"))["outbound_messages"]
                if found and found[0]["delivery_state"]:
                    return dict(found[0])
                await asyncio.sleep(0.3)


def test_a_throttled_reply_is_delivered_without_carrier_and_ingress(system: System) -> None:
    mt = asyncio.run(play(system))

    assert [mt[name] for name in ("text", "state", "attempt")] == ["Ecco grande", "confirmed", 2]
