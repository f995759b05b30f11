"""The loop of every delivery: take a place, claim, try, settle. Used by ``mts``, ``webhooks`` and ``emails``.

A claim commits before the outside is called and its result is stored after it, so no transaction is open during a try. The
place is taken before the claim: what waits for one is not claimed, and a try's clock does not run while it waits. What a
crash leaves between claim and result lapses with its lease, and the scheduler finds it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from twoway_router.domain.clock import Clock
from twoway_router.outbound.gate import Gate, Gates
from twoway_router.store import Engine, Session, System, transaction
from twoway_router.store.group_commit import GroupCommit
from twoway_router.store.until_stored import until_stored
from twoway_router.tasks import OwnedTasks

WAIT_FOR_ROOM: Final = timedelta(seconds=10)
LONGEST_PUT_OFF: Final = timedelta(seconds=60)
JOBS_PER_CLAIM: Final = 20
RESTS: Final = "rests"
IS_SLOW: Final = "is_slow"


class Candidate(Protocol):
    """A row that is due. ``destination`` is whose gate it has to pass; None: it needs no place there."""

    @property
    def id(self) -> UUID: ...
    @property
    def destination(self) -> UUID | None: ...
    @property
    def rests_until(self) -> datetime | None: ...


class Claim(Protocol):
    """A row that this process may try until its lease ends."""

    @property
    def id(self) -> UUID: ...


Row = TypeVar("Row", bound=Candidate)
Claimed = TypeVar("Claimed", bound=Claim)
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried(Generic[Result]):
    """What one try brought. ``has_answered``: the other side works, whatever it said; ``pause`` is its own wish."""

    result: Result
    has_answered: bool
    pause: timedelta | None = None


class Deliverer(Protocol[Row, Claimed, Result]):
    """What MTs, webhooks and e-mails do in their own way. All but ``attempt`` work in a transaction, many rows at once."""

    async def look(self, session: Session, ids: Collection[UUID], now: datetime) -> Sequence[Row]:
        """Which of these are due."""
        ...

    async def claim(self, session: Session, rows: Sequence[Row], now: datetime) -> Sequence[Claimed]:
        """Claim those that are still due, and see to a job for those that it leaves."""
        ...

    async def postpone(self, session: Session, dues: Mapping[UUID, datetime], reason: str) -> None:
        """Make rows due later, with a job at their time. ``reason``: their destination ``RESTS`` or ``IS_SLOW``."""
        ...

    async def attempt(self, claimed: Claimed) -> Tried[Result]:
        """One try, with no transaction open."""
        ...

    async def settle(self, results: Sequence[Result]) -> Sequence[None]:
        """Store what tries brought in one transaction; harmless twice."""
        ...


@dataclass(kw_only=True, slots=True)
class _Share(Generic[Claimed]):
    """What became of one job's rows. ``crowded`` ones wait for room at their destination."""

    claims: list[tuple[Claimed, UUID | None]] = field(default_factory=list)
    crowded: dict[UUID, list[UUID]] = field(default_factory=dict)


