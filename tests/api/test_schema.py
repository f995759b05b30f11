"""Schemathesis over the whole API: whatever is sent, no 5xx and no answer that the OpenAPI document does not promise.

Half of the ids that it makes up are replaced by ids of things that exist, so that it gets beyond 404.
"""

import asyncio
from collections.abc import Iterator
from random import Random
from typing import Any, Final

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import Receive, Scope, Send

from tests.api.world import World, a_world, an_app_without_database, belongings
from twoway_router.store.engine import normalise_url

OPERATORS: Final = ("/v1/tenants", "/v1/carriers", "/v1/connections")
EXAMPLES: Final = 50
EXPLODING: Final = ["claim_keyword", "change_keyword", "apply_rules", "preview_rules"]
"""A condition holds conditions: the coverage phase makes a quarter of a million cases of a keyword. These are only fuzzed."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
    unsupported_method,
    negative_data_rejection,
    ignored_auth,
]


class LateApp:
    """An app that is put in place when its database is there; the tests are made from the document alone."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


LATE = LateApp(an_app_without_database())
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "with-security-parameters": False},
        "phases": {"stateful": {"enabled": False}},
        "operations": [{"include-operation-id": EXPLODING, "phases": {"coverage": {"enabled": False}}}],
    }
)
schema = schemathesis.openapi.from_asgi("/openapi.json", LATE, config=CONFIG)


@pytest.fixture(scope="module")
def world(shared_database_url: str) -> Iterator[World]:
    """Each request of Schemathesis has an event loop of its own, so no connection may outlive one."""
    engine = create_async_engine(normalise_url(shared_database_url), poolclass=NullPool)
    world = asyncio.run(a_world(engine, requests_per_minute=1_000_000))
    world.ids["gym"] = asyncio.run(belongings(world))
    LATE.app = world.app
    yield world


def with_real_ids(value: Any, ids: dict[str, str], chance: Random) -> Any:
    """The same value with about half of what is called like an id replaced."""
    if not isinstance(value, dict):
        return value
    return {
        name: ids[name] if name in ids and chance.random() < 0.5 else with_real_ids(inner, ids, chance)
        for name, inner in value.items()
    }


@schema.parametrize()
def test_no_answer_breaks_the_promise(world: World, case: schemathesis.Case[Any]) -> None:
    chance = Random(repr((case.path_parameters, case.query, case.body)))
    kind = "outbound_message_id" if "outbound" in case.path else "inbound_message_id"
    ids = world.ids["gym"] | {"message_id": world.ids["gym"][kind]}
    if case.meta is None or case.meta.generation.mode.is_positive:
        case.path_parameters = with_real_ids(case.path_parameters, ids, chance)
        case.body = with_real_ids(case.body, ids, chance)
    caller = world.operator if case.path.startswith(OPERATORS) else world.gym

    case.call_and_validate(headers={"Authorization": f"Bearer {caller.token}"}, checks=CHECKS)
