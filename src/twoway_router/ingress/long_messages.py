"""Messages that arrive in parts. Called by ``app``: for batches that hold a part, and in a loop for those that miss one.

A part is kept in the batch's transaction. The one that completes its set becomes, in the same transaction, one message
that takes the way of all others. Two processes that store parts of one set exclude one another, so exactly one joins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from twoway_router.domain.messages import InboundMessage
from twoway_router.events.news import Listener
from twoway_router.ingress.accept import accept
from twoway_router.ingress.arrivals import Arrival, Stored
from twoway_router.ingress.parts import SetKey, Whole, assemble, facts_of
from twoway_router.ingress.queries import parts as part_queries
from twoway_router.keywords.follower import RoutingCache
from twoway_router.store.transaction import Session
from twoway_router.telemetry.metrics import LONG_MESSAGES

FLUSH_LIMIT: Final = 200
PARTS_KEPT: Final = timedelta(days=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class _NewPart:
    """A part of this batch. ``position`` is its arrival's."""

    id: UUID
    position: int
    key: SetKey
    message: InboundMessage
    arrival: Arrival


def has_parts(arrivals: Sequence[Arrival]) -> bool:
    """Whether any message of the batch is only a part of one."""
    return any(message.part is not None for arrival in arrivals for message in arrival.messages)


async def accept_parts(
    session: Session,
    arrivals: Sequence[Arrival],
    cache: RoutingCache,
    new_id: Callable[[], UUID],
    now: datetime,
    tell: Listener,
) -> Sequence[Stored]:
    """Like ``accept``, for a batch that holds parts."""
    parts: list[_NewPart] = []
    for position, arrival in enumerate(arrivals):
        for message in arrival.messages:
            if (part := message.part) is not None:
                key = SetKey(arrival.connection_id, message.sender, message.recipient, part.reference, part.total)
                parts.append(_NewPart(id=new_id(), position=position, key=key, message=message, arrival=arrival))
    keys = sorted({part.key for part in parts})
    await part_queries.lock_sets(session, keys)
    inserted = await part_queries.insert_once(session, _columns(parts))
    made = assemble(await part_queries.list_parts(session, keys), now)
    # A message takes the place in the batch of the part that came last; one whose parts all lay here already, the first's.
    positions = {part.id: part.position for part in parts}
    completed: dict[int, list[InboundMessage]] = {}
    for whole in made.wholes:
        completed.setdefault(positions.get(whole.last, parts[0].position), []).append(whole.message)
    plain = [
        replace(arrival, messages=(*_without_parts(arrival), *completed.get(position, ())))
        for position, arrival in enumerate(arrivals)
    ]
    stored = list(await accept(session, plain, cache, new_id, now, tell))
    await _close(session, made.wholes)
    if made.late:
        await part_queries.correct(session, made.late)
        LONG_MESSAGES.labels("late").inc(len(made.late))
    for position in {part.position for part in parts}:
        is_new = any(part.id in inserted for part in parts if part.position == position)
        if not _without_parts(arrivals[position]) or is_new:
            stored[position] = Stored.STORED if is_new else Stored.DUPLICATE
    return stored


async def flush_incomplete(
    session: Session, cache: RoutingCache, new_id: Callable[[], UUID], now: datetime, tell: Listener
) -> int:
    """Send on what has waited long enough for its missing parts; how many messages that were. Any number may run."""
    due = await part_queries.list_due(session, now, FLUSH_LIMIT)
    keys = await part_queries.try_lock_sets(session, due) if due else []
    if not keys:
        return 0
    wholes = assemble(await part_queries.list_parts(session, keys), now).wholes
    arrivals = [
        Arrival(connection_id=whole.connection_id, received_at=now, messages=(whole.message,)) for whole in wholes
    ]
    await accept(session, arrivals, cache, new_id, now, tell)
    await _close(session, wholes)
    return len(wholes)


async def forget_parts(session: Session, now: datetime) -> None:
    """Delete parts so old that no carrier repeats them."""
    await part_queries.forget(session, now - PARTS_KEPT)


async def _close(session: Session, wholes: Sequence[Whole]) -> None:
    if wholes:
        await part_queries.close_parts(session, wholes)
        for whole in wholes:
            LONG_MESSAGES.labels("incomplete" if whole.message.missing_parts else "joined").inc()


def _without_parts(arrival: Arrival) -> tuple[InboundMessage, ...]:
    return tuple(message for message in arrival.messages if message.part is None)


def _columns(parts: Sequence[_NewPart]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "id": [part.id for part in parts],
        "carrier_message_id": [part.message.carrier_message_id for part in parts],
        "facts": [orjson.dumps(facts_of(part.message)).decode() for part in parts],
        "received_at": [part.arrival.received_at for part in parts],
        "due_at": [part.arrival.received_at + part.arrival.part_wait for part in parts],
    }
    columns |= {name: [getattr(part.key, name) for part in parts] for name in SetKey.__slots__}
    found = [part.message.part for part in parts if part.message.part is not None]
    return columns | {
        "place": [part.index for part in found],
        "body": [part.body for part in found],
        "charset": [part.charset for part in found],
    }
