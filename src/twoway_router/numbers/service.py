"""Connections and numbers. Called by ``api``; ``compile_connections`` by the ingress and the MT delivery. The caller commits."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from twoway_router.carriers.engine import CompiledConnection, ConnectionView, compile_connection
from twoway_router.carriers.errors import SpecError
from twoway_router.carriers.everywhere import read_base
from twoway_router.carriers.registry import CARRIERS, carrier_of
from twoway_router.domain.errors import Conflict, FieldError, NotFound, RouterError, Unprocessable
from twoway_router.domain.ids import ConnectionId, TenantId
from twoway_router.domain.messages import NumberKind, Sharing
from twoway_router.kit.sealing import SealBroken, Sealer
from twoway_router.numbers import queries
from twoway_router.numbers.rules import AddressTaken, overlaid, read_number, time_zones
from twoway_router.numbers.tables import Connections, Numbers
from twoway_router.store import Session, changes
from twoway_router.store.unique import is_flushed
from twoway_router.tenants.queries import find_sandbox, find_tenant
from twoway_router.web.etags import Expected

log = structlog.get_logger(__name__)


class ConnectionNameTaken(Conflict):
    """Another connection already has this name."""

    code = "connection_name_taken"


class NumberTaken(Conflict):
    """This country already has a number with this address."""

    code = "number_taken"


class NumberShared(Conflict):
    """A shared number belongs to nobody; only dedicated numbers are assigned."""

    code = "number_shared"


class NumberHasKeywords(Conflict):
    """Another tenant still holds keywords on this number. Release them first."""

    code = "number_has_keywords"


class SandboxBoundary(Conflict):
    """What is a sandbox's stays there: its connection is fixed, its numbers and tenant do not mix with live ones."""

    code = "sandbox_boundary"


class NumberIsLive(Conflict):
    """A test key works on its sandbox's numbers only. Make a copy of this one with `POST /v1/sandbox/numbers`."""

    code = "number_is_live"


class NumberIsSandbox(Conflict):
    """This number exists in the sandbox only. Use a test key (`twr_test_…`) for it, and a live number with a live key."""

    code = "number_is_sandbox"


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


async def create_number(session: Session, wanted: Numbers) -> Numbers:
    """Check and insert; ``wanted.address`` comes as the operator wrote it."""
    kind = NumberKind(wanted.kind)
    address = read_number(wanted.address, kind, wanted.country)
    if address is None:
        is_short = kind is NumberKind.SHORT_CODE
        raise _unacceptable(
            "address", "A short code has 3 to 8 digits." if is_short else "No phone number of this country."
        )
    if wanted.tenant_id is not None and wanted.sharing == Sharing.SHARED:
        raise _unacceptable("tenant_id", "A shared number belongs to nobody.")
    wanted.address = address
    _check_time_zone(wanted.time_zone)
    await _check_connection_fits(session, wanted)
    if wanted.tenant_id is not None and wanted.tenant_id != wanted.sandbox_id:
        await _check_tenant_exists(session, wanted.tenant_id)
    if not await queries.is_number_inserted(session, wanted):
        raise NumberTaken
    await changes.record(session, "number", wanted.id)
    return wanted


async def get_number(session: Session, number_id: UUID, *, usable_by: TenantId | None) -> Numbers:
    """Raises NotFound, also for another tenant's number. None is an operator and finds all."""
    found = await queries.find_number(session, number_id, usable_by=usable_by)
    if found is None:
        raise NotFound
    return found


async def explain_absence(session: Session, number_id: UUID, tenant_id: TenantId) -> RouterError | None:
    """Why a tenant cannot use a number: it is on the other side of its own sandbox. None when there is no more to say."""
    tenant = await find_tenant(session, tenant_id)
    if tenant is not None and tenant.sandbox_of is not None:
        live = await queries.find_number(session, number_id, usable_by=TenantId(tenant.sandbox_of))
        return NumberIsLive() if live else None
    sandbox = await find_sandbox(session, tenant_id)
    if sandbox is None:
        return None
    copy = await queries.find_number(session, number_id, usable_by=TenantId(sandbox.id))
    return NumberIsSandbox() if copy else None


