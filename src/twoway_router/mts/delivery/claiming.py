"""Looks at the MTs that jobs name and claims those that may be tried now. Called by ``sms`` through a group commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.consent import service as consent
from twoway_router.consent.rules import Person
from twoway_router.domain.clock import Clock
from twoway_router.domain.messages import MtState
from twoway_router.events.news import News
from twoway_router.mts.delivery.pacing import spend, take_turns
from twoway_router.mts.delivery.sources import Announce, ConnectionSource
from twoway_router.mts.jobs import add_jobs, add_successors, postpone
from twoway_router.mts.queries import delivering
from twoway_router.mts.queries.delivering import Claimed, Seen
from twoway_router.mts.queries.order import list_first
from twoway_router.mts.rules import CLOCK_SKEW, MtClass
from twoway_router.outbound.gate import Gate, Gates
from twoway_router.store import Engine, Session, System, transaction
from twoway_router.telemetry.metrics import CONSENT_BLOCKED

UNUSABLE_FOR: Final = timedelta(seconds=60)
LOOK_AGAIN_AFTER: Final = timedelta(seconds=2)


@dataclass(kw_only=True, slots=True)
class Round:
    """What became of one job's MTs. ``crowded`` wait for room at their connection."""

    claims: list[tuple[Claimed, CompiledConnection]] = field(default_factory=list)
    unknown: list[tuple[Seen, CompiledConnection]] = field(default_factory=list)
    crowded: dict[UUID, list[UUID]] = field(default_factory=dict)


@dataclass(kw_only=True, slots=True)
class _Sorted:
    """Open MTs by what can be done with them now."""

    ready: list[Seen] = field(default_factory=list)
    unknown: list[Seen] = field(default_factory=list)
    crowded: list[Seen] = field(default_factory=list)
    later: dict[tuple[datetime, str], list[UUID]] = field(default_factory=dict)


