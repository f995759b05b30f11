"""Connections: made, changed, compiled for traffic. Called by ``api``, which commits; ``compile_connections`` by caches.

The caches are the ingress's and the MT delivery's. What is saved has been compiled once, so it works.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from twoway_router.carriers.common_settings import read_base
from twoway_router.carriers.engine import CompiledConnection, ConnectionView, compile_connection
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.registry import CARRIERS, carrier_of
from twoway_router.domain.errors import Conflict, NotFound, Unprocessable
from twoway_router.domain.ids import ConnectionId
from twoway_router.numbers import queries
from twoway_router.numbers.rules import SandboxBoundary, overlaid, unacceptable
from twoway_router.numbers.tables import Connections
from twoway_router.store import Session, changes
from twoway_router.store.sealing import SealBroken, Sealer
from twoway_router.store.unique import is_flushed
from twoway_router.web.etags import Expected

log = structlog.get_logger(__name__)


class ConnectionNameTaken(Conflict):
    """Another connection already has this name."""

    code = "connection_name_taken"


async def create_connection(
    session: Session, sealer: Sealer, wanted: Connections, secrets: Mapping[str, Any]
) -> Connections:
    """Check against the carrier's spec, seal, insert."""
    _check_connection(wanted, wanted.settings, secrets)
    wanted.secrets = sealer.seal(secrets)
    if not await queries.is_connection_inserted(session, wanted):
        raise ConnectionNameTaken
    await changes.record(session, "connection", wanted.id)
    return wanted


async def get_connection(session: Session, connection_id: UUID) -> Connections:
    """Raises NotFound."""
    found = await queries.find_connection(session, connection_id)
    if found is None:
        raise NotFound
    return found


async def update_connection(
    session: Session,
    sealer: Sealer,
    connection_id: UUID,
    values: Mapping[str, Any],
    *,
    expected: Expected,
    now: datetime,
) -> Connections:
    """Change what is given; settings and secrets name by name. What was sealed with an old key is sealed anew."""
    connection = await queries.find_connection(session, connection_id, lock=True)
    if connection is None:
        raise NotFound
    if connection.sandbox_id is not None:
        raise SandboxBoundary
    expected.check(connection.revision)
    plain = dict(values)
    settings = overlaid(connection.settings, plain.pop("settings", {}))
    secrets = overlaid(open_secrets(sealer, connection), plain.pop("secrets", {}))
    _check_connection(connection, settings, secrets)
    connection.settings = settings
    connection.secrets = sealer.seal(secrets)
    for name, value in plain.items():
        setattr(connection, name, value)
    connection.revision += 1
    connection.updated_at = now
    if not await is_flushed(session):
        raise ConnectionNameTaken
    await changes.record(session, "connection", connection.id)
    return connection


async def count_resting(session: Session, now: datetime) -> Mapping[str, int]:
    """How many connections rest, by reason: ``account`` or ``throttled``."""
    return await queries.count_rests(session, now)


def open_secrets(sealer: Sealer, connection: Connections) -> dict[str, str]:
    """A connection's secrets by name; raises SealBroken."""
    return {name: str(value) for name, value in sealer.open(connection.secrets).items()}


def inbound_url(public_url: str, connection: Connections) -> str:
    """Where a connection's carrier reaches us; ``/mo`` and ``/dlr`` follow."""
    return f"{read_base(connection.settings) or public_url}/in/{connection.carrier}/{connection.id}"


async def compile_connections(
    session: Session,
    sealer: Sealer,
    public_url: str,
    ids: Collection[UUID] | None = None,
    *,
    certificates: Mapping[str, str] | None = None,
    with_sandboxes: bool = True,
) -> dict[ConnectionId, CompiledConnection]:
    """Every active connection, or those among ``ids``, ready for traffic. One that cannot work is left out and logged."""
    compiled: dict[ConnectionId, CompiledConnection] = {}
    for row in await queries.list_active_connections(session, ids, with_sandboxes=with_sandboxes):
        try:
            view = _view(row, row.settings, open_secrets(sealer, row), public_url)
            view = replace(view, certificates={} if certificates is None else certificates)  # shared, and filled later
            compiled[ConnectionId(row.id)] = compile_connection(carrier_of(row.carrier), view)
        except (SealBroken, SpecError, KeyError) as error:
            why = f"{type(error).__name__}: {error}"
            log.error("connection.unusable", connection_id=str(row.id), carrier=row.carrier, error=why)
    return compiled


def _check_connection(row: Connections, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """By the carrier's spec, then by really compiling it: what is saved works."""
    spec = CARRIERS.get(row.carrier)
    if spec is None:
        raise unacceptable("carrier", f"There is no such carrier. Known: {', '.join(sorted(CARRIERS))}.")
    if errors := spec.check_settings(settings, secrets):
        raise Unprocessable(errors=errors)
    try:
        compile_connection(spec, _view(row, settings, secrets, "https://example"))
    except SpecError as error:
        raise unacceptable("settings", f"{error.path}: {error.detail}") from None


def _view(row: Connections, settings: Mapping[str, Any], secrets: Mapping[str, str], public_url: str) -> ConnectionView:
    return ConnectionView(
        connection_id=ConnectionId(row.id),
        carrier=row.carrier,
        country=row.country,
        settings=settings,
        secrets=secrets,
        public_url=inbound_url(public_url, row),
    )
