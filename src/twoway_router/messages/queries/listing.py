"""Reads messages for people: lists by filter, one with all that happened to it. Called by ``messages.api``.

``within`` is a tenant: nothing of anybody else's is found. None is an operator and finds all, also what was not routed.
A sandbox has its numbers for itself, so it finds what belongs to them too: HELP, STOP, what fitted no keyword.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute

from twoway_router.domain.ids import TenantId
from twoway_router.messages.tables import (
    ActionRuns,
    DeliveryReceipts,
    InboundMessages,
    OutboundAttempts,
    OutboundMessages,
)
from twoway_router.numbers.tables import Numbers
from twoway_router.store import Session

_SLACK: Final = timedelta(hours=1)
"""How far an id's time may lie from the column's: ids narrow the search, the column decides."""

_MOST_PARTS: Final = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """From (inclusive) and until (exclusive)."""

    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundFilter:
    """Which inbound messages a list shows."""

    period: Period
    tenant_id: UUID | None = None
    number_id: UUID | None = None
    keyword_id: UUID | None = None
    sender: str | None = None
    state: str | None = None
    route: str | None = None


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


@dataclass(frozen=True, kw_only=True, slots=True)
class RoutedText:
    """What a message's route is made of, and how it went."""

    id: UUID
    sender: str
    text: str
    route: str
    received_at: datetime


async def list_routed_texts(
    session: Session, number_id: UUID, *, within: TenantId | None, since: datetime, after: UUID | None, limit: int
) -> Sequence[RoutedText]:
    """A number's messages since a moment, newest first."""
    table = InboundMessages
    wanted = select(table.id, table.sender, table.text, table.route, table.received_at).where(
        table.number_id == number_id, *_during(table.id, table.received_at, Period(after=since))
    )
    if within is not None:
        wanted = wanted.where(table.tenant_id == within)
    if after is not None:
        wanted = wanted.where(table.id < after)
    return [RoutedText(**row._asdict()) for row in await session.execute(wanted.order_by(table.id.desc()).limit(limit))]


async def list_inbound(
    session: Session,
    *,
    within: TenantId | None,
    where: InboundFilter,
    after: UUID | None,
    limit: int,
    is_sandbox: bool = False,
) -> Sequence[InboundMessages]:
    """Newest first."""
    wanted = restricted(select(InboundMessages), within, where, is_sandbox=is_sandbox)
    wanted = wanted.order_by(InboundMessages.id.desc()).limit(limit)
    if after is not None:
        wanted = wanted.where(InboundMessages.id < after)
    return (await session.scalars(wanted)).all()


def restricted(
    wanted: Select[InboundMessages], within: TenantId | None, where: InboundFilter, *, is_sandbox: bool = False
) -> Select[InboundMessages]:
    """Only what the filter wants, and only the tenant's if there is one."""
    table = InboundMessages
    if within is not None:
        wanted = wanted.where(_is_of(table, within, is_sandbox=is_sandbox))
    for name in ("tenant_id", "number_id", "keyword_id", "sender", "state", "route"):
        if (value := getattr(where, name)) is not None:
            wanted = wanted.where(getattr(table, name) == value)
    return wanted.where(*_during(table.id, table.received_at, where.period))


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
        wanted = wanted.where(_is_of(table, within, is_sandbox=is_sandbox))
    if after is not None:
        wanted = wanted.where(table.id < after)
    for name in ("tenant_id", "number_id", "inbound_message_id", "recipient", "state", "delivery_state"):
        if (value := getattr(where, name)) is not None:
            wanted = wanted.where(getattr(table, name) == value)
    wanted = wanted.where(*_during(table.id, table.created_at, where.period))
    return (await session.scalars(wanted)).all()


async def find_inbound(
    session: Session, message_id: UUID, *, within: TenantId | None, is_sandbox: bool = False
) -> InboundMessages | None:
    """One inbound message."""
    table = InboundMessages
    wanted = select(table).where(table.id == message_id)
    if within is not None:
        wanted = wanted.where(_is_of(table, within, is_sandbox=is_sandbox))
    return await session.scalar(wanted)


async def find_outbound(
    session: Session, message_id: UUID, *, within: TenantId | None, is_sandbox: bool = False
) -> OutboundMessages | None:
    """One outbound message."""
    table = OutboundMessages
    wanted = select(table).where(table.id == message_id)
    if within is not None:
        wanted = wanted.where(_is_of(table, within, is_sandbox=is_sandbox))
    return await session.scalar(wanted)


async def list_runs(session: Session, message_id: UUID) -> Sequence[ActionRuns]:
    """What the actions of an inbound message did, in their order."""
    table = ActionRuns
    wanted = select(table).where(table.inbound_message_id == message_id).order_by(table.generation, table.ordinal)
    return (await session.scalars(wanted.limit(_MOST_PARTS))).all()


async def list_answers(session: Session, message_id: UUID) -> Sequence[OutboundMessages]:
    """What was sent because of an inbound message, in order."""
    table = OutboundMessages
    wanted = select(table).where(table.inbound_message_id == message_id).order_by(table.generation, table.ordinal)
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


def _is_of(
    table: type[InboundMessages | OutboundMessages], tenant_id: TenantId, *, is_sandbox: bool
) -> ColumnElement[bool]:
    if is_sandbox:
        return table.number_id.in_(select(Numbers.id).where(Numbers.sandbox_id == tenant_id))
    return table.tenant_id == tenant_id


def _during(
    id_column: InstrumentedAttribute[UUID], time_column: InstrumentedAttribute[datetime], period: Period
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if period.after is not None:
        found += [id_column >= first_id_of(period.after - _SLACK), time_column >= period.after]
    if period.before is not None:
        found += [id_column < first_id_of(period.before + _SLACK), time_column < period.before]
    return found


def first_id_of(moment: datetime) -> UUID:
    """The lowest UUIDv7 that may be made at a moment."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))
