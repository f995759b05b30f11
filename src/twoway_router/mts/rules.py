"""The ledger of an MT as pure functions: one table says what an event makes of a state.

    planned → claimed → handed_over → confirmed | failed
                 ↓ ↑
              unknown  (settled by a late answer, a receipt, a look-up, or the policy; never repeated blindly)

Called by ``delivery``, ``service`` and ``queries``. Nothing moves an MT but by ``MOVES``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never
from uuid import UUID

from twoway_router.consent.rules import EXEMPT_ORIGINS
from twoway_router.domain.causes import CauseKind
from twoway_router.domain.messages import Capability, DeliveryState, MtState, UnknownPolicy
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown

SEGMENT_LIMIT: Final = 6
RECEIPT_LOCKS: Final = 2
"""First key of the advisory locks on (connection, carrier id): a receipt and the answer it overtook exclude one another."""

RETRY_SECONDS: Final = (1, 5, 15, 30, 60, 120, 300)
ACCOUNT_WAIT: Final = timedelta(seconds=60)
"""When an MT is looked at again whose carrier refused our account; as long as the connection rests it then waits on."""

LOOK_UP_AFTER: Final = timedelta(seconds=5)
LOOK_UP_TRIES_UNTIL: Final = timedelta(minutes=10)
REPEATS: Final = 5
"""Tries after which even an MT that may be repeated is not repeated any more when its outcome is lost."""

CLOCK_SKEW: Final = timedelta(seconds=1)
"""A job becomes available by the database's clock; ours may be this much behind."""

OPTED_OUT: Final = 9
"""The ordinal of the event that a recipient has opted out, behind the events of an MT's own states."""

WAITING: Final = "waiting_for_receipt"


class MtClass(StrEnum):
    """What an MT is to its recipient. All but bulk go in their order; bulk waits for them and holds nothing back."""

    COMPLIANCE = "compliance"
    """The confirmation of an opt-out, and help: also for who has opted out."""
    ANSWER = "answer"
    SERVICE = "service"
    """Asked for earlier or by the tenant's own system, such as a reminder."""
    BULK = "bulk"


def class_of(cause: CauseKind, origin: str) -> MtClass:
    """What an MT is by what it is due to, and by which of the number's own texts it is."""
    if origin in EXEMPT_ORIGINS:
        return MtClass.COMPLIANCE
    if cause is CauseKind.CAMPAIGN_RECIPIENT:
        return MtClass.BULK
    return MtClass.ANSWER if cause is CauseKind.INBOUND_MESSAGE else MtClass.SERVICE


def job_of(mt_class: MtClass) -> str:
    """The kind of job that delivers an MT. Bulk has queues, consumers and places at the gates of its own."""
    return "sms.deliver_bulk" if mt_class is MtClass.BULK else "sms.deliver"


class MtEvent(StrEnum):
    """What can happen to an MT."""

    QUEUED = "queued"
    TOO_LONG = "too_long"
    OPTED_OUT = "opted_out"
    """Consent forbids it: when it is planned or claimed, or by a STOP that cancels what is planned."""
    CLAIMED = "claimed"
    EXPIRED = "expired"
    """Its lifetime is over, or would be at the next try."""
    LEASE_ENDED = "lease_ended"
    TAKEN = "taken"
    """The carrier has it: by its answer, however late, or by a look-up."""
    NOT_TAKEN = "not_taken"
    """It has not left us, or may safely be sent again."""
    REFUSED = "refused"
    LOST = "lost"
    """The answer is lost; a receipt, a look-up or the policy decides."""
    GIVEN_UP = "given_up"
    """The answer is lost for good and the policy forbids a repeat."""
    REPORTED = "reported"
    """A receipt that is not final."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"


_P, _C, _H, _K = MtState.PLANNED, MtState.CLAIMED, MtState.HANDED_OVER, MtState.CONFIRMED
_F, _U, _S = MtState.FAILED, MtState.UNKNOWN, MtState.SUPPRESSED

MOVES: Final[Mapping[MtEvent, Mapping[MtState | None, MtState]]] = {
    MtEvent.QUEUED: {None: _P},
    MtEvent.TOO_LONG: {None: _F},
    MtEvent.OPTED_OUT: {None: _S, _P: _S},
    MtEvent.CLAIMED: {_P: _C},
    MtEvent.EXPIRED: {_P: _F, _C: _F, _U: _F},
    MtEvent.LEASE_ENDED: {_C: _U},
    MtEvent.TAKEN: {_P: _H, _C: _H, _U: _H, _H: _H, _K: _K, _F: _F, _S: _S},
    MtEvent.NOT_TAKEN: {_C: _P, _U: _P},
    MtEvent.REFUSED: {_C: _F, _U: _F},
    MtEvent.LOST: {_C: _U, _U: _U},
    MtEvent.GIVEN_UP: {_C: _U, _U: _U},
    MtEvent.REPORTED: {_P: _H, _C: _C, _H: _H, _U: _H},
    MtEvent.DELIVERED: {_P: _K, _C: _K, _H: _K, _U: _K},
    MtEvent.UNDELIVERED: {_P: _F, _C: _F, _H: _F, _U: _F},
}
"""The state after an event, by event and the state before (None: not planned yet). What is missing changes nothing.

