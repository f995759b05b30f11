"""Keeps connections and numbers at the throughput that their carrier grants. Called by ``claiming`` in its transaction.

A generic cell rate algorithm per connection and per number, its state a row that every executor locks. Answers to
somebody go before bulk: bulk takes nothing while an answer waits there.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.mts.jobs import postpone
from twoway_router.mts.queries import pacing
from twoway_router.mts.queries.delivering import Claimed, Seen
from twoway_router.mts.queries.pacing import Pace
from twoway_router.mts.rules import MtClass
from twoway_router.store import Session

BURST: Final = timedelta(milliseconds=500)
"""What may be caught up at once after a pause: jobs come in steps of a fifth of a second, and throughput is not to be lost."""

PACED: Final = "throughput"
"""The reason of an MT that is due later because of throughput."""


@dataclass(kw_only=True, slots=True)
class Turns:
    """Which MTs may go now, when the others are due, and what is left of the throughput."""

    allowed: list[Seen] = field(default_factory=list)
    later: dict[UUID, datetime] = field(default_factory=dict)
    paces: dict[UUID, Pace] = field(default_factory=dict)


async def take_turns(session: Session, ready: Sequence[Seen], now: datetime) -> Sequence[Seen]:
    """Those of the MTs that may be claimed now; the others are due later. Locks the paces until commit."""
    limited = [each for each in ready if each.rates]
    if not limited:
        return ready
    ids = {key for each in limited for key in each.rates}
    paces = await pacing.lock(session, sorted(ids), now)
    bulk = [each for each in limited if each.mt_class is MtClass.BULK]
    pressing = await pacing.list_pressing(session, bulk, [each.id for each in limited], now) if bulk else set()
    turns = give_turns(limited, paces, pressing, now)
    await postpone(session, turns.later, PACED)
    if turns.later:
        tails = {key: replace(paces[key], tail_at=pace.tail_at) for key, pace in turns.paces.items()}
        await pacing.store(session, tails)
    return [*(each for each in ready if not each.rates), *turns.allowed]


async def spend(session: Session, ready: Sequence[Seen], claims: Sequence[Claimed], now: datetime) -> None:
    """Use up throughput for what was claimed. ``take_turns`` has locked the rows."""
    claimed = {claim.id for claim in claims}
    taken = [each.rates for each in ready if each.rates and each.id in claimed]
    if taken:
        paces = dict(await pacing.lock(session, sorted({key for rates in taken for key in rates}), now))
        for rates in taken:
            _use(paces, rates, now)
        await pacing.store(session, paces)


def give_turns(
    limited: Iterable[Seen], paces: Mapping[UUID, Pace], pressing: AbstractSet[UUID], now: datetime
) -> Turns:
    """Decide about MTs of limited connections and numbers. ``pressing``: where an answer waits, so that bulk does not go."""
    turns = Turns(paces=dict(paces))
    for each in sorted(limited, key=lambda seen: seen.mt_class is MtClass.BULK):
        has_to_yield = each.mt_class is MtClass.BULK and not pressing.isdisjoint(each.rates)
        if not has_to_yield and all(turns.paces[key].free_at <= now + BURST for key in each.rates):
            turns.allowed.append(each)
            _use(turns.paces, each.rates, now)
        else:
            turns.later[each.id] = _come_back(turns.paces, each, now)
    return turns


def _use(paces: dict[UUID, Pace], rates: Mapping[UUID, float], now: datetime) -> None:
    for key, per_second in rates.items():
        free_at = max(paces[key].free_at, now) + timedelta(seconds=1 / per_second)
        paces[key] = replace(paces[key], free_at=free_at)


def _come_back(paces: dict[UUID, Pace], each: Seen, now: datetime) -> datetime:
    """When to try again. A new MT queues at the tail; one that has waited already does not go there again."""
    due_at = now + BURST
    for key, per_second in each.rates.items():
        pace = paces[key]
        step = timedelta(seconds=1 / per_second)
        is_back = each.reason == PACED or each.mt_class is not MtClass.BULK
        begins = max(pace.free_at if is_back else max(pace.tail_at, pace.free_at), now)
        due_at = max(due_at, begins)
        paces[key] = (
            replace(pace, free_at=max(pace.free_at, now) + step) if is_back else replace(pace, tail_at=begins + step)
        )
    return due_at
