"""Walks every operation of the OpenAPI document × every caller who must be refused, so that none is forgotten."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import Caller, a_caller
from tests.api.world import World, a_world, an_app_without_database, belongings
from tests.cast import NOON
from twoway_router.domain.ids import new_id
from twoway_router.store.engine import make_engine
from twoway_router.tenants.rules import OPERATOR_SCOPES, SCOPES

DOCUMENT = an_app_without_database().openapi()
NO_EXAMPLE = "no example"
OPERATOR_ONLY = ("/v1/tenants", "/v1/carriers", "/v1/connections")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation with a body that it would accept."""

    method: str
    path: str
    scope: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_sandboxs(self) -> bool:
        return self.path.startswith("/v1/sandbox")

    @property
    def is_operators(self) -> bool:
        return self.path.startswith(OPERATOR_ONLY) or self.scope in OPERATOR_SCOPES


def example_of(operation: dict[str, Any]) -> Any:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        return None
    schema = body["schema"]
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return (body.get("examples") or schema.get("examples") or [NO_EXAMPLE])[0]


def operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, found in methods.items():
            (scope,) = found["security"][0]["apiKey"]
            yield Operation(method=method.upper(), path=path, scope=scope, body=example_of(found))


OPERATIONS = list(operations())
WITH_ID = [operation for operation in OPERATIONS if "{" in operation.path]
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
async def world(shared_database_url: str) -> AsyncIterator[World]:
    engine = make_engine(shared_database_url, pool_size=5)
    world = await a_world(engine)
    world.ids["gym"] = await belongings(world)
    yield world
    await engine.dispose()


def path_of(world: World, operation: Operation) -> str:
    """The operation on what is the gym's."""
    kind = "outbound_message_id" if "outbound" in operation.path else "inbound_message_id"
    ids = world.ids["gym"]
    return operation.path.format_map(ids | {"message_id": ids[kind]})


async def send(world: World, caller: Caller, operation: Operation) -> tuple[int, str]:
    answer = await caller.send(operation.method, path_of(world, operation), operation.body)
    return answer.status_code, answer.json()["code"]


@every_operation
def test_it_needs_a_scope_that_keys_can_have(operation: Operation) -> None:
    assert operation.scope in SCOPES


@every_operation
def test_its_body_has_an_example(operation: Operation) -> None:
    assert operation.body != NO_EXAMPLE


@every_operation
async def test_nobody_is_refused(world: World, operation: Operation) -> None:
    assert await send(world, Caller(app=world.app, token=None), operation) == (401, "unauthenticated")


@every_operation
async def test_an_expired_key_is_refused(world: World, operation: Operation) -> None:
    expired = await a_caller(world.app, world.engine, None, expires_at=NOON, now=NOON - timedelta(days=1))

    assert await send(world, expired, operation) == (401, "unauthenticated")


@every_operation
async def test_a_revoked_key_is_refused(world: World, operation: Operation) -> None:
    revoked = await a_caller(world.app, world.engine, None)
    newest = (await world.operator.get("/v1/api-keys", params={"limit": 1})).json()["data"][0]["id"]
    await world.operator.delete(f"/v1/api-keys/{newest}")

    assert await send(world, revoked, operation) == (401, "unauthenticated")


@every_operation
async def test_a_key_with_every_other_scope_is_refused(world: World, operation: Operation) -> None:
    others = tuple(sorted(SCOPES - {"*", operation.scope}))
    tenant_id = None if operation.is_operators else world.gym.tenant_id
    limited = await a_caller(world.app, world.engine, tenant_id, scopes=others)

    assert await send(world, limited, operation) == (403, "missing_scope")


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.is_operators], ids=str)
async def test_a_tenant_may_not_do_what_is_the_operators(world: World, operation: Operation) -> None:
    assert await send(world, world.pizzeria, operation) == (403, "operator_only")


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.is_sandboxs], ids=str)
async def test_a_live_key_may_not_do_what_is_for_test_keys(world: World, operation: Operation) -> None:
    for caller in (world.gym, world.operator):
        assert await send(world, caller, operation) == (403, "sandbox_only")


@pytest.mark.parametrize("operation", [one for one in WITH_ID if not one.is_operators and not one.is_sandboxs], ids=str)
async def test_what_is_anothers_answers_like_what_never_was(world: World, operation: Operation) -> None:
    unknown = {name: str(new_id()) for name in world.ids["gym"]} | {"message_id": str(new_id())}

    foreign = await world.pizzeria.send(operation.method, path_of(world, operation), operation.body)
    missing = await world.pizzeria.send(operation.method, operation.path.format_map(unknown), operation.body)

    assert foreign.status_code == missing.status_code == 404
    assert foreign.json() | {"instance": ""} == missing.json() | {"instance": ""}
