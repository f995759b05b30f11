"""The API over a real database, and callers with keys."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.cast import GYM, PIZZERIA, PUBLIC_URL, SEALER, FakeClock, a_key, a_tenant
from twoway_router.domain.ids import TenantId
from twoway_router.management.app import create_app
from twoway_router.routing.index import RoutingTable
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Somebody with an API key (or none)."""

    app: FastAPI
    token: str | None
    tenant_id: TenantId | None = None

    async def send(
        self, method: str, path: str, body: object = None, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """One request through the whole app; exceptions that leave the app fail the test."""
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://api") as client:
            return await client.request(method, path, headers=sent, json=body, **options)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", path, **options)

    async def post(self, path: str, body: object, **options: Any) -> httpx.Response:
        return await self.send("POST", path, body, **options)

    async def patch(self, path: str, body: object, **options: Any) -> httpx.Response:
        return await self.send("PATCH", path, body, **options)

    async def put(self, path: str, body: object, **options: Any) -> httpx.Response:
        return await self.send("PUT", path, body, **options)

    async def delete(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("DELETE", path, **options)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    engine = make_engine(database_url, pool_size=10)
    yield engine
    await engine.dispose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table() -> RoutingTable:
    """The routing table of the app; empty until a test fills it."""
    return RoutingTable.build((), ())


@pytest.fixture
def app(engine: Engine, clock: FakeClock, table: RoutingTable) -> FastAPI:
    return an_app(engine, table, clock=clock)


def an_app(engine: Engine, table: RoutingTable | None = None, **options: Any) -> FastAPI:
    """The app with this routing table, or an empty one."""
    routed = RoutingTable.build((), ()) if table is None else table
    return create_app(engine=engine, sealer=SEALER, routing_table=lambda: routed, public_url=PUBLIC_URL, **options)


async def a_caller(app: FastAPI, engine: Engine, tenant_id: TenantId | None, **key: Any) -> Caller:
    async with transaction(engine, System("test")) as session:
        return Caller(app=app, token=await a_key(session, tenant_id, **key), tenant_id=tenant_id)


@pytest.fixture
async def operator(app: FastAPI, engine: Engine) -> Caller:
    return await a_caller(app, engine, None)


@pytest.fixture
async def pizzeria(app: FastAPI, engine: Engine) -> Caller:
    async with transaction(engine, System("test")) as session:
        tenant_id = await a_tenant(session, PIZZERIA)
    return await a_caller(app, engine, tenant_id)


@pytest.fixture
async def gym(app: FastAPI, engine: Engine) -> Caller:
    async with transaction(engine, System("test")) as session:
        tenant_id = await a_tenant(session, GYM)
    return await a_caller(app, engine, tenant_id)


@pytest.fixture
def nobody(app: FastAPI) -> Caller:
    return Caller(app=app, token=None)