class DeliveryLoop(Generic[Row, Claimed, Result]):
    """One per process and kind of job. A slow or dead destination delays only what goes there.

    ``room`` bounds the tries under way at once, ``gates`` those at one destination; loops may share both. One that
    ``spares`` them leaves a quarter to the others. One that ``puts_off`` never waits at a gate: what finds it full is due
    later, the later the more there is.
    """

    def __init__(
        self,
        engine: Engine,
        deliverer: Deliverer[Row, Claimed, Result],
        *,
        name: str,
        room: Gate,
        gates: Gates[UUID],
        clock: Clock,
        chance: Callable[[], float],
        spares: bool = False,
        puts_off: bool = False,
    ) -> None:
        self._engine = engine
        self._deliverer = deliverer
        self._room = room
        self._gates = gates
        self._clock = clock
        self._chance = chance
        self._spares = spares
        self._puts_off = puts_off
        self._claims: GroupCommit[Sequence[UUID], _Share[Claimed]] = GroupCommit(self._claim, max_rows=JOBS_PER_CLAIM)
        self._settles: GroupCommit[Result, None] = GroupCommit(deliverer.settle)
        self._tries = OwnedTasks(f"{name}.settle_failed")
        """A result that could not be stored stays claimed; when its lease ends, that is seen."""

    async def deliver(self, ids: Sequence[UUID]) -> None:
        """Return when all that could be claimed is under way, and the rest is due later. Tries go on in the background."""
        waiting = list(ids)
        while waiting:
            if not await self._room.wait(WAIT_FOR_ROOM, count=len(waiting), spares=self._spares):
                await self._put_off(waiting)
                return
            free = self._room.room(spares=self._spares)
            now_due, waiting = waiting[:free], waiting[free:]
            self._room.enter(len(now_due))
            count = 0
            try:
                share = await self._claims.submit(now_due)
                count = len(share.claims)
            finally:
                self._room.give_back(len(now_due) - count)
            for claimed, destination in share.claims:
                self._tries.start(self._try(claimed, destination), then=lambda: self._room.give_back(1))
            for destination, crowd in share.crowded.items():
                gate = self._gates.of(destination)
                if await gate.wait(WAIT_FOR_ROOM, count=len(crowd), spares=self._spares):
                    waiting.extend(crowd)
                else:
                    await self._put_off(crowd)

    async def drain(self) -> None:
        """Wait until every try under way has settled."""
        await self._tries.drain()
        await self._settles.drain()

    async def _claim(self, jobs: Sequence[Sequence[UUID]]) -> Sequence[_Share[Claimed]]:
        """One look and one claim for all jobs; a share per job. Places are taken with the look and given back without a claim."""
        now = self._clock()
        owners = {each: place for place, job in enumerate(jobs) for each in job}
        shares: list[_Share[Claimed]] = [_Share() for _ in jobs]
        entered: dict[UUID, Row] = {}
        resting: dict[UUID, datetime] = {}
        late: dict[UUID, datetime] = {}
        crowds: dict[UUID, int] = {}
        claims: Sequence[Claimed] = ()
        try:
            async with transaction(self._engine, System("executor")) as session:
                for row in await self._deliverer.look(session, owners, now):
                    if row.destination is None:
                        entered[row.id] = row
                        continue
                    gate = self._gates.of(row.destination)
                    rests_until = max(row.rests_until or now, gate.rests_until(now) or now)
                    if rests_until > now:
                        resting[row.id] = rests_until + timedelta(seconds=self._chance() if self._puts_off else 0)
                    elif gate.room(spares=self._spares):
                        gate.enter(1)
                        entered[row.id] = row
                    elif self._puts_off:
                        crowds[row.destination] = crowds.get(row.destination, 0) + 1
                        wait = timedelta(seconds=1 + 0.2 * crowds[row.destination]) * (0.5 + self._chance())
                        late[row.id] = now + min(wait, LONGEST_PUT_OFF)
                    else:
                        shares[owners[row.id]].crowded.setdefault(row.destination, []).append(row.id)
                taken = await self._deliverer.claim(session, list(entered.values()), now) if entered else ()
                await self._deliverer.postpone(session, resting, RESTS)
                await self._deliverer.postpone(session, late, IS_SLOW)
            claims = taken
        finally:
            for row_id in entered.keys() - {each.id for each in claims}:
                if destination := entered[row_id].destination:
                    self._gates.of(destination).give_back(1)
        for each in claims:
            shares[owners[each.id]].claims.append((each, entered[each.id].destination))
        return shares

    async def _put_off(self, ids: Sequence[UUID]) -> None:
        due_at = self._clock() + WAIT_FOR_ROOM * (0.5 + self._chance())
        async with transaction(self._engine, System("executor")) as session:
            await self._deliverer.postpone(session, dict.fromkeys(ids, due_at), IS_SLOW)

    async def _try(self, claimed: Claimed, destination: UUID | None) -> None:
        has_answered, pause = False, None
        try:
            tried = await self._deliverer.attempt(claimed)
            has_answered, pause = tried.has_answered, tried.pause
        finally:
            if destination is not None:
                self._gates.of(destination).leave(has_answered=has_answered, now=self._clock(), pause=pause)
        await until_stored(lambda: self._settles.submit(tried.result))
