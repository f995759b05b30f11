"""Stores what came back from carriers, many MTs in one transaction. Called by ``sms`` through a group commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from twoway_router.domain.causes import Cause, CauseKind
from twoway_router.domain.clock import Clock
from twoway_router.domain.messages import Capability, MtState
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown
from twoway_router.events.news import Listener, News
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

log = structlog.get_logger(__name__)

FIRST_ACCOUNT_REST: Final = timedelta(minutes=1)
LONGEST_ACCOUNT_REST: Final = timedelta(minutes=15)
SHORTEST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What one try brought. ``has_rested``: the connection rested before it because of our account."""

    id: UUID
    attempt: int
    reply: SendReply
    carrier: str
    capability: Capability
    connection_id: UUID
    started_at: datetime
    finished_at: datetime
    has_rested: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """An unknown MT that must be decided. ``found`` is its carrier's answer, where it can be asked."""

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
        tell: Listener,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._chance = chance
        self._receipt_wait = receipt_wait
        self._tell = tell

    async def settle(self, items: Sequence[Settlement | Resolution]) -> Sequence[None]:
        """One transaction for all of them.

        Carrier ids are locked first, as receipts do: an answer and the receipt that overtakes it exclude one another, and
        whichever comes second sees the first.
        """
        now = self._clock()
        tries = {(each.id, each.attempt): each for each in items if isinstance(each, Settlement)}
        rests = {each.connection_id: now + pause for each in tries.values() if (pause := wanted_pause(each.reply))}
        answers = [(each.connection_id, each.reply if isinstance(each, Settlement) else each.found) for each in items]
        names = [
            receipts.CarrierId(connection_id=connection_id, carrier_message_id=answer.reference)
            for connection_id, answer in answers
            if isinstance(answer, Done) and answer.reference
        ]
        async with transaction(self._engine, System("executor")) as session:
            await pacing.rest(session, rests, now)
            refused = {
                each.connection_id: each.reply.detail
                for each in tries.values()
                if isinstance(each.reply, Retry) and each.reply.account
            }
            resting = await pacing.rest_account(
                session, refused, now, first=FIRST_ACCOUNT_REST, longest=LONGEST_ACCOUNT_REST
            )
            working = {
                each.connection_id for each in tries.values() if each.has_rested and isinstance(each.reply, Done)
            }
            resumed = await pacing.note_working(session, working - refused.keys(), now)
            await receipts.lock(session, names)
            locked = await delivering.lock_entries(session, {each.id for each in items})
            moves = {
                each.id: move
                for each in items
                if each.id in locked and (move := self._judge(each, locked[each.id], now))
            }
            left = {mt_id for mt_id, move in moves.items() if move.opted_out}
            left |= await _store(session, locked, moves, [each for each in tries.values() if each.id in locked], now)
            due = [(locked[mt_id], move.at) for mt_id, move in moves.items() if move.at is not None]
            await add_jobs(session, [mt for mt, _ in due], [at for _, at in due])
            passed_on = {
                locked[mt_id].order_key
                for mt_id, move in moves.items()
                if move.state is not MtState.PLANNED and locked[mt_id].mt_class is not MtClass.BULK
            }
            await add_successors(session, passed_on, now)
            departures = [departed(locked[mt_id], Cause(kind=CauseKind.OUTBOUND_MESSAGE, id=mt_id)) for mt_id in left]
            gone = await leave(session, departures, now=now)
            moved = {
                mt_id: owner
                for mt_id, move in moves.items()
                if move.state in (MtState.HANDED_OVER, MtState.FAILED) and (owner := locked[mt_id].tenant_id)
            }
            await self._tell(session, News(moved={**gone.moved, **moved}, left=gone.left), now)
        carriers = {each.connection_id: each.carrier for each in tries.values()}
        for rest in resting:
            log.warning(
                "connection.rests",
                connection_id=str(rest.connection_id),
                carrier=carriers[rest.connection_id],
                reason="account",
                until=rest.until.isoformat(),
                detail=rest.detail,
            )
        for connection_id in resumed:
            log.info("connection.works", connection_id=str(connection_id), carrier=carriers[connection_id])
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
    session: Session,
    locked: Mapping[UUID, Locked],
    moves: Mapping[UUID, Move],
    tries: Sequence[Settlement],
    now: datetime,
) -> set[UUID]:
    """Store moves and tries; the MTs whose receipts came first and say that their recipient has left."""
    moved = [(locked[mt_id], move) for mt_id, move in moves.items()]
    early = await delivering.settle(
        session,
        {
            "ids": [mt.id for mt, _ in moved],
            "states": [move.state.value for _, move in moved],
            "reasons": [move.reason for _, move in moved],
            "dues": [move.at if move.state is MtState.PLANNED else None for _, move in moved],
            "decides": [move.at if move.state is MtState.UNKNOWN else None for _, move in moved],
            "carrier_ids": [move.carrier_message_id for _, move in moved],
            "spared": [int(move.spares) for _, move in moved],
            "connection_ids": [mt.connection_id for mt, _ in moved],
            "since": [mt.entry.created_at for mt, _ in moved],
        },
        {
            "tried_ids": [each.id for each in tries],
            "attempts": [each.attempt for each in tries],
            "tenant_ids": [locked[each.id].tenant_id for each in tries],
            "outcomes": [outcome_word(each.reply) for each in tries],
            "why": [None if isinstance(each.reply, Done) else each.reply.reason for each in tries],
            "details": [each.reply.detail or None for each in tries],
            "started": [each.started_at for each in tries],
            "finished": [each.finished_at for each in tries],
        },
        now,
    )
    if early:
        known = {mt.id: (move.state.value, mt.entry.delivery_state) for mt, move in moved}
        await apply_waiting_receipts(session, [(each.mt_id, each.state) for each in early], known, now=now)
    return {each.mt_id for each in early if each.opted_out}


def wanted_pause(reply: SendReply) -> timedelta | None:
    """The pause that a carrier asks for when it throttles us."""
    if isinstance(reply, Retry) and reply.throttled:
        return min(reply.after or SHORTEST_PAUSE, LONGEST_PAUSE)
    return None


def outcome_word(reply: SendReply) -> str:
    """How logs and metrics call an outcome."""
    if isinstance(reply, Done):
        return "done"
    if isinstance(reply, Retry):
        return "account" if reply.account else "throttled" if reply.throttled else "retry"
    return "failed" if isinstance(reply, Failed) else "unknown"