A try that lasts longer than its lease still counts when it succeeded, so ``TAKEN`` is known to every state: the carrier's
id is kept for receipts also where the state stays.
"""

REASONS: Final[Mapping[MtEvent, str]] = {
    MtEvent.TOO_LONG: "too_many_segments",
    MtEvent.OPTED_OUT: "opted_out",
    MtEvent.EXPIRED: "expired",
    MtEvent.LEASE_ENDED: "lease_expired",
    MtEvent.GIVEN_UP: "not_repeated",
}
"""Why an MT is in its state, where the event says it all; other events bring a reason with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One MT as the ledger has it, locked. ``decide_at`` is when an unknown one, or a lapsed claim, must be decided."""

    id: UUID
    state: MtState
    delivery_state: DeliveryState | None
    attempt: int
    policy: UnknownPolicy
    created_at: datetime
    expires_at: datetime
    decide_at: datetime | None = None
    reason: str | None = None
    spared: int = 0

    @property
    def tries(self) -> int:
        """Those that count: not those at which the carrier refused our account."""
        return self.attempt - self.spared


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What becomes of an entry. ``at`` is when a planned one is due, or when an unknown one must be decided (None: final).

    ``spares``: the try does not count.
    """

    state: MtState
    at: datetime | None = None
    reason: str | None = None
    carrier_message_id: str | None = None
    opted_out: bool = False
    spares: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Circumstances:
    """What an answer is judged by. ``chance`` is in [0, 1) and spreads retries by ±20 %."""

    now: datetime
    capability: Capability
    receipt_wait: timedelta
    chance: float


def retry_delay(attempt: int, chance: float, wish: timedelta | None = None) -> timedelta:
    """When to try again after the ``attempt``-th try; the other side's wish counts if it is longer, up to an hour."""
    seconds = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS)) - 1] * (0.8 + 0.4 * chance)
    return max(timedelta(seconds=seconds), min(wish or timedelta(0), timedelta(hours=1)))


def after_answer(entry: Entry, attempt: int, reply: SendReply, around: Circumstances) -> Move | None:
    """What the answer to one try makes of the entry; None when it comes too late to matter.

    A success always counts, whichever try it answers; everything else only while that try is the newest.
    """
    if isinstance(reply, Done):
        return _move(entry, MtEvent.TAKEN, carrier_message_id=reply.reference)
    if attempt != entry.attempt or entry.state not in MOVES[MtEvent.LOST]:
        return None
    match reply:
        case Retry(account=True):
            # within its lifetime it waits for our account; whether that is over is asked when it is claimed
            move = _move(entry, MtEvent.NOT_TAKEN, at=around.now + ACCOUNT_WAIT, reason=reply.reason)
            return replace(move, spares=True) if move else None
        case Retry():
            return _again(entry, around, reason=reply.reason, wish=reply.after)
        case Failed():
            return _move(entry, MtEvent.REFUSED, reason=reply.reason, opted_out=reply.opted_out)
        case Unknown():
            return after_lost_answer(entry, reply.reason, around)
    assert_never(reply)