async def update_number(
    session: Session, number_id: UUID, values: Mapping[str, Any], *, expected: Expected, now: datetime
) -> Numbers:
    """Change what is given; texts and options name by name."""
    number = await _locked(session, number_id, expected)
    for name in ("texts", "options"):
        if name in values:
            setattr(number, name, overlaid(getattr(number, name), values[name]))
    for name in ("languages", "time_zone", "connection_id", "state"):
        if name in values:
            setattr(number, name, values[name])
    _check_time_zone(number.time_zone)
    if "connection_id" in values:
        await _check_connection_fits(session, number)
    return await _saved(session, number, now)


async def assign_number(
    session: Session, number_id: UUID, tenant_id: UUID | None, *, expected: Expected, now: datetime
) -> Numbers:
    """Give a dedicated number to a tenant, or to nobody. Refused while anybody else holds keywords on it."""
    number = await _locked(session, number_id, expected)
    if number.sharing == Sharing.SHARED:
        raise NumberShared
    if number.sandbox_id is not None:
        raise SandboxBoundary
    if tenant_id is not None:
        await _check_tenant_exists(session, tenant_id)
    if await queries.has_others_keywords(session, number.id, tenant_id):
        raise NumberHasKeywords
    number.tenant_id = tenant_id
    return await _saved(session, number, now)


async def _locked(session: Session, number_id: UUID, expected: Expected) -> Numbers:
    number = await queries.find_number(session, number_id, usable_by=None, lock=True)
    if number is None:
        raise NotFound
    expected.check(number.revision)
    return number


async def _saved(session: Session, number: Numbers, now: datetime) -> Numbers:
    number.revision += 1
    number.updated_at = now
    if not await is_flushed(session):
        raise AddressTaken
    await changes.record(session, "number", number.id)
    return number


def _check_connection(row: Connections, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
    """By the carrier's spec, then by really compiling it: what is saved works."""
    spec = CARRIERS.get(row.carrier)
    if spec is None:
        raise _unacceptable("carrier", f"There is no such carrier. Known: {', '.join(sorted(CARRIERS))}.")
    if errors := spec.check_settings(settings, secrets):
        raise Unprocessable(errors=errors)
    try:
        compile_connection(spec, _view(row, settings, secrets, "https://example"))
    except SpecError as error:
        raise _unacceptable("settings", f"{error.path}: {error.detail}") from None


def _view(row: Connections, settings: Mapping[str, Any], secrets: Mapping[str, str], public_url: str) -> ConnectionView:
    return ConnectionView(
        connection_id=ConnectionId(row.id),
        carrier=row.carrier,
        country=row.country,
        settings=settings,
        secrets=secrets,
        public_url=inbound_url(public_url, row),
    )


def _check_time_zone(name: str) -> None:
    if name not in time_zones():
        raise _unacceptable("time_zone", "There is no such time zone in the IANA database.")


async def _check_connection_fits(session: Session, number: Numbers) -> None:
    connection = await queries.find_connection(session, number.connection_id)
    if connection is None:
        raise _unacceptable("connection_id", "There is no such connection.")
    if connection.sandbox_id != number.sandbox_id:
        raise SandboxBoundary
    if await queries.has_namesake(session, number):
        raise AddressTaken


async def _check_tenant_exists(session: Session, tenant_id: UUID) -> None:
    tenant = await find_tenant(session, tenant_id)
    if tenant is None:
        raise _unacceptable("tenant_id", "There is no such tenant.")
    if tenant.sandbox_of is not None:
        raise SandboxBoundary


def _unacceptable(field: str, detail: str) -> Unprocessable:
    return Unprocessable(errors=[FieldError(pointer=f"/{field}", detail=detail)])
