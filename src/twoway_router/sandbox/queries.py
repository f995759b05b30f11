"""SQL of sandboxes. Called by ``service`` and ``delivery``."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from twoway_router.domain.ids import TenantId
from twoway_router.inbound.tables import InboundMessages
from twoway_router.mts.tables import OutboundMessages
from twoway_router.numbers.tables import Connections, Numbers
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxMt:
    """An MT as the simulated carrier knows it. ``attempt`` counts the tries to hand it over."""

    id: UUID
    connection_id: UUID
    recipient: str
    attempt: int


async def list_mts(session: Session, ids: Collection[UUID]) -> Sequence[SandboxMt]:
    """Those of these MTs that a sandbox sends; live ones are left out."""
    table = OutboundMessages
    wanted = (
        select(table.id, table.connection_id, table.recipient, table.attempt)
        .join(Connections, Connections.id == table.connection_id)
        .where(table.id.in_(ids), Connections.sandbox_id.is_not(None))
        .order_by(table.id)
    )
    return [SandboxMt(**row._asdict()) for row in await session.execute(wanted)]


async def count_numbers(session: Session, sandbox_id: TenantId) -> int:
    """How many numbers the sandbox has."""
    wanted = select(func.count()).select_from(Numbers).where(Numbers.sandbox_id == sandbox_id)
    return await session.scalar(wanted) or 0


async def find_inbound(session: Session, connection_id: UUID, carrier_message_id: str) -> InboundMessages | None:
    """The MO that was just stored, or stored earlier under the same id."""
    table = InboundMessages
    wanted = select(table).where(table.connection_id == connection_id, table.carrier_message_id == carrier_message_id)
    return await session.scalar(wanted)
