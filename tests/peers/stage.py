"""A real Kannel between simulated handsets and the whole router, a process of its own on a real PostgreSQL."""

import asyncio
import os
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from tests.cast import GYM, PIZZERIA, SHARED
from tests.peers.smsc import Fate, Smsc
from tests.support.kannel import Kannel
from tests.support.keys import make_operator_key
from tests.support.ports import free_ports
from tests.support.system import PROGRAM, Program
from tests.support.waiting import wait_until
from twoway_router.lab.api import ManagementApi
from twoway_router.lab.setup import LabTenant, make_keyword, make_number, make_tenant
from twoway_router.store import Engine, System, transaction
from twoway_router.store.engine import make_engine

HOST: Final = "127.0.0.1"
KEY: Final = "carrier-key"
USER: Final = "router"
PASSWORD: Final = "send-word"
CREDENTIALS: Final = {"key": KEY, "username": USER, "password": PASSWORD}
WAIT_SECONDS: Final = 200.0
GOODBYE: Final = "Non ti scriviamo più."
WORDS: Final = {PIZZERIA: "PIZZA", GYM: "PALESTRA"}


class Router:
    """``twoway-router run``, stopped and started by tests."""

    def __init__(self, program: Program, ready_url: str) -> None:
        self._program = program
        self._ready_url = ready_url

    async def start(self) -> None:
        """Returns when it is ready."""
        await asyncio.to_thread(self._program.start)
        await asyncio.to_thread(wait_until, self._is_ready, what="the router is ready", seconds=WAIT_SECONDS)

    async def stop(self) -> None:
        await asyncio.to_thread(self._program.stop)

    def tail(self) -> str:
        return self._program.tail()

    def _is_ready(self) -> bool:
        assert self._program.is_running, self.tail()
        try:
            with urllib.request.urlopen(self._ready_url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Who plays. ``tenants`` by name."""

    smsc: Smsc
    kannel: Kannel
    router: Router
    engine: Engine
    tenants: Mapping[str, LabTenant]

    async def rows(self, query: str, **values: object) -> Sequence[Any]:
        async with transaction(self.engine, System("test")) as session:
            return (await session.execute(text(query), values)).all()

    async def until(self, condition: Callable[[], Awaitable[bool]], *, what: str) -> None:
        """Wait for a condition; when it does not come, say what everybody has to say."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not await condition():  # noqa: ASYNC110 (the condition is in other processes)
                    await asyncio.sleep(0.1)
        except TimeoutError:
            told = (self.kannel.status(), self.kannel.tail(), self.router.tail())
            raise AssertionError("\n".join((f"not within {WAIT_SECONDS:g} s: {what}", *told))) from None

    async def is_settled(self, mts: int) -> bool:
        """Whether there are so many MTs, each with its last state, and no MO waits."""
        [row] = await self.rows(
            "SELECT (SELECT count(*) FROM inbound_messages WHERE state = 'accepted') AS open_mos, count(*) AS mts, "
            "count(*) FILTER (WHERE state IN ('confirmed', 'failed', 'suppressed')) AS settled FROM outbound_messages"
        )
        return bool(row.open_mos == 0 and row.mts == row.settled == mts)


@asynccontextmanager
async def open_stage(
    database_url: str, folder: Path, *, fates: Mapping[str, Fate] | None = None, core: str = "", way: str = "get-url"
) -> AsyncIterator[Stage]:
    """Everybody is up and connected, two tenants have a keyword each on the shared short code."""
    ingress_port, api_port, ops_port, send_port = free_ports(4)
    ingress_url, api_url = f"http://{HOST}:{ingress_port}", f"http://{HOST}:{api_port}"
    settings = {
        "TWOWAY_DATABASE_URL": database_url,
        "TWOWAY_SECRET_KEY": b64encode(bytes(32)).decode(),
        "TWOWAY_STATE_FOLDER": str(folder / "state"),
        "TWOWAY_INGRESS_PORT": str(ingress_port),
        "TWOWAY_API_PORT": str(api_port),
        "TWOWAY_OPS_PORT": str(ops_port),
        "TWOWAY_PUBLIC_URL": ingress_url,
    }
    environment = _without_settings() | settings
    program = Program("router", (PROGRAM, "run", "--no-demo"), environment, folder / "router.log")
    router = Router(program, f"http://{HOST}:{ops_port}/readyz")
    engine = make_engine(database_url)
    try:
        await router.start()
        operator_key = await make_operator_key(engine, "peers")
        connection_id, tenants = await _set_up(api_url, operator_key, send_port)
        await router.stop()  # so that it knows the keywords from its start on
        await router.start()
        words = {"ingress": ingress_url, "connection id": connection_id, **CREDENTIALS}
        async with Smsc(fates=fates or {}) as smsc:
            kannel = Kannel(smsc_port=smsc.port, send_port=send_port, words=words, core=core, way=way)
            await asyncio.to_thread(kannel.start)
            try:
                yield Stage(smsc=smsc, kannel=kannel, router=router, engine=engine, tenants=tenants)
            finally:
                await asyncio.to_thread(kannel.close)
    finally:
        await router.stop()
        await engine.dispose()


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TWOWAY_")}


async def _set_up(api_url: str, operator_key: str, send_port: int) -> tuple[str, dict[str, LabTenant]]:
    """By the management API, as an operator and two tenants would; the connection's id and the tenants by name."""
    async with ManagementApi(api_url, operator_key) as operator:
        connection = await operator.post(
            "/connections",
            {
                "name": "Kannel",
                "carrier": "kannel",
                "country": "IT",
                "settings": {"username": USER, "send_url": f"http://{HOST}:{send_port}/cgi-bin/sendsms"},
                "secrets": {"key": KEY, "password": PASSWORD},
            },
        )
        number = {
            "country": "IT",
            "address": SHARED,
            "kind": "short_code",
            "sharing": "shared",
            "connection_id": connection["id"],
            "languages": ["it"],
            "time_zone": "Europe/Rome",
            "texts": {"opt_out": GOODBYE},
        }
        number_id = await make_number(operator, number, once="peers")
        tenants = {name: await make_tenant(operator, name, once="peers") for name in WORDS}
    for name, tenant in tenants.items():
        async with ManagementApi(api_url, tenant.key) as api:
            reply = {"kind": "reply", "text": f"{name}: {{{{ message.rest }}}}"}
            await make_keyword(api, number_id, WORDS[name], [reply], once="peers")
    return connection["id"], tenants
