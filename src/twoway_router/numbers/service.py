"""Numbers: made, changed, given to tenants. Called by ``api``; the caller commits. Connections: ``connection_service``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from twoway_router.domain.errors import Conflict, NotFound, RouterError
from twoway_router.domain.ids import TenantId
from twoway_router.domain.messages import NumberKind, Sharing
from twoway_router.numbers import queries
from twoway_router.numbers.rules import (
    AddressTaken,
    Claims,
    SandboxBoundary,
    keyword_limit,
    overlaid,
    read_number,
    time_zones,
    unacceptable,
)
from twoway_router.numbers.tables import Numbers
from twoway_router.store import Session, changes
from twoway_router.store.unique import is_flushed
from twoway_router.tenants.service import find_sandbox, find_tenant, list_named
from twoway_router.web.etags import Expected

# What other packages may ask of these tables.
RoutedNumber = queries.RoutedNumber
find_number = queries.find_number
find_number_by_address = queries.find_number_by_address
find_sandbox_connection = queries.find_sandbox_connection
insert_requests = queries.insert_requests
is_connection_inserted = queries.is_connection_inserted
is_visible_to = queries.is_visible_to
list_idle_terms = queries.list_idle_terms
list_of_runs = queries.list_of_runs
list_routed_numbers = queries.list_routed_numbers
list_usable = queries.list_usable


class NumberTaken(Conflict):
    """This country already has a number with this address."""

    code = "number_taken"


class NumberShared(Conflict):
    """A shared number belongs to nobody; only dedicated numbers are assigned."""

    code = "number_shared"


class NumberHasKeywords(Conflict):
    """Another tenant still holds keywords on this number. Release them first."""

    code = "number_has_keywords"


class NumberIsLive(Conflict):
    """A test key works on its sandbox's numbers only. Make a copy of this one with `POST /v1/sandbox/numbers`."""

    code = "number_is_live"


class NumberIsSandbox(Conflict):
    """This number exists in the sandbox only. Use a test key (`twr_test_…`) for it, and a live number with a live key."""

    code = "number_is_sandbox"


async def create_number(session: Session, wanted: Numbers) -> Numbers:
    """Check and insert; ``wanted.address`` comes as the operator wrote it."""
    kind = NumberKind(wanted.kind)
    address = read_number(wanted.address, kind, wanted.country)
    if address is None:
        is_short = kind is NumberKind.SHORT_CODE
        raise unacceptable(
            "address", "A short code has 3 to 8 digits." if is_short else "No phone number of this country."
        )
    if wanted.tenant_id is not None and wanted.sharing == Sharing.SHARED:
        raise unacceptable("tenant_id", "A shared number belongs to nobody.")
    wanted.address = address
    _check_time_zone(wanted.time_zone)
    await _check_tenants_of_options(session, wanted)
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


async def list_claims(session: Session, numbers: Sequence[Numbers], tenant_id: UUID) -> Mapping[UUID, Claims]:
    """What a tenant may claim on numbers, by their ids. Exact as long as a number is locked: claims then wait."""
    held = await queries.count_keywords(session, [number.id for number in numbers], tenant_id)
    return {
        number.id: Claims(
            is_allowed=is_open_to(number, tenant_id),
            limit=keyword_limit(number.options, tenant_id),
            used=held.get(number.id, 0),
        )
        for number in numbers
    }


def is_open_to(number: Numbers, tenant_id: UUID) -> bool:
    """Whether a tenant that may use the number may claim on it. A copy in a sandbox has the list of the live number."""
    claimants = number.options.get("claimants")
    return not claimants or number.sharing != Sharing.SHARED or bool(number.sandbox_id) or str(tenant_id) in claimants


async def explain_absence(session: Session, number_id: UUID, tenant_id: TenantId) -> RouterError | None:
    """Why a tenant cannot use a number: it exists only in the sandbox, or only outside it. None for another reason."""
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
    if "options" in values:
        await _check_tenants_of_options(session, number)
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


def _check_time_zone(name: str) -> None:
    if name not in time_zones():
        raise unacceptable("time_zone", "There is no such time zone in the IANA database.")


async def _check_connection_fits(session: Session, number: Numbers) -> None:
    connection = await queries.find_connection(session, number.connection_id)
    if connection is None:
        raise unacceptable("connection_id", "There is no such connection.")
    if connection.sandbox_id != number.sandbox_id:
        raise SandboxBoundary
    if await queries.has_namesake(session, number):
        raise AddressTaken


async def _check_tenants_of_options(session: Session, number: Numbers) -> None:
    for name in ("claimants", "keyword_limits"):
        named = {UUID(str(tenant_id)) for tenant_id in number.options.get(name, ())}
        if named - set(await list_named(session, named)):
            raise unacceptable(f"options/{name}", "There is no such tenant.")


async def _check_tenant_exists(session: Session, tenant_id: UUID) -> None:
    tenant = await find_tenant(session, tenant_id)
    if tenant is None:
        raise unacceptable("tenant_id", "There is no such tenant.")
    if tenant.sandbox_of is not None:
        raise SandboxBoundary
