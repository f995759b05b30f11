"""Reads MOs for people: lists by filter, one with its runs. Called by ``inbound.api`` and ``management``.

``within`` is a tenant: only its messages are listed. None is an operator, who sees all, also what was not routed.
A sandbox has its numbers for itself, so it sees what belongs to them too: HELP, STOP, what fitted no keyword.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select

from twoway_router.domain.ids import TenantId
from twoway_router.inbound.tables import ActionRuns, InboundMessages
from twoway_router.numbers.service import is_visible_to
from twoway_router.routing.types import WindowState
from twoway_router.store import Session
from twoway_router.store.periods import Period, during

_MOST_PARTS: Final = 200


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
    rule: str | None = None
    window: WindowState | None = None
    opt_out_intent: bool | None = None


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
        table.number_id == number_id, *during(table.id, table.received_at, Period(after=since))
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
    """Restricted to the filter, and to the tenant if there is one."""
    table = InboundMessages
    if within is not None:
        wanted = wanted.where(is_visible_to(table.tenant_id, table.number_id, within, is_sandbox=is_sandbox))
    for name in ("tenant_id", "number_id", "keyword_id", "sender", "state", "route", "rule"):
        if (value := getattr(where, name)) is not None:
            wanted = wanted.where(getattr(table, name) == value)
    if where.window is not None:  # stored only where it was not open
        stored = None if where.window is WindowState.OPEN else where.window.value
        wanted = wanted.where(table.route_details["window"].astext.is_not_distinct_from(stored))
    if where.opt_out_intent is not None:
        wanted = wanted.where(table.route_details.has_key("opt_out_intent").is_(where.opt_out_intent))
    return wanted.where(*during(table.id, table.received_at, where.period))


async def find_inbound(
    session: Session, message_id: UUID, *, within: TenantId | None, is_sandbox: bool = False
) -> InboundMessages | None:
    """One inbound message."""
    table = InboundMessages
    wanted = select(table).where(table.id == message_id)
    if within is not None:
        wanted = wanted.where(is_visible_to(table.tenant_id, table.number_id, within, is_sandbox=is_sandbox))
    return await session.scalar(wanted)


async def list_runs(session: Session, message_id: UUID) -> Sequence[ActionRuns]:
    """What the actions of an inbound message did, in their order."""
    table = ActionRuns
    wanted = select(table).where(table.cause_id == message_id).order_by(table.generation, table.ordinal)
    return (await session.scalars(wanted.limit(_MOST_PARTS))).all()
