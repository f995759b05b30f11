"""A stage for sandboxes: the API with its way into the message path, an executor with the simulated carrier, no network."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from tests.api.conftest import Caller, a_caller
from tests.cast import PUBLIC_URL, SEALER, SHARED
from tests.flow.doubles import a_listener
from tests.support.scene import Scene, set_scene
from twoway_router.carriers.registry import SANDBOX
from twoway_router.domain.ids import TenantId
from twoway_router.executor.connections import ConnectionBook
from twoway_router.keywords.follower import RoutingCache
from twoway_router.management.app import Sandboxes, create_app
from twoway_router.mts.delivery import Limits, SmsDelivery
from twoway_router.outbound.sms import HttpSender, SenderByCarrier
from twoway_router.processes.sandbox import SandboxDoor
from twoway_router.sandbox.delivery import SandboxCarrier
from twoway_router.store.engine import make_engine
from twoway_router.store.follower import ChangeFollower
from twoway_router.webhooks.listener import tell_endpoints

COPY = {"country": "IT", "address": SHARED}
"""The sandbox's number: the address of the live one."""

REPLY = {"kind": "reply", "text": "Ecco {{ message.rest }}"}


@dataclass(kw_only=True)
class Playground:
    """Two tenants' sandboxes beside live traffic. ``scene.http`` is the way out to real carriers."""

    scene: Scene
    carrier: SandboxCarrier
    sms: SmsDelivery
    operator: Caller
    live: Caller
    tester: Caller
    other: Caller
    numbers: dict[str, str] = field(default_factory=dict)

    async def add_number(self, caller: Caller, **wish: Any) -> str:
        """A number of the caller's sandbox; its id."""
        made = await caller.post("/v1/sandbox/numbers", COPY | wish)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def add_keyword(self, caller: Caller, number_id: str, word: str = "PIZZA", *actions: object) -> str:
        """A keyword that answers; its id."""
        wish = {"number_id": number_id, "word": word, "actions": actions or (REPLY,)}
        made = await caller.post("/v1/keywords", wish)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def write(self, caller: Caller, text: str, sender: str = "+447700900001", **more: Any) -> httpx.Response:
        """A handset of a sandbox writes to the copied number."""
        wish = {"country": "IT", "number": SHARED, "sender": sender, "text": text}
        return await caller.post("/v1/sandbox/inbound-messages", wish | more)

    async def work(self, seconds: float = 60) -> None:
        """Let the executor work for a while of the scene's clock."""
        for _ in range(round(seconds / 2)):
            await self.scene.runner().run(await self.scene.take_jobs("message.run"))
            await self.sms.deliver(await self.scene.take_jobs("sms.deliver"))
            await self.sms.drain()
            await self.carrier.deliver(await self.scene.take_jobs("sandbox.report"))
            self.scene.clock.advance(seconds=2)

    async def sent(self, caller: Caller) -> Sequence[dict[str, Any]]:
        """The MTs that a caller sees, newest first."""
        shown: Sequence[dict[str, Any]] = (await caller.get("/v1/outbound-messages")).json()["data"]
        return shown


@asynccontextmanager
async def playing(url: str, *, settings: Mapping[str, Any] | None = None) -> AsyncIterator[Playground]:
    """The pizzeria with a live and a test key, the gym with a test key. ``settings`` are the live connection's."""
    engine = make_engine(url, pool_size=8)
    scene = await set_scene(engine, settings=settings)
    routing = RoutingCache()
    follower = ChangeFollower(engine, a_listener(url), (routing,), poll=timedelta(seconds=1))
    await follower.load()
    door = SandboxDoor(engine, routing, follower, clock=scene.clock, room=4)
    app = create_app(
        engine=engine,
        sealer=SEALER,
        routing_table=lambda: routing.table,
        public_url=PUBLIC_URL,
        clock=scene.clock,
        sandboxes=Sandboxes(door=door),
    )
    carrier = SandboxCarrier(engine, clock=scene.clock, tell=tell_endpoints)
    sender = SenderByCarrier(HttpSender(scene.http), {SANDBOX: carrier})
    limits = Limits(lease=timedelta(seconds=60), timeout=timedelta(seconds=20), receipt_wait=timedelta(seconds=120))
    book = ConnectionBook(SEALER, PUBLIC_URL)
    sms = SmsDelivery(engine, sender, book, limits=limits, clock=scene.clock, tell=tell_endpoints, chance=lambda: 0.5)

    async def a_user(tenant_id: TenantId | None, mode: str = "live") -> Caller:
        return await a_caller(app, engine, tenant_id, mode=mode, expires_at=None)

    yield Playground(
        scene=scene,
        carrier=carrier,
        sms=sms,
        operator=await a_user(None),
        live=await a_user(scene.pizzeria),
        tester=await a_user(scene.pizzeria, "test"),
        other=await a_user(scene.gym, "test"),
    )
    await door.drain()
    await engine.dispose()
