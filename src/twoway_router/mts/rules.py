"""The ledger of an MT as pure functions: what an answer, a lost answer or a receipt makes of it.

    planned → claimed → handed_over → confirmed | failed
                 ↓ ↑
              unknown  (settled by a late answer, a receipt, a look-up, or the policy; never repeated blindly)

Called by ``delivery`` and ``service``; states only move forward, except unknown → planned where a repeat is safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, assert_never
from uuid import UUID

from twoway_router.domain.causes import EffectKey
from twoway_router.domain.messages import Capability, DeliveryState, MtState, UnknownPolicy
from twoway_router.domain.outcomes import Done, Failed, Retry, SendReply, Unknown

SEGMENT_LIMIT: Final = 6
RECEIPT_LOCKS: Final = 2
"""First key of the advisory locks on (connection, carrier id): a receipt and the answer it overtook wait for each other."""

EXEMPT_ORIGINS: Final = ("opt_out", "help")
"""What a suppressed recipient still gets: the confirmation of the opt-out, and help when asked for."""

RETRY_SECONDS: Final = (1, 5, 15, 30, 60, 120, 300)
LOOK_UP_AFTER: Final = timedelta(seconds=5)
LOOK_UP_TRIES_UNTIL: Final = timedelta(minutes=10)
REPEATS: Final = 5
"""Tries after which even an MT that may be repeated is not repeated any more when its outcome is lost."""

CLOCK_SKEW: Final = timedelta(seconds=1)
"""A job becomes available by the database's clock; ours may be this much behind."""

OPTED_OUT: Final = 9
"""The ordinal of the event that a recipient has opted out, behind the events of an MT's own states."""

WAITING: Final = "waiting_for_receipt"
NOT_REPEATED: Final = "not_repeated"
LEASE_EXPIRED: Final = "lease_expired"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What becomes of an entry. ``at`` is when a planned one is due, or when an unknown one must be decided (None: final)."""

    state: MtState
    at: datetime | None = None
    reason: str | None = None
    carrier_message_id: str | None = None
    opted_out: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """Somebody who has opted out at the carrier, and tenants who are known to have written to them."""

    number_id: UUID
    msisdn: str
    key: EffectKey
    tenant_ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What tenants may want to hear: MTs that moved, with their tenants, and who has left."""

    moved: Mapping[UUID, UUID] = field(default_factory=dict)
    left: tuple[Departure, ...] = ()


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
        is_open = entry.state in (MtState.PLANNED, MtState.CLAIMED, MtState.UNKNOWN)
        state = MtState.HANDED_OVER if is_open else entry.state
        return Move(state=state, reason=None if is_open else entry.reason, carrier_message_id=reply.reference)
    if attempt != entry.attempt or entry.state not in (MtState.CLAIMED, MtState.UNKNOWN):
        return None
    match reply:
        case Retry():
            return _planned_again(entry, around, reason=reply.reason, wish=reply.after)
        case Failed():
            return Move(state=MtState.FAILED, reason=reply.reason, opted_out=reply.opted_out)
        case Unknown():
            return after_lost_answer(entry, reply.reason, around)
    assert_never(reply)


def after_lost_answer(entry: Entry, reason: str, around: Circumstances) -> Move:
    """What to do when an MT may or may not have been handed over: a receipt proves it, else the capability decides."""
    if entry.delivery_state is not None:
        return Move(state=MtState.HANDED_OVER)
    match around.capability:
        case Capability.IDEMPOTENT:
            return _planned_again(
                entry, around, reason=reason, too_late=Move(state=MtState.UNKNOWN, reason=NOT_REPEATED)
            )
        case Capability.LOOK_UP:
            return Move(state=MtState.UNKNOWN, at=around.now + LOOK_UP_AFTER, reason=reason)
        case Capability.RECEIPT:
            return Move(state=MtState.UNKNOWN, at=around.now + around.receipt_wait, reason=WAITING)
        case Capability.BLIND:
            return after_waiting(entry, around)
    assert_never(around.capability)


def after_unknown(entry: Entry, around: Circumstances) -> Move | None:
    """What to do with an unknown MT whose time has come, at a carrier that cannot be asked; None when it has not."""
    if entry.state is not MtState.UNKNOWN or entry.decide_at is None or entry.decide_at > around.now + CLOCK_SKEW:
        return None
    if entry.reason == WAITING:
        return after_waiting(entry, around)
    return after_lost_answer(entry, entry.reason or LEASE_EXPIRED, around)


def after_waiting(entry: Entry, around: Circumstances) -> Move:
    """What the policy makes of an unknown MT when there is nothing left to wait for."""
    if entry.policy is UnknownPolicy.AT_LEAST_ONCE and entry.attempt < REPEATS:
        return _planned_again(entry, around, reason="repeated_by_policy")
    return Move(state=MtState.UNKNOWN, reason=NOT_REPEATED)


def after_look_up(entry: Entry, found: SendReply, around: Circumstances) -> Move | None:
    """What a carrier's answer about an unknown MT makes of it. Retry means: it never arrived there."""
    if entry.state is not MtState.UNKNOWN:
        return None
    match found:
        case Done():
            return Move(state=MtState.HANDED_OVER, carrier_message_id=found.reference)
        case Retry():
            return _planned_again(entry, around, reason="not_at_carrier")
        case Failed():
            return Move(state=MtState.FAILED, reason=found.reason)
        case Unknown() if around.now < entry.created_at + LOOK_UP_TRIES_UNTIL:
            delay = retry_delay(max(entry.attempt, 3), around.chance)
            return Move(state=MtState.UNKNOWN, at=around.now + delay, reason=found.reason)
        case Unknown():
            return after_waiting(entry, around)
    assert_never(found)


def after_receipt(
    state: MtState, delivery_state: DeliveryState | None, reported: DeliveryState
) -> tuple[MtState, DeliveryState] | None:
    """State and delivery state after a receipt; None when it tells nothing new. Never backwards."""
    if (delivery_state is not None and delivery_state.is_final) or state in (MtState.SUPPRESSED, MtState.FAILED):
        return None
    if reported is delivery_state or (delivery_state is DeliveryState.ACCEPTED and not reported.is_final):
        return None
    if reported is DeliveryState.DELIVERED:
        return MtState.CONFIRMED, reported
    if reported.is_final:
        return MtState.FAILED, reported
    is_open = state in (MtState.PLANNED, MtState.UNKNOWN)
    return (MtState.HANDED_OVER if is_open else state), reported


_EXPIRED: Final = Move(state=MtState.FAILED, reason="expired")


def _planned_again(
    entry: Entry, around: Circumstances, *, reason: str, wish: timedelta | None = None, too_late: Move = _EXPIRED
) -> Move:
    due_at = around.now + retry_delay(max(entry.attempt, 1), around.chance, wish)
    return too_late if due_at >= entry.expires_at else Move(state=MtState.PLANNED, at=due_at, reason=reason)
