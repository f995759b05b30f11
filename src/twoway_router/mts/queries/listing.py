"""Reads MTs for people: lists by filter, one with its tries and receipts. Called by ``mts.api`` and ``inbound.api``.

``within`` is a tenant: only its MTs are listed. None is an operator, who sees all.
A sandbox has its numbers for itself, so it sees what they answer by themselves too: to HELP, STOP, no keyword.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from twoway_router.domain.ids import TenantId
from twoway_router.mts.tables import DeliveryReceipts, OutboundAttempts, OutboundMessages
from twoway_router.numbers.service import is_visible_to
from twoway_router.store import Session
from twoway_router.store.periods import Period, during

_MOST_PARTS: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundFilter:
    """Which outbound messages a list shows."""

    period: Period
    tenant_id: UUID | None = None
    number_id: UUID | None = None
    inbound_message_id: UUID | None = None
    recipient: str | None = None
    state: str | None = None
    delivery_state: str | None = None


async def list_outbound(
    session: Session,
    *,
    within: TenantId | None,
    where: OutboundFilter,
    after: UUID | None,
    limit: int,
    is_sandbox: bool = False,
) -> Sequence[OutboundMessages]:
    """Newest first."""
    table = OutboundMessages
    wanted = select(table).order_by(table.id.desc()).limit(limit)
    if within is not None:
        wanted = wanted.where(is_visible_to(table.tenant_id, table.number_id, within, is_sandbox=is_sandbox))
    if after is not None:
        wanted = wanted.where(table.id < after)
    if where.inbound_message_id is not None:
        wanted = wanted.where(table.cause_id == where.inbound_message_id)
    for name in ("tenant_id", "number_id", "recipient", "state", "delivery_state"):
        if (value := getattr(where, name)) is not None:
            wanted = wanted.where(getattr(table, name) == value)
    wanted = wanted.where(*during(table.id, table.created_at, where.period))
    return (await session.scalars(wanted)).all()


async def find_outbound(
    session: Session, message_id: UUID, *, within: TenantId | None, is_sandbox: bool = False
) -> OutboundMessages | None:
    """One outbound message."""
    table = OutboundMessages
    wanted = select(table).where(table.id == message_id)
    if within is not None:
        wanted = wanted.where(is_visible_to(table.tenant_id, table.number_id, within, is_sandbox=is_sandbox))
    return await session.scalar(wanted)


async def list_answers(session: Session, message_id: UUID) -> Sequence[OutboundMessages]:
    """What was sent because of an inbound message, in order."""
    table = OutboundMessages
    wanted = select(table).where(table.cause_id == message_id).order_by(table.generation, table.ordinal)
    return (await session.scalars(wanted.limit(_MOST_PARTS))).all()


async def list_attempts(session: Session, message_id: UUID) -> Sequence[OutboundAttempts]:
    """Every try to hand over an MT, oldest first."""
    table = OutboundAttempts
    wanted = select(table).where(table.outbound_message_id == message_id).order_by(table.attempt)
    return (await session.scalars(wanted.limit(_MOST_PARTS))).all()


async def list_receipts(session: Session, message_id: UUID) -> Sequence[DeliveryReceipts]:
    """Every receipt for an MT, oldest first."""
    table = DeliveryReceipts
    wanted = select(table).where(table.outbound_message_id == message_id).order_by(table.id)
    return (await session.scalars(wanted.limit(_MOST_PARTS))).all()
