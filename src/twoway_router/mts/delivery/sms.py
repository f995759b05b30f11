"""Delivers the MTs that jobs name, by ``outbound.delivery_loop``. Made by ``executor``, called with the ids of a job."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.carriers.errors import SpecError
from twoway_router.domain.clock import Clock
from twoway_router.domain.messages import Capability, Encoding, MtState, OutboundMessage
from twoway_router.domain.outcomes import Failed, Retry, SendReply, Unknown
from twoway_router.events.news import Listener, News
from twoway_router.mts.delivery.claiming import claim_mts
from twoway_router.mts.delivery.settling import Resolution, Settlement, Settler, outcome_word, wanted_pause
from twoway_router.mts.delivery.sources import ConnectionSource
from twoway_router.mts.jobs import postpone
from twoway_router.mts.queries import delivering
from twoway_router.mts.queries.delivering import Claimed, Seen
from twoway_router.outbound.delivery_loop import DeliveryLoop, Tried
from twoway_router.outbound.gate import Gate, Gates
from twoway_router.outbound.sms import SmsSender
from twoway_router.store import Engine, Session
from twoway_router.telemetry.metrics import MT, PATH_SECONDS

log = structlog.get_logger(__name__)

UNUSABLE_FOR: Final = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Times and bounds, from the settings. ``process_number`` is the process that claims.

    ``per_connection`` bounds the tries under way at one carrier, ``at_once`` all.
    """

    lease: timedelta
    timeout: timedelta
    receipt_wait: timedelta
    process_number: int | None = None
    per_connection: int = 128
    at_once: int = 2048

    @property
    def reserve(self) -> timedelta:
        """What must be left of a lease when a try begins, so that it is over before anybody else may decide."""
        return min(self.timeout, self.lease / 2)


class SmsDelivery:
    """One per process: ``deliver`` takes answers and the like, ``bulk`` bulk. Both share the places at a carrier.

    A process that was stopped after its claim may wake when others have decided: it sends nothing then.
    """

    def __init__(
        self,
        engine: Engine,
        sender: SmsSender,
        connections: ConnectionSource,
        *,
        limits: Limits,
        clock: Clock,
        tell: Listener,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sender = sender
        self._connections = connections
        self._limits = limits
        self._clock = clock
        self._tell = tell
        self._compiled: dict[UUID, CompiledConnection] = {}
        self._rested: dict[UUID, bool] = {}
        self.settle = Settler(engine, clock=clock, chance=chance, receipt_wait=limits.receipt_wait, tell=tell).settle
        room, gates = Gate(limits.at_once), Gates[UUID](limits.per_connection)
        self._answers, self.bulk = (
            DeliveryLoop(engine, self, name="mt", room=room, gates=gates, clock=clock, chance=chance, spares=is_bulk)
            for is_bulk in (False, True)
        )
        self.deliver = self._answers.deliver

    async def drain(self) -> None:
        """Wait until every try under way has settled."""
        await self._answers.drain()
        await self.bulk.drain()

    async def look(self, session: Session, ids: Collection[UUID], now: datetime) -> Sequence[Seen]:
        """MTs that are due, at connections that can be used; those of others come back later."""
        seen = await delivering.look(session, ids, now)
        self._rested |= {each.connection_id: each.rest_reason is not None for each in seen}
        usable: set[UUID] = set()
        for connection_id, revision in {each.connection_id: each.revision for each in seen if each.is_usable}.items():
            if compiled := await self._connections.get(session, connection_id, revision):
                self._compiled[connection_id] = compiled
                usable.add(connection_id)
        waiting = [each.id for each in seen if each.connection_id not in usable and each.state == MtState.PLANNED]
        await postpone(session, dict.fromkeys(waiting, now + UNUSABLE_FOR), "connection_unusable")
        return [each for each in seen if each.connection_id in usable]

    async def claim(self, session: Session, rows: Sequence[Seen], now: datetime) -> Sequence[Claimed | Seen]:
        """What may be handed over now, and unknown MTs as they are: those are only asked for."""
        planned = [each for each in rows if each.state == MtState.PLANNED]
        claims, ended = await claim_mts(session, planned, now, self._limits.lease, self._limits.process_number)
        await self._tell(session, News(moved={each.id: each.tenant_id for each in ended if each.tenant_id}), now)
        return [*claims, *(each for each in rows if each.state == MtState.UNKNOWN)]

    async def postpone(self, session: Session, dues: Mapping[UUID, datetime], reason: str) -> None:
        """Make planned MTs due later because of their carrier."""
        await postpone(session, dues, f"carrier_{reason}")

    async def attempt(self, claimed: Claimed | Seen) -> Tried[Settlement | Resolution]:
        """Hand an MT over, or look for an unknown one where its carrier can be asked."""
        connection = self._compiled[claimed.connection_id]
        if isinstance(claimed, Seen):
            found = None
            if connection.capability is Capability.LOOK_UP:
                found = await self._sender.look_up(connection, str(claimed.id), timeout=self._limits.timeout)
            resolution = Resolution(
                id=claimed.id,
                connection_id=claimed.connection_id,
                carrier=connection.carrier,
                capability=connection.capability,
                found=found,
            )
            return Tried(result=resolution, has_answered=True)
        started_at = self._clock()
        is_late = started_at > claimed.lease_until - self._limits.reserve
        reply = Retry(reason="lease_over") if is_late else await self._send(claimed, connection, started_at)
        finished_at = self._clock()
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
            has_rested=self._rested.get(claimed.connection_id, False),
        )
        pause = wanted_pause(reply)
        # an answer that asks for another try counts against the carrier unless it only throttles us: where our account is
        # refused, one MT at a time tries again
        return Tried(result=settlement, has_answered=bool(pause) or not isinstance(reply, Unknown | Retry), pause=pause)

    async def _send(self, claimed: Claimed, connection: CompiledConnection, now: datetime) -> SendReply:
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
            return await self._sender.send(connection, message, timeout=self._limits.timeout, now=now)
        except SpecError as error:
            log.error("mt.not_sendable", message_id=str(claimed.id), carrier=connection.carrier, error=str(error))
            return Failed(reason="carrier_cannot_send")
