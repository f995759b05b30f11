"""The simulated carrier of all sandboxes: takes their MTs where an HTTP client would be, and reports on them by a job.

Stands between ``mts.delivery`` and the network; made by ``executor``. What it has taken is the row of the MT itself
and the outbox entry of its report, so it forgets nothing in a crash and needs no process of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from twoway_router.carriers.http import HttpReply, HttpRequest
from twoway_router.domain.clock import Clock
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import DeliveryReceipt
from twoway_router.mts.delivery import Announce
from twoway_router.mts.service import apply_receipts
from twoway_router.outbound.errors import SendRefused, SendUnknown
from twoway_router.outbound.http import HttpClient
from twoway_router.sandbox import queries
from twoway_router.sandbox.queries import SandboxMt
from twoway_router.sandbox.rules import Fate, Refusal, fate_of
from twoway_router.store import Engine, Session, System, outbox, transaction
from twoway_router.store.failures import DATABASE_ERRORS

JOB: Final = "sandbox.report"
SEND_URL: Final = "https://sandbox.invalid/messages"
"""As in the carrier's spec; a host name that can never be registered (RFC 2606)."""


class SandboxCarrier:
    """An ``HttpClient``: what is for the sandboxes' carrier is answered here, everything else goes out as it is."""

    def __init__(self, engine: Engine, outside: HttpClient, *, clock: Clock, announce: Announce) -> None:
        self._engine = engine
        self._outside = outside
        self._clock = clock
        self._announce = announce

    async def send(self, request: HttpRequest, *, timeout: timedelta) -> HttpReply:
        """One exchange with the simulated carrier, or with a real one."""
        if request.url != SEND_URL:
            return await self._outside.send(request, timeout=timeout)
        reference = _reference(request)
        try:
            async with transaction(self._engine, System("executor")) as session:
                refusal = await self._take(session, reference)
        except DATABASE_ERRORS as error:
            raise SendRefused("sandbox_unavailable") from error
        if refusal is not None and refusal.is_lost:
            raise SendUnknown(refusal.error)
        return _reply(reference, refusal)

    async def close(self) -> None:
        """Close the way out."""
        await self._outside.close()

    async def deliver(self, ids: Sequence[UUID]) -> None:
        """Job ``sandbox.report``: the receipts for MTs whose time has come."""
        async with transaction(self._engine, System("executor")) as session:
            await self._report(session, await queries.list_mts(session, ids))

    async def drain(self) -> None:
        """Nothing is ever under way."""

    async def _take(self, session: Session, reference: UUID | None) -> Refusal | None:
        """Take the MT and see to its report, or refuse it. A live MT can only come here by mistake."""
        found = await queries.list_mts(session, [reference] if reference else [])
        if not found:
            return Refusal(status=403, error="no_sandbox")
        (mt,) = found
        fate = fate_of(mt.recipient)
        refusal = fate.answer_to(mt.attempt)
        if refusal is None:
            await self._see_to_report(session, mt, fate)
        return refusal

    async def _see_to_report(self, session: Session, mt: SandboxMt, fate: Fate) -> None:
        if fate.after is None:
            await self._report(session, [mt])
        elif fate.reports:
            await outbox.add_later(session, JOB, [mt.id], [0], [self._clock() + fate.after])

    async def _report(self, session: Session, mts: Sequence[SandboxMt]) -> None:
        now = self._clock()
        for mt in mts:
            reported = [(ConnectionId(mt.connection_id), receipt) for receipt in _receipts(mt, now)]
            await self._announce(session, await apply_receipts(session, reported, now=now), now)


def _receipts(mt: SandboxMt, now: datetime) -> Sequence[DeliveryReceipt]:
    return [
        DeliveryReceipt(
            state=report.state,
            raw_state=report.state.value,
            reference=str(mt.id),
            recipient=mt.recipient,
            error=report.error,
            carrier_time=now,
            opted_out=report.opted_out,
        )
        for report in fate_of(mt.recipient).reports
    ]


def _reference(request: HttpRequest) -> UUID | None:
    """The MT that a request names; None when it is not one of ours."""
    try:
        return UUID(orjson.loads(request.body)["reference"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _reply(reference: UUID | None, refusal: Refusal | None) -> HttpReply:
    if refusal is None:
        return _json(200, {"id": f"sandbox-{reference}"}, {})
    wait = refusal.retry_after_seconds
    return _json(refusal.status, {"error": refusal.error}, {} if wait is None else {"retry-after": str(wait)})


def _json(status: int, content: Mapping[str, str], headers: Mapping[str, str]) -> HttpReply:
    return HttpReply(status=status, headers={"content-type": "application/json", **headers}, body=orjson.dumps(content))
