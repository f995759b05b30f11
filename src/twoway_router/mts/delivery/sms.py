"""Delivers the MTs that jobs name: the loop of claim, try and settle. Called by ``executor`` with the ids of a job."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.carriers.errors import SpecError
from twoway_router.domain.clock import Clock
from twoway_router.domain.messages import Capability, Encoding, OutboundMessage
from twoway_router.domain.outcomes import Failed, Retry, SendReply, Unknown
from twoway_router.mts.delivery.claiming import Claimer, Round
from twoway_router.mts.delivery.settling import Resolution, Settlement, Settler, outcome_word, wanted_pause
from twoway_router.mts.delivery.sources import Announce, ConnectionSource, tell_nobody
from twoway_router.mts.jobs import postpone
from twoway_router.mts.queries.delivering import Claimed, Seen
from twoway_router.outbound.gate import Gates
from twoway_router.outbound.http import HttpClient
from twoway_router.outbound.sms import look_up_sms, send_sms
from twoway_router.store import Engine, System, transaction
from twoway_router.store.group_commit import GroupCommit
from twoway_router.store.until_stored import until_stored
from twoway_router.telemetry.metrics import MT, PATH_SECONDS

log = structlog.get_logger(__name__)

WAIT_FOR_ROOM: Final = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Times and bounds, from the settings. ``per_connection`` bounds the tries under way at one carrier."""

    lease: timedelta
    timeout: timedelta
    receipt_wait: timedelta
    per_connection: int = 128

    @property
    def reserve(self) -> timedelta:
        """What must be left of a lease when a try begins, so that it is over before anybody else may decide."""
        return min(self.timeout, self.lease / 2)


class SmsDelivery:
    """One per process. A slow or dead carrier delays only its own MTs.

    A process that was stopped after its claim may wake when others have decided: it sends nothing then.
    """

    def __init__(
        self,
        engine: Engine,
        client: HttpClient,
        connections: ConnectionSource,
        *,
        limits: Limits,
        clock: Clock,
        announce: Announce = tell_nobody,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._engine = engine
        self._client = client
        self._limits = limits
        self._clock = clock
        self._chance = chance
        self._gates: Gates[UUID] = Gates(limits.per_connection)
        claimer = Claimer(engine, connections, self._gates, lease=limits.lease, clock=clock, announce=announce)
        settler = Settler(engine, clock=clock, chance=chance, receipt_wait=limits.receipt_wait, announce=announce)
        self._claims: GroupCommit[Sequence[UUID], Round] = GroupCommit(claimer.claim, max_rows=20)
        self._settles: GroupCommit[Settlement | Resolution, None] = GroupCommit(settler.settle)
        self._under_way: set[asyncio.Task[None]] = set()

    async def deliver(self, ids: Sequence[UUID]) -> None:
        """Return when all that could be claimed is claimed, or made due later; tries go on in the background."""
        waiting = list(ids)
        while waiting:
            found = await self._claims.submit(waiting)
            for claimed, connection in found.claims:
                self._begin(self._attempt(claimed, connection))
            for seen, connection in found.unknown:
                self._begin(self._resolve(seen, connection))
            waiting = []
            for connection_id, crowd in found.crowded.items():
                if await self._gates.of(connection_id).wait(WAIT_FOR_ROOM):
                    waiting.extend(crowd)
                else:
                    due_at = self._clock() + WAIT_FOR_ROOM * (0.5 + self._chance())
                    async with transaction(self._engine, System("executor")) as session:
                        await postpone(session, dict.fromkeys(crowd, due_at), "carrier_is_slow")

    @property
    def bulk(self) -> "SmsDelivery":
        """The same for bulk."""
        return self

    async def drain(self) -> None:
        """Wait until every try under way has settled."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        await self._settles.drain()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A result that could not be stored stays claimed; when its lease ends it is unknown."""
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("mt.settle_failed", error=type(error).__name__)

    async def _attempt(self, claimed: Claimed, connection: CompiledConnection) -> None:
        started_at = self._clock()
        reply: SendReply = Unknown(reason="cancelled")
        try:
            is_late = started_at > claimed.lease_until - self._limits.reserve
            reply = Retry(reason="lease_over") if is_late else await self._send(claimed, connection)
        finally:
            finished_at = self._clock()
            self._gates.of(claimed.connection_id).leave(
                has_answered=_has_answered(reply), now=finished_at, pause=wanted_pause(reply)
            )
        MT.labels(connection.carrier, outcome_word(reply)).inc()
        PATH_SECONDS.labels("mt").observe(max(0.0, (finished_at - claimed.created_at).total_seconds()))
        settlement = Settlement(
            id=claimed.id,
            attempt=claimed.attempt,
            reply=reply,
            carrier=connection.carrier,
            capability=connection.capability,
            connection_id=claimed.connection_id,
            started_at=started_at,
            finished_at=finished_at,
        )
        await until_stored(lambda: self._settles.submit(settlement))

    async def _send(self, claimed: Claimed, connection: CompiledConnection) -> SendReply:
        message = OutboundMessage(
            reference=str(claimed.id),
            sender=claimed.sender,
            recipient=claimed.recipient,
            text=claimed.text,
            encoding=Encoding(claimed.encoding),
            segments=claimed.segments,
            reply_token=claimed.reply_token,
        )
        try:
            return await send_sms(self._client, connection, message, timeout=self._limits.timeout, now=self._clock())
        except SpecError as error:
            log.error("mt.not_sendable", message_id=str(claimed.id), carrier=connection.carrier, error=str(error))
            return Failed(reason="carrier_cannot_send")

    async def _resolve(self, seen: Seen, connection: CompiledConnection) -> None:
        """An unknown MT: ask its carrier where that is possible, else let the rules decide."""
        found: SendReply | None = None
        if connection.capability is Capability.LOOK_UP:
            found = await look_up_sms(self._client, connection, str(seen.id), timeout=self._limits.timeout)
        await self._settles.submit(
            Resolution(
                id=seen.id,
                connection_id=seen.connection_id,
                carrier=connection.carrier,
                capability=connection.capability,
                found=found,
            )
        )


def _has_answered(reply: SendReply) -> bool:
    """Whether the carrier works. An answer that asks for another try counts against it unless it only throttles us."""
    return not isinstance(reply, Unknown | Retry) or (isinstance(reply, Retry) and reply.throttled)
