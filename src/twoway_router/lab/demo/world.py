"""Sets the demo up as a user would: by the management API. A second run finds everything again.

What the API shows only once (keys, a webhook's secret) is kept in one file in the state folder, readable by its owner.
"""

import hashlib
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson

from twoway_router.domain.messages import Capability
from twoway_router.lab.api import ApiRefusal, ManagementApi
from twoway_router.lab.demo import scenes
from twoway_router.lab.setup import (
    LabConnection,
    LabTenant,
    connection_settings,
    make_connection,
    make_keyword,
    make_number,
    make_tenant,
)

_SEED_URL: Final = "http://127.0.0.1:9"
"""Until ``_move`` says where they are: what is created must be the same when an interrupted set-up is repeated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoWorld:
    """Everything that the demo needs to know of what it has set up. ``run`` counts the demo's runs on this database."""

    run: int
    install: str
    connection: LabConnection
    tenants: dict[str, LabTenant]
    shared_number_id: str
    long_number_id: str
    keywords: dict[str, str]
    """Words by id."""
    endpoint_id: str
    webhook_secret: str

    @property
    def run_id(self) -> str:
        return f"demo-{self.install[:8]}-{self.run}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Where everyone listens in this run."""

    api_url: str
    ingress_url: str
    carrier_url: str
    sink_url: str


async def seed(at: Addresses, operator_key: str, state_file: Path) -> DemoWorld:
    """Find the demo's world, or make it. Everyone may have moved since the last run."""
    kept = _read(state_file)
    async with ManagementApi(at.api_url, operator_key) as operator:
        if kept is None or not await _is_there(operator, kept):
            kept = await _make(operator, at, _begin(state_file))
        await _move(operator, at, kept)
    connection = kept.connection.listening_at(at.ingress_url)
    world = replace(kept, run=kept.run + 1, connection=connection)
    write_private(state_file, orjson.dumps(asdict(world)))
    return world


async def _is_there(operator: ManagementApi, world: DemoWorld) -> bool:
    """Whether this database is the one that the file speaks of."""
    try:
        await operator.get(f"/connections/{world.connection.id}")
    except ApiRefusal as error:
        if error.status == 404:
            return False
        raise
    return True


async def _move(operator: ManagementApi, at: Addresses, world: DemoWorld) -> None:
    settings = connection_settings(at.carrier_url, Capability.IDEMPOTENT)
    await operator.patch(f"/connections/{world.connection.id}", {"settings": settings})
    async with ManagementApi(at.api_url, world.tenants[scenes.CARS].key) as cars:
        await cars.patch(f"/webhook-endpoints/{world.endpoint_id}", {"url": f"{at.sink_url}/crm"})


async def _make(operator: ManagementApi, at: Addresses, install: str) -> DemoWorld:
    once = f"demo-{install}"
    key = hashlib.sha256(f"{install} carrier".encode()).hexdigest()[:32]
    connection = await make_connection(
        operator, carrier_url=_SEED_URL, key=key, once=once, name="Demo carrier", country=scenes.COUNTRY
    )
    names = (scenes.BURGERS, scenes.CARS, scenes.REPAIRS)
    tenants = {name: await make_tenant(operator, name, once=once) for name in names}
    shared = await make_number(operator, _shared_number(connection.id), once=once)
    long = await make_number(operator, _long_number(connection.id, tenants[scenes.REPAIRS].id), once=once)
    async with ManagementApi(at.api_url, tenants[scenes.BURGERS].key) as burgers:
        free_burger = await _make_burgers(burgers, shared, once)
    async with ManagementApi(at.api_url, tenants[scenes.REPAIRS].key) as repairs:
        repair = await _make_repairs(repairs, long, once)
    async with ManagementApi(at.api_url, tenants[scenes.CARS].key) as cars:
        endpoint_id, secret, used_cars = await _make_cars(cars, shared, once)
    return DemoWorld(
        run=0,
        install=install,
        connection=connection,
        tenants=tenants,
        shared_number_id=shared,
        long_number_id=long,
        keywords={free_burger: "FREEBURGER", repair: "REPARAR", used_cars: "USEDCARS"},
        endpoint_id=endpoint_id,
        webhook_secret=secret,
    )


def _shared_number(connection_id: str) -> dict[str, Any]:
    return {
        "country": scenes.COUNTRY,
        "address": scenes.SHORT_CODE,
        "kind": "short_code",
        "sharing": "shared",
        "connection_id": connection_id,
        "languages": ["en"],
        "time_zone": "Europe/London",
        "texts": {"courtesy": scenes.COURTESY_REPLY},
    }


def _long_number(connection_id: str, tenant_id: str) -> dict[str, Any]:
    return {
        "country": scenes.COUNTRY,
        "address": scenes.LONG_NUMBER,
        "kind": "long_code",
        "sharing": "dedicated",
        "connection_id": connection_id,
        "tenant_id": tenant_id,
        "languages": ["es", "en"],
        "time_zone": "Europe/Madrid",
    }


async def _make_burgers(burgers: ManagementApi, number_id: str, once: str) -> str:
    pool = await burgers.post(
        "/coupon-pools", {"name": "Free burger", "source": "generated", "code_prefix": "BURGER"}, once=f"{once}-pool"
    )
    actions = [
        {"kind": "issue_coupon", "pool_id": pool["id"], "empty_text": "Sorry, all free burgers are gone."},
        {"kind": "reply", "text": scenes.COUPON_REPLY},
    ]
    return await make_keyword(burgers, number_id, "FREEBURGER", actions, once=once)


async def _make_cars(cars: ManagementApi, number_id: str, once: str) -> tuple[str, str, str]:
    endpoint = await cars.post("/webhook-endpoints", {"url": f"{_SEED_URL}/crm"}, once=f"{once}-endpoint")
    actions = [
        {"kind": "call_webhook", "endpoint_id": endpoint["id"]},
        {"kind": "reply", "text": scenes.CARS_REPLY},
    ]
    keyword_id = await make_keyword(cars, number_id, "USEDCARS", actions, once=once)
    return str(endpoint["id"]), str(endpoint["secret"]), keyword_id


async def _make_repairs(repairs: ManagementApi, number_id: str, once: str) -> str:
    second = [
        {"word": word, "actions": [{"kind": "reply", "text": text}]} for word, text in scenes.REPAIR_REPLIES.items()
    ]
    actions = [{"kind": "reply", "text": scenes.REPAIR_REPLY}]
    return await make_keyword(repairs, number_id, "REPARAR", actions, once=once, sub_keywords=second)


def _begin(state_file: Path) -> str:
    """The word that makes an interrupted set-up continue where it stopped."""
    begun = state_file.with_suffix(".begun")
    if begun.exists():
        return begun.read_text(encoding="ascii")
    install = secrets.token_hex(16)
    write_private(begun, install.encode())
    return install


def _read(state_file: Path) -> DemoWorld | None:
    if not state_file.exists():
        return None
    fields = orjson.loads(state_file.read_bytes())
    fields["connection"] = LabConnection(**fields["connection"])
    fields["tenants"] = {name: LabTenant(**tenant) for name, tenant in fields["tenants"].items()}
    return DemoWorld(**fields)


def write_private(file: Path, content: bytes) -> None:
    """Appears at once and complete; only its owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(content)
    unfinished.replace(file)
