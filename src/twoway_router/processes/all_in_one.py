"""``twoway-router run``: every role in one process, on an embedded database unless the settings name one."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twoway_router.config import Settings
from twoway_router.domain.clock import utc_now
from twoway_router.processes.roles import ROLES
from twoway_router.processes.shared import Shared, make_process, prepare, transport_part
from twoway_router.store import System, transaction
from twoway_router.tenants.rules import KeyWish
from twoway_router.tenants.service import create_key, find_key_by_kid


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
    ports = {part.name: server.port for part in parts for server in part.servers}

    async def describe() -> None:
        host = settings.listen_host
        running = Running(
            ingress_url=f"http://{host}:{ports['ingress']}",
            api_url=f"http://{host}:{ports['api']}",
            ops_url=f"http://{host}:{process.ops.port}",
            operator_key=await _operator_key(shared),
            stop=process.stop,
            stopped=shared.lifecycle.stop,
        )
        await when_up(running)

    await process.run(describe)


async def _operator_key(shared: Shared) -> str:
    """The key of earlier runs on this database, else a new one, kept in the state folder for its owner only."""
    file = shared.settings.state_folder / "operator.key"
    async with transaction(shared.engine, System("start")) as session:
        kept = file.read_text(encoding="ascii") if file.exists() else ""
        if kept and await find_key_by_kid(session, kept.split("_")[2]):
            return kept
        wish = KeyWish(tenant_id=None, name="twoway-router run", mode="live", scopes=("*",), expires_at=None)
        token = (await create_key(session, wish, now=utc_now())).token
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as handle:
        handle.write(token)
    return token
