"""Stores what came back from carriers, many MTs in one transaction. Called by ``sms`` through a group commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from twoway_router.domain.causes import Cause, CauseKind
from twoway_router.domain.clock import Clock
from twoway_router.domain.messages import Capability, MtState
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown
from twoway_router.events.news import News
from twoway_router.mts.delivery.sources import Announce
from twoway_router.mts.jobs import add_jobs, add_successors
from twoway_router.mts.queries import delivering, pacing, receipts
from twoway_router.mts.queries.delivering import Locked
from twoway_router.mts.rules import (
    REASONS,
    Circumstances,
    Move,
    MtClass,
    MtEvent,
    after_answer,
    after_look_up,
    after_unknown,
)
from twoway_router.mts.service import apply_waiting_receipts, departed, leave
from twoway_router.store import Engine, Session, System, transaction
from twoway_router.telemetry.metrics import EFFECTS_UNKNOWN

SHORTEST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What one try brought."""

    id: UUID
    attempt: int
    reply: SendReply
    carrier: str
    capability: Capability
    connection_id: UUID
    started_at: datetime
    finished_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """An unknown MT whose time has come. ``found`` is what its carrier said, where it can be asked."""

    id: UUID
    connection_id: UUID
    carrier: str
    capability: Capability
    found: SendReply | None = None


class Settler:
    """Turns settlements and resolutions into moves of the ledger."""

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock,
        chance: Callable[[], float],
        receipt_wait: timedelta,
        announce: Announce,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._chance = chance
        self._receipt_wait = receipt_wait
        self._announce = announce

    async def settle(self, items: Sequence[Settlement | Resolution]) -> Sequence[None]:
        """One transaction for all of them."""
        now = self._clock()
        async with transaction(self._engine, System("executor")) as session:
            await pacing.rest(session, _rests(items, now), now)
            await receipts.lock(session, [name for item in items if (name := _name(item))])
            locked = await delivering.lock_entries(session, {item.id for item in items})
            moves: dict[UUID, Move] = {}
            for item in items:
                if item.id in locked and (move := self._judge(item, locked[item.id], now)):
                    moves[item.id] = move
            moved = [(locked[each], move) for each, move in moves.items()]
            owners = {each: found.tenant_id for each, found in locked.items()}
            left = await self._store(session, moved, [item for item in items if item.id in locked], owners, now)
            left |= {each for each, move in moves.items() if move.opted_out}
            gone = await leave(
                session,
                [departed(locked[each], Cause(kind=CauseKind.OUTBOUND_MESSAGE, id=each)) for each in left],
                now=now,
            )
            await self._announce(session, News(moved={**gone.moved, **_moved(locked, moves)}, left=gone.left), now)
        return [None] * len(items)

    def _judge(self, item: Settlement | Resolution, locked: Locked, now: datetime) -> Move | None:
        around = Circumstances(
            now=now, capability=item.capability, receipt_wait=self._receipt_wait, chance=self._chance()
        )
        match item:
            case Settlement():
                move = after_answer(locked.entry, item.attempt, item.reply, around)
            case Resolution():
                move = (
                    after_look_up(locked.entry, item.found, around)
                    if item.found
                    else after_unknown(locked.entry, around)
                )
        if isinstance(item, Settlement):
            is_lost = isinstance(item.reply, Unknown)
        else:
            is_lost = locked.entry.reason == REASONS[MtEvent.LEASE_ENDED]
        if move and is_lost:
            EFFECTS_UNKNOWN.labels(item.carrier).inc()
        return move

    async def _store(
        self,
        session: Session,
        moved: Sequence[tuple[Locked, Move]],
        items: Sequence[Settlement | Resolution],
        owners: Mapping[UUID, UUID | None],
        now: datetime,
    ) -> set[UUID]:
        """Returns the MTs whose receipts came first and say that their recipient has left."""
        tries = {(item.id, item.attempt): item for item in items if isinstance(item, Settlement)}
        early = await delivering.settle(session, _moves(moved), _tries(list(tries.values()), owners), now)
        if early:
            known = {locked.entry.id: _states(locked, move) for locked, move in moved}
            await apply_waiting_receipts(session, [(each.mt_id, each.state) for each in early], known, now=now)
        later = [(locked, move.at) for locked, move in moved if move.at is not None]
        await add_jobs(session, [locked for locked, _ in later], [at for _, at in later])
        passed_on = {
            locked.order_key
            for locked, move in moved
            if move.state is not MtState.PLANNED and locked.mt_class is not MtClass.BULK
        }
        await add_successors(session, passed_on, now)
        return {each.mt_id for each in early if each.opted_out}


def _rests(items: Sequence[Settlement | Resolution], now: datetime) -> Mapping[UUID, datetime]:
    """Until when connections rest whose carriers throttled us: in every process, and nobody else's."""
    return {
        item.connection_id: now + pause
        for item in items
        if isinstance(item, Settlement) and (pause := wanted_pause(item.reply))
    }


def wanted_pause(reply: SendReply) -> timedelta | None:
    """How long a carrier that throttles us wants to be left alone."""
    if isinstance(reply, Retry) and reply.throttled:
        return min(reply.after or SHORTEST_PAUSE, LONGEST_PAUSE)
    return None


def _name(item: Settlement | Resolution) -> receipts.CarrierId | None:
    answer = item.reply if isinstance(item, Settlement) else item.found
    if isinstance(answer, Done) and answer.reference:
        return receipts.CarrierId(connection_id=item.connection_id, carrier_message_id=answer.reference)
    return None


def _moves(moved: Sequence[tuple[Locked, Move]]) -> dict[str, Sequence[Any]]:
    return {
        "ids": [locked.entry.id for locked, _ in moved],
        "states": [move.state.value for _, move in moved],
        "reasons": [move.reason for _, move in moved],
        "dues": [move.at if move.state is MtState.PLANNED else None for _, move in moved],
        "decides": [move.at if move.state is MtState.UNKNOWN else None for _, move in moved],
        "carrier_ids": [move.carrier_message_id for _, move in moved],
        "connection_ids": [locked.connection_id for locked, _ in moved],
        "since": [locked.entry.created_at for locked, _ in moved],
    }


def _tries(tries: Sequence[Settlement], owners: Mapping[UUID, UUID | None]) -> dict[str, Sequence[Any]]:
    return {
        "tried_ids": [item.id for item in tries],
        "attempts": [item.attempt for item in tries],
        "tenant_ids": [owners.get(item.id) for item in tries],
        "outcomes": [outcome_word(item.reply) for item in tries],
        "why": [None if isinstance(item.reply, Done) else item.reply.reason for item in tries],
        "started": [item.started_at for item in tries],
        "finished": [item.finished_at for item in tries],
    }


def _states(locked: Locked, move: Move) -> tuple[str, str | None]:
    known = locked.entry.delivery_state
    return move.state.value, known.value if known else None


def _moved(locked: Mapping[UUID, Locked], moves: Mapping[UUID, Move]) -> dict[UUID, UUID]:
    """The tenants of MTs that a carrier has taken or that have failed."""
    told = (MtState.HANDED_OVER, MtState.FAILED)
    return {each: owner for each, move in moves.items() if move.state in told and (owner := locked[each].tenant_id)}


def outcome_word(reply: SendReply) -> str:
    """How logs and metrics call an outcome."""
    if isinstance(reply, Done):
        return "done"
    if isinstance(reply, Retry):
        return "throttled" if reply.throttled else "retry"
    return "failed" if isinstance(reply, Failed) else "unknown"