def after_lost_answer(entry: Entry, reason: str, around: Circumstances) -> Move | None:
    """What to do when an MT may or may not have been handed over: a receipt proves it, else the capability decides."""
    if entry.delivery_state is not None:
        return _move(entry, MtEvent.TAKEN)
    match around.capability:
        case Capability.IDEMPOTENT:
            return _again(entry, around, reason=reason, too_late=MtEvent.GIVEN_UP)
        case Capability.LOOK_UP:
            return _move(entry, MtEvent.LOST, at=around.now + LOOK_UP_AFTER, reason=reason)
        case Capability.RECEIPT:
            return _move(entry, MtEvent.LOST, at=around.now + around.receipt_wait, reason=WAITING)
        case Capability.BLIND:
            return after_waiting(entry, around)
    assert_never(around.capability)


def after_unknown(entry: Entry, around: Circumstances) -> Move | None:
    """What to do with an unknown MT whose time has come, at a carrier that cannot be asked; None when it has not."""
    if entry.state is not MtState.UNKNOWN or entry.decide_at is None or entry.decide_at > around.now + CLOCK_SKEW:
        return None
    if entry.reason == WAITING:
        return after_waiting(entry, around)
    return after_lost_answer(entry, entry.reason or REASONS[MtEvent.LEASE_ENDED], around)


def after_waiting(entry: Entry, around: Circumstances) -> Move | None:
    """What the policy makes of an unknown MT when there is nothing left to wait for."""
    if entry.policy is UnknownPolicy.AT_LEAST_ONCE and entry.tries < REPEATS:
        return _again(entry, around, reason="repeated_by_policy")
    return _move(entry, MtEvent.GIVEN_UP)


def after_look_up(entry: Entry, found: SendReply, around: Circumstances) -> Move | None:
    """What a carrier's answer about an unknown MT makes of it. Retry means: it never arrived there."""
    if entry.state is not MtState.UNKNOWN:
        return None
    match found:
        case Done():
            return _move(entry, MtEvent.TAKEN, carrier_message_id=found.reference)
        case Retry():
            return _again(entry, around, reason="not_at_carrier")
        case Failed():
            return _move(entry, MtEvent.REFUSED, reason=found.reason)
        case Unknown() if around.now < entry.created_at + LOOK_UP_TRIES_UNTIL:
            at = around.now + retry_delay(max(entry.attempt, 3), around.chance)
            return _move(entry, MtEvent.LOST, at=at, reason=found.reason)
        case Unknown():
            return after_waiting(entry, around)
    assert_never(found)


def after_receipt(
    state: MtState, delivery_state: DeliveryState | None, reported: DeliveryState
) -> tuple[MtState, DeliveryState] | None:
    """State and delivery state after a receipt; None when it changes nothing. Never backwards."""
    if reported is delivery_state or (delivery_state is not None and delivery_state.is_final):
        return None
    if delivery_state is DeliveryState.ACCEPTED and not reported.is_final:
        return None
    if reported is DeliveryState.DELIVERED:
        event = MtEvent.DELIVERED
    else:
        event = MtEvent.UNDELIVERED if reported.is_final else MtEvent.REPORTED
    moved = MOVES[event].get(state)
    return (moved, reported) if moved else None


def _again(
    entry: Entry,
    around: Circumstances,
    *,
    reason: str,
    wish: timedelta | None = None,
    too_late: MtEvent = MtEvent.EXPIRED,
) -> Move | None:
    due_at = around.now + retry_delay(max(entry.tries, 1), around.chance, wish)
    if due_at >= entry.expires_at:
        return _move(entry, too_late)
    return _move(entry, MtEvent.NOT_TAKEN, at=due_at, reason=reason)


def _move(
    entry: Entry,
    event: MtEvent,
    *,
    at: datetime | None = None,
    reason: str | None = None,
    carrier_message_id: str | None = None,
    opted_out: bool = False,
) -> Move | None:
    """The table's move. A success that changes nothing keeps the reason."""
    state = MOVES[event].get(entry.state)
    if state is None:
        return None
    if event is MtEvent.TAKEN and state is entry.state:
        reason = entry.reason
    return Move(
        state=state,
        at=at,
        reason=reason or REASONS.get(event),
        carrier_message_id=carrier_message_id,
        opted_out=opted_out,
    )
