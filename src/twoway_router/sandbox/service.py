"""Numbers of a sandbox and the MOs that its tenant makes up. Called by ``api``; the caller commits."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from twoway_router.carriers.registry import SANDBOX
from twoway_router.domain.errors import Conflict, NotFound, RouterError
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.domain.messages import Sharing
from twoway_router.numbers import service as numbers
from twoway_router.numbers.connection_service import ConnectionNameTaken
from twoway_router.numbers.service import (
    find_number,
    find_number_by_address,
    find_sandbox_connection,
    is_connection_inserted,
)
from twoway_router.numbers.tables import Connections, Numbers
from twoway_router.sandbox import queries
from twoway_router.sandbox.rules import MOST_NUMBERS
from twoway_router.store import Session
from twoway_router.store.sealing import Sealer
from twoway_router.tenants.service import find_tenant
from twoway_router.web.etags import Expected

SENDS_PER_SECOND: Final = "10"
"""How many MTs one sandbox hands over; the rest waits."""

_COPIED: Final = ("country", "address", "kind", "sharing", "languages", "time_zone", "texts", "options")


class TooManySandboxNumbers(Conflict):
    """A sandbox has at most ten numbers."""

    code = "too_many_sandbox_numbers"


async def add_number(session: Session, sealer: Sealer, sandbox_id: TenantId, wanted: Numbers, now: datetime) -> Numbers:
    """A number for this sandbox alone, at the simulated carrier. Its address may be a live number's."""
    if await find_tenant(session, sandbox_id, lock=True) is None:
        raise NotFound
    if await queries.count_numbers(session, sandbox_id) >= MOST_NUMBERS:
        raise TooManySandboxNumbers
    connection = await find_sandbox_connection(session, sandbox_id) or await _connect(session, sealer, sandbox_id, now)
    wanted.connection_id = connection.id
    wanted.sandbox_id = sandbox_id
    wanted.tenant_id = sandbox_id if wanted.sharing == Sharing.DEDICATED else None
    return await numbers.create_number(session, wanted)


async def change_number(
    session: Session,
    sandbox_id: TenantId,
    number_id: UUID,
    values: Mapping[str, Any],
    *,
    expected: Expected,
    now: datetime,
) -> Numbers:
    """Change what is given of the sandbox's own number, as an operator changes a live one."""
    await get_number(session, sandbox_id, number_id=number_id)
    return await numbers.update_number(session, number_id, values, expected=expected, now=now)


async def copy_of(session: Session, sandbox_id: TenantId, number_id: UUID, now: datetime) -> Numbers:
    """A live number that the sandbox's tenant may use, as it would be in the sandbox. Raises NotFound."""
    sandbox = await find_tenant(session, sandbox_id)
    if sandbox is None or sandbox.sandbox_of is None:
        raise NotFound
    live = await find_number(session, number_id, usable_by=TenantId(sandbox.sandbox_of))
    if live is None:
        raise NotFound
    copied = {name: getattr(live, name) for name in _COPIED}
    return Numbers(id=new_id(), **copied, state="active", revision=1, created_at=now, updated_at=now)


async def get_number(
    session: Session, sandbox_id: TenantId, *, number_id: UUID | None, country: str = "", address: str = ""
) -> Numbers:
    """A number of the sandbox by its id, or by country and stored address."""
    if number_id is None:
        found = await find_number_by_address(session, country, address, usable_by=sandbox_id)
        problem: RouterError | None = None
    else:
        found = await find_number(session, number_id, usable_by=sandbox_id)
        problem = None if found else await numbers.explain_absence(session, number_id, sandbox_id)
    if found is None:
        raise problem or NotFound()
    return found


async def _connect(session: Session, sealer: Sealer, sandbox_id: TenantId, now: datetime) -> Connections:
    """The sandbox's connection. Its key is random and never shown: MOs come by the API only."""
    connection = Connections(
        id=new_id(),
        name=f"Sandbox {sandbox_id}",
        carrier=SANDBOX,
        settings={"sends_per_second": SENDS_PER_SECOND},
        secrets=sealer.seal({"key": secrets.token_hex(32)}),
        sandbox_id=sandbox_id,
        state="active",
        revision=1,
        created_at=now,
        updated_at=now,
    )
    if not await is_connection_inserted(session, connection):
        raise ConnectionNameTaken
    return connection
