"""``twoway-router run``: every role in one process, on an embedded database unless the settings name one."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from twoway_router.config import Settings
from twoway_router.domain.clock import utc_now
from twoway_router.processes.frame import Process
from twoway_router.processes.roles import ROLES
from twoway_router.processes.shared import Shared, make_process, prepare, transport_part
from twoway_router.store import System, transaction
from twoway_router.tenants.queries import find_key_by_kid
from twoway_router.tenants.rules import KeyWish
from twoway_router.tenants.service import create_key
from twoway_router.web.server import HttpServer


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """Where a running router listens. ``stop`` ends it, ``stopped`` is set when it begins to end."""

    ingress_url: str
    api_url: str
    ops_url: str
    operator_key: str
    stop: Callable[[], None]
    stopped: asyncio.Event


async def run_everything(settings: Settings, database_url: str, when_up: Callable[[Running], Awaitable[None]]) -> None:
    """Serve all roles until a signal or ``Running.stop``; ``when_up`` is called once everything listens."""
    shared = prepare(settings, database_url, "run")
    parts = [part for role in ROLES.values() for part in role(shared)]
    process = make_process(shared, [transport_part(shared), *parts])
    servers = {part.name: server for part in parts for server in part.servers}

    async def tell() -> None:
        await when_up(await _describe(shared, process, servers))

    await process.run(tell)


async def _describe(shared: Shared, process: Process, servers: dict[str, HttpServer]) -> Running:
    host = shared.settings.listen_host
    return Running(
        ingress_url=f"http://{host}:{servers['ingress'].port}",
        api_url=f"http://{host}:{servers['api'].port}",
        ops_url=f"http://{host}:{process.ops.port}",
        operator_key=await _operator_key(shared),
        stop=process.stop,
        stopped=shared.lifecycle.stop,
    )


async def _operator_key(shared: Shared) -> str:
    """The key of earlier runs on this database, else a new one, kept in the state folder for its owner only."""
    file = shared.settings.state_folder / "operator.key"
    async with transaction(shared.engine, System("start")) as session:
        kept = file.read_text(encoding="ascii") if file.exists() else ""
        if kept and await find_key_by_kid(session, kept.split("_")[2]):
            return kept
        wish = KeyWish(tenant_id=None, name="twoway-router run", mode="live", scopes=("*",), expires_at=None)
        token = (await create_key(session, wish, now=utc_now())).token
    _write_private(file, token)
    return token


def _write_private(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as handle:
        handle.write(content)
