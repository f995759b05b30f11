"""SQL of replays: which messages, where they went at first, and the new generation. Called by ``management.replays``."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

from twoway_router.domain.ids import TenantId
from twoway_router.inbound.queries.listing import InboundFilter, restricted
from twoway_router.inbound.tables import ActionRuns, InboundMessages, InboundReplays
from twoway_router.routing.route_details import RouteDetails
from twoway_router.store import Session

ROUTE_COLUMNS: Final = (
    "tenant_id",
    "order_key",
    "route",
    "rule",
    "keyword_id",
    "keyword_revision",
    "sub_keyword",
    "rest",
    "route_details",
    "rules_version",
)
_IDS: Final = ("tenant_id", "keyword_id")
_ORIGINALS: Final = text(
    "SELECT inbound_message_id, previous FROM inbound_replays"
    " WHERE inbound_message_id = ANY(CAST(:ids AS uuid[])) AND generation = 1"
)


async def lock_message(session: Session, message_id: UUID, *, within: TenantId | None) -> InboundMessages | None:
    """One message, only the tenant's own if there is one, locked against its run."""
    wanted = select(InboundMessages).where(InboundMessages.id == message_id).with_for_update()
    return await session.scalar(wanted if within is None else wanted.where(InboundMessages.tenant_id == within))


async def lock_messages(
    session: Session, *, within: TenantId | None, where: InboundFilter, after: UUID | None, limit: int
) -> Sequence[InboundMessages]:
    """Messages by filter, oldest first, locked against their runs."""
    wanted = restricted(select(InboundMessages), within, where).order_by(InboundMessages.id).limit(limit)
    if after is not None:
        wanted = wanted.where(InboundMessages.id > after)
    return (await session.scalars(wanted.with_for_update())).all()


async def list_original_routes(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
    """The first routes of those messages that were replayed before."""
    return {
        row.inbound_message_id: read_route(row.previous)
        for row in await session.execute(_ORIGINALS, {"ids": list(ids)})
    }


async def list_run_ordinals(session: Session, ids: Collection[UUID]) -> Mapping[UUID, frozenset[int]]:
    """The ordinals of the actions that a message has in the ledger, by message."""
    found: dict[UUID, set[int]] = {message_id: set() for message_id in ids}
    wanted = select(ActionRuns.cause_id, ActionRuns.ordinal).where(ActionRuns.cause_id.in_(ids))
    for row in await session.execute(wanted):
        found[row.cause_id].add(row.ordinal)
    return {message_id: frozenset(ordinals) for message_id, ordinals in found.items()}


def begin_generation(
    session: Session, message: InboundMessages, route: Mapping[str, Any] | None, *, only: int | None, now: datetime
) -> None:
    """Give a locked message its next generation, and a new route if there is one. It waits for its run as at first."""
    previous: dict[str, Any] = {name: getattr(message, name) for name in ROUTE_COLUMNS}
    previous |= {name: str(previous[name]) if previous[name] else None for name in _IDS}
    session.add(
        InboundReplays(
            inbound_message_id=message.id,
            generation=message.generation + 1,
            tenant_id=message.tenant_id,
            only_ordinal=only,
            previous=previous,
            created_at=now,
        )
    )
    take_route(message, route, only=only)


def copy_of(message: InboundMessages) -> InboundMessages:
    """The same message outside of the session: what is done to it is not stored."""
    return InboundMessages(**{column.key: getattr(message, column.key) for column in InboundMessages.__table__.columns})


def take_route(message: InboundMessages, route: Mapping[str, Any] | None, *, only: int | None) -> None:
    """What a new generation makes of a message."""
    message.generation += 1
    for name, value in (route or {}).items():
        setattr(message, name, value)
    message.only_ordinal, message.attempts, message.last_error, message.finished_at = only, 0, None, None
    asks = RouteDetails.read(message.route_details).asks
    message.state = "stored" if message.route == "none" and not asks else "accepted"


def read_route(written: Mapping[str, Any]) -> Mapping[str, Any]:
    """The columns of a route as ``begin_generation`` wrote them."""
    return {**written, **{name: UUID(written[name]) if written[name] else None for name in _IDS}}
