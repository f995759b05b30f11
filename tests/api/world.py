"""A router in which the gym holds one of everything, made over the API itself. For suites that walk all operations."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from tests.api.conftest import Caller, a_caller, an_app
from tests.cast import GYM, OWNED, PIZZERIA, FakeClock, a_tenant, an_inbound, an_outbound
from twoway_router.domain.ids import ConnectionId, NumberId
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine

CONNECTION = {
    "name": "Gateway",
    "carrier": "generic",
    "country": "IT",
    "settings": {"send_url": "https://gateway.example/send"},
    "secrets": {"key": "s3cret-of-the-gateway"},
}


NUMBER = {"country": "IT", "address": OWNED, "kind": "long_code", "sharing": "dedicated"}


@dataclass(frozen=True, kw_only=True)
class World:
    """The app, who calls it, and the gym's ids by the name of the path's parameter."""

    app: FastAPI
    engine: Engine
    operator: Caller
    pizzeria: Caller
    gym: Caller
    ids: dict[str, dict[str, str]] = field(default_factory=dict)


def an_app_without_database() -> FastAPI:
    """Good for its document."""
    return an_app(make_engine("postgresql://nowhere/none"))


async def a_world(engine: Engine, *, requests_per_minute: int = 600) -> World:
    """Two tenants; everything is the gym's."""
    app = an_app(engine, clock=FakeClock(), requests_per_minute=requests_per_minute)
    async with transaction(engine, System("test")) as session:
        pizzeria_id, gym_id = await a_tenant(session, PIZZERIA), await a_tenant(session, GYM)
    return World(
        app=app,
        engine=engine,
        operator=await a_caller(app, engine, None),
        pizzeria=await a_caller(app, engine, pizzeria_id),
        gym=await a_caller(app, engine, gym_id),
    )


async def belongings(world: World) -> dict[str, str]:
    """One of everything for the gym: its ids by the names of path parameters."""
    gym, operator = world.gym, world.operator
    connection = _made(await operator.post("/v1/connections", CONNECTION))
    wish = NUMBER | {"tenant_id": str(gym.tenant_id), "connection_id": connection["id"]}
    number = _made(await operator.post("/v1/numbers", wish))
    endpoint = _made(
        await gym.post(
            "/v1/webhook-endpoints", {"url": "https://gym.example/hook", "event_types": ["message.received"]}
        )
    )
    delivery = _made(await gym.post(f"/v1/webhook-endpoints/{endpoint['id']}/test", None))
    pool = _made(await gym.post("/v1/coupon-pools", {"name": "Spring", "source": "uploaded"}))
    _made(await gym.post(f"/v1/coupon-pools/{pool['id']}/codes", {"codes": ["GYM-SPRING-0001"]}))
    action = {"kind": "reply", "text": "Benvenuto"}
    keyword = _made(
        await gym.post("/v1/keywords", {"number_id": number["id"], "word": "PALESTRA", "actions": [action]})
    )
    changes = {"kind": "create", "number_id": number["id"], "definition": {"word": "PESI"}}
    version = _made(await gym.post("/v1/rule-versions", {"steps": [changes]}))
    async with transaction(world.engine, System("test")) as session:
        place = (ConnectionId(connection["id"]), NumberId(number["id"]))
        inbound = await an_inbound(session, *place, tenant_id=gym.tenant_id)
        outbound = await an_outbound(session, *place, tenant_id=gym.tenant_id)
    return {
        "key_id": (await gym.get("/v1/api-keys")).json()["data"][0]["id"],
        "tenant_id": str(gym.tenant_id),
        "connection_id": connection["id"],
        "number_id": number["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": delivery["id"],
        "pool_id": pool["id"],
        "code": "GYM-SPRING-0001",
        "keyword_id": keyword["id"],
        "version_id": version["id"],
        "inbound_message_id": str(inbound),
        "outbound_message_id": str(outbound),
    }


def _made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
