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
from twoway_router.lab.demo import messages
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
"""Until ``seed`` has the real ones: what is created must be the same when an interrupted set-up is repeated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoSetup:
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


async def seed(at: Addresses, operator_key: str, state_file: Path) -> DemoSetup:
    """Find the demo's set-up, or make it. Everyone may have moved since the last run."""
    kept = _read(state_file)
    async with ManagementApi(at.api_url, operator_key) as operator:
        if kept is None or not await _is_there(operator, kept):
            kept = await _make(operator, at, _begin(state_file))
        settings = connection_settings(at.carrier_url, Capability.IDEMPOTENT)
        await operator.patch(f"/connections/{kept.connection.id}", {"settings": settings})
    async with ManagementApi(at.api_url, kept.tenants[messages.CARS].key) as cars:
        await cars.patch(f"/webhook-endpoints/{kept.endpoint_id}", {"url": f"{at.sink_url}/crm"})
    setup = replace(kept, run=kept.run + 1, connection=kept.connection.listening_at(at.ingress_url))
    write_private(state_file, orjson.dumps(asdict(setup)))
    return setup


async def _is_there(operator: ManagementApi, setup: DemoSetup) -> bool:
    """Whether the file is of this database."""
    try:
        await operator.get(f"/connections/{setup.connection.id}")
    except ApiRefusal as error:
        if error.status == 404:
            return False
        raise
    return True


async def _make(operator: ManagementApi, at: Addresses, install: str) -> DemoSetup:
    """A connection, two numbers, three tenants, and one keyword per tenant."""
    once = f"demo-{install}"
    key = hashlib.sha256(f"{install} carrier".encode()).hexdigest()[:32]
    connection = await make_connection(
        operator, carrier_url=_SEED_URL, key=key, once=once, name="Demo carrier", country=messages.COUNTRY
    )
    names = (messages.BURGERS, messages.CARS, messages.REPAIRS)
    tenants = {name: await make_tenant(operator, name, once=once) for name in names}
    number = {"country": messages.COUNTRY, "connection_id": connection.id}
    short_code: dict[str, Any] = {
        "address": messages.SHORT_CODE,
        "kind": "short_code",
        "sharing": "shared",
        "languages": ["en"],
    }
    short_code |= {"time_zone": "Europe/London", "texts": {"courtesy": messages.COURTESY_REPLY}}
    shared = await make_number(operator, {**number, **short_code}, once=once)
    long_number: dict[str, Any] = {"address": messages.LONG_NUMBER, "kind": "long_code", "sharing": "dedicated"}
    long_number |= {"tenant_id": tenants[messages.REPAIRS].id, "languages": ["es", "en"], "time_zone": "Europe/Madrid"}
    long = await make_number(operator, {**number, **long_number}, once=once)
    async with ManagementApi(at.api_url, tenants[messages.BURGERS].key) as burgers:
        pool = {"name": "Free burger", "source": "generated", "code_prefix": "BURGER"}
        pool_id = (await burgers.post("/coupon-pools", pool, once=f"{once}-pool"))["id"]
        coupon = {"kind": "issue_coupon", "pool_id": pool_id, "empty_text": "Sorry, all free burgers are gone."}
        actions = [coupon, {"kind": "reply", "text": messages.COUPON_REPLY}]
        free_burger = await make_keyword(burgers, shared, "FREEBURGER", actions, once=once)
    async with ManagementApi(at.api_url, tenants[messages.REPAIRS].key) as repairs:
        second = [
            {"word": word, "actions": [{"kind": "reply", "text": text}]}
            for word, text in messages.REPAIR_REPLIES.items()
        ]
        actions = [{"kind": "reply", "text": messages.REPAIR_REPLY}]
        repair = await make_keyword(repairs, long, "REPARAR", actions, once=once, sub_keywords=second)
    async with ManagementApi(at.api_url, tenants[messages.CARS].key) as cars:
        endpoint = await cars.post("/webhook-endpoints", {"url": f"{_SEED_URL}/crm"}, once=f"{once}-endpoint")
        webhook = {"kind": "call_webhook", "endpoint_id": endpoint["id"]}
        actions = [webhook, {"kind": "reply", "text": messages.CARS_REPLY}]
        used_cars = await make_keyword(cars, shared, "USEDCARS", actions, once=once)
    return DemoSetup(
        run=0,
        install=install,
        connection=connection,
        tenants=tenants,
        shared_number_id=shared,
        long_number_id=long,
        keywords={free_burger: "FREEBURGER", repair: "REPARAR", used_cars: "USEDCARS"},
        endpoint_id=str(endpoint["id"]),
        webhook_secret=str(endpoint["secret"]),
    )


def _begin(state_file: Path) -> str:
    """The word that makes an interrupted set-up continue where it stopped."""
    begun = state_file.with_suffix(".begun")
    if begun.exists():
        return begun.read_text(encoding="ascii")
    install = secrets.token_hex(16)
    write_private(begun, install.encode())
    return install


def _read(state_file: Path) -> DemoSetup | None:
    if not state_file.exists():
        return None
    fields = orjson.loads(state_file.read_bytes())
    fields["connection"] = LabConnection(**fields["connection"])
    fields["tenants"] = {name: LabTenant(**tenant) for name, tenant in fields["tenants"].items()}
    return DemoSetup(**fields)


def write_private(file: Path, content: bytes) -> None:
    """Appears at once and complete; only its owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(content)
    unfinished.replace(file)
