"""The simulated carrier of all sandboxes: takes their MTs in place of a network, and reports on them by a job.

Made by ``executor``. What it has taken is the row of the MT itself and the outbox entry of its report, so it forgets nothing
in a crash and needs no process of its own.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.carriers.http import HttpReply
from twoway_router.domain.clock import Clock
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import DeliveryReceipt, OutboundMessage
from twoway_router.domain.outcomes import Retry, SendReply, Unknown
from twoway_router.events.news import Listener
from twoway_router.mts.service import apply_receipts
from twoway_router.sandbox import queries
from twoway_router.sandbox.queries import SandboxMt
from twoway_router.sandbox.rules import Refusal, fate_of
from twoway_router.store import Engine, Session, System, outbox, transaction
from twoway_router.store.failures import DATABASE_ERRORS

JOB: Final = "sandbox.report"


class SandboxCarrier:
    """An ``SmsSender``: the carrier is this process and the database."""

    def __init__(self, engine: Engine, *, clock: Clock, tell: Listener) -> None:
        self._engine = engine
        self._clock = clock
        self._tell = tell

    async def send(
        self, connection: CompiledConnection, message: OutboundMessage, *, timeout: timedelta, now: datetime
    ) -> SendReply:
        """Take the MT and see to its report, or refuse it, in the words that the carrier's spec reads."""
        try:
            async with transaction(self._engine, System("executor")) as session:
                refusal = await self._take(session, UUID(message.reference))
        except DATABASE_ERRORS:
            return Retry(reason="sandbox_unavailable")
        if refusal is None:
            return connection.read_reply(_reply(200, {"id": f"sandbox-{message.reference}"}))
        if refusal.is_lost:
            return Unknown(reason=refusal.error)
        wait = refusal.retry_after_seconds
        headers = {} if wait is None else {"retry-after": str(wait)}
        return connection.read_reply(_reply(refusal.status, {"error": refusal.error}, **headers))

    async def look_up(self, connection: CompiledConnection, reference: str, *, timeout: timedelta) -> SendReply:
        """It takes our reference as a key, so nobody has to ask."""
        return Unknown(reason="not_asked")

    async def deliver(self, ids: Sequence[UUID]) -> None:
        """Job ``sandbox.report``: the receipts for MTs whose time has come."""
        async with transaction(self._engine, System("executor")) as session:
            await self._report(session, await queries.list_mts(session, ids))

    async def drain(self) -> None:
        """Nothing is ever under way."""

    async def _take(self, session: Session, reference: UUID) -> Refusal | None:
        """A live MT can only come here by mistake."""
        found = await queries.list_mts(session, [reference])
        if not found:
            return Refusal(status=403, error="no_sandbox")
        (mt,) = found
        fate = fate_of(mt.recipient)
        if refusal := fate.answer_to(mt.attempt):
            return refusal
        if fate.after is None:
            await self._report(session, [mt])
        elif fate.reports:
            await outbox.add_later(session, JOB, [mt.id], [0], [self._clock() + fate.after])
        return None

    async def _report(self, session: Session, mts: Sequence[SandboxMt]) -> None:
        now = self._clock()
        for mt in mts:
            reported = [
                (
                    ConnectionId(mt.connection_id),
                    DeliveryReceipt(
                        state=report.state,
                        raw_state=report.state.value,
                        reference=str(mt.id),
                        recipient=mt.recipient,
                        error=report.error,
                        carrier_time=now,
                        opted_out=report.opted_out,
                    ),
                )
                for report in fate_of(mt.recipient).reports
            ]
            await self._tell(session, await apply_receipts(session, reported, now=now), now)


def _reply(status: int, content: dict[str, str], **headers: str) -> HttpReply:
    headers = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return HttpReply(status=status, headers=headers, body=orjson.dumps(content))