class Claimer:
    """Claims for one process. Room at a gate is taken with the claim and left when its try ends."""

    def __init__(
        self,
        engine: Engine,
        connections: ConnectionSource,
        gates: Gates[UUID],
        *,
        lease: timedelta,
        clock: Clock,
        announce: Announce,
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._gates = gates
        self._lease = lease
        self._announce = announce
        self._clock = clock

    async def claim(self, jobs: Sequence[Sequence[UUID]]) -> Sequence[Round]:
        """One look and one claim for all jobs; one round per job."""
        ids = list({mt_id for job in jobs for mt_id in job})
        now = self._clock()
        found, claims = _Sorted(), list[Claimed]()
        try:
            async with transaction(self._engine, System("executor")) as session:
                seen = await delivering.look(session, ids, now)
                compiled = await self._compile(session, seen)
                self._sort(seen, compiled, found, now)
                taken = await self._claim(session, await take_turns(session, found.ready, now))
                for (due_at, reason), late in found.later.items():
                    await postpone(session, dict.fromkeys(late, due_at), reason)
            claims.extend(taken)
        finally:
            self._give_back(found.ready, claims)
        return _share_out(jobs, claims, found, compiled)

    async def _compile(self, session: Session, seen: Sequence[Seen]) -> Mapping[UUID, CompiledConnection]:
        wanted = {each.connection_id: each.revision for each in seen if each.is_usable}
        found = {key: await self._connections.get(session, key, revision) for key, revision in wanted.items()}
        return {key: connection for key, connection in found.items() if connection is not None}

    def _sort(
        self, seen: Sequence[Seen], compiled: Mapping[UUID, CompiledConnection], result: _Sorted, now: datetime
    ) -> None:
        """Sort by what can be done now; what is ready has entered its gate."""
        for each in seen:
            gate = self._gates.of(each.connection_id)
            if each.connection_id not in compiled:
                if each.state == MtState.PLANNED:
                    result.later.setdefault((now + UNUSABLE_FOR, "connection_unusable"), []).append(each.id)
            elif each.state == MtState.UNKNOWN:
                result.unknown.append(each)
            elif rests_until := _rests_until(gate, each, now):
                result.later.setdefault((rests_until, "carrier_rests"), []).append(each.id)
            elif gate.room() <= 0:
                result.crowded.append(each)
            else:
                gate.enter(1)
                result.ready.append(each)

    async def _claim(self, session: Session, ready: Sequence[Seen]) -> Sequence[Claimed]:
        """Consent is asked here, once more and last: an opt-out that has committed wins, one that has not yet waits."""
        if not ready:
            return []
        await consent.hold(session, [Person(number_id=each.number_id, msisdn=each.recipient) for each in ready])
        now = self._clock()
        ids = [each.id for each in ready]
        claims, ended = await delivering.claim(session, ids, now, now + self._lease)
        CONSENT_BLOCKED.labels("claimed").inc(sum(each.state == MtState.SUPPRESSED for each in ended))
        await spend(session, ready, claims, now)
        await add_successors(session, {each.order_key for each in ended if each.mt_class is not MtClass.BULK}, now)
        taken = {claim.id for claim in claims}
        gone = taken | {each.id for each in ended}
        moving = {each.order_key for each in ready if each.id in gone and each.mt_class is not MtClass.BULK}
        left = [each for each in ready if each.id not in gone]
        waiting = [each for each in left if each.mt_class is MtClass.BULK or each.order_key not in moving]
        await _look_again(session, waiting, now)
        await self._announce(session, News(moved={each.id: each.tenant_id for each in ended if each.tenant_id}), now)
        return claims

    def _give_back(self, ready: Sequence[Seen], claims: Sequence[Claimed]) -> None:
        taken = {claim.id for claim in claims}
        for each in ready:
            if each.id not in taken:
                self._gates.of(each.connection_id).give_back(1)


async def _look_again(session: Session, left: Sequence[Seen], now: datetime) -> None:
    """Jobs for who was due and could not be claimed.

    Who waits for an MT under way, or was only locked, asks again soon: whoever settles that just now may have looked for
    the next one too early. Who waits for a retry gets a job when that one is settled. Bulk is told by nobody: it comes
    back after what it waits for.
    """
    if not left:
        return
    first = await list_first(session, {each.order_key for each in left})
    soon, again, bulk = now + LOOK_AGAIN_AFTER, dict[int, Seen](), dict[UUID, datetime]()
    for each in left:
        found = first.get(each.order_key)
        if each.mt_class is MtClass.BULK:
            is_held = found is not None and found.first_due_at <= now + CLOCK_SKEW
            bulk[each.id] = max(soon, found.due_at) if found and is_held else soon
        elif found and (found.state == MtState.CLAIMED or (found.id == each.id and found.due_at <= now + CLOCK_SKEW)):
            again.setdefault(each.order_key, each)
    await add_jobs(session, list(again.values()), [soon] * len(again))
    await postpone(session, bulk, "answers_first")


def _rests_until(gate: Gate, seen: Seen, now: datetime) -> datetime | None:
    """When this process or any other may try the connection again; None when now."""
    until = seen.rests_until if seen.rests_until and seen.rests_until > now else None
    own = gate.rests_until(now)
    return max(until, own) if until and own else until or own


def _share_out(
    jobs: Sequence[Sequence[UUID]],
    claims: Sequence[Claimed],
    found: _Sorted,
    compiled: Mapping[UUID, CompiledConnection],
) -> Sequence[Round]:
    rounds = [Round() for _ in jobs]
    owner = {mt_id: rounds[position] for position, job in enumerate(jobs) for mt_id in job}
    for claim in claims:
        owner[claim.id].claims.append((claim, compiled[claim.connection_id]))
    for seen in found.unknown:
        owner[seen.id].unknown.append((seen, compiled[seen.connection_id]))
    for seen in found.crowded:
        owner[seen.id].crowded.setdefault(seen.connection_id, []).append(seen.id)
    return rounds
