"""A simulated carrier: takes MTs as its dialect's API does, emits MOs and receipts, breaks on purpose, keeps a journal.

Runs inside the demo, or as a process of its own (``twoway-router lab carrier``) that crash tests never kill.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

from pydantic import ValidationError

from twoway_router.domain.clock import Clock, utc_now
from twoway_router.domain.messages import Capability
from twoway_router.lab.arrivals import Arrivals
from twoway_router.lab.behaviour import Behaviour, Fault, Receipts, Report, RetryRule, choose_fault, receipt_plan
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt
from twoway_router.lab.dialects.registry import DIALECTS
from twoway_router.lab.emitter import Emission, Emitter
from twoway_router.lab.journal import Journal, read_journal
from twoway_router.lab.mos import Disorder, Mo, MoBurst, refusals_of
from twoway_router.lab.web import Breakage, LabReply, LabRequest, as_asgi, serving

Answered = LabReply | Breakage


class SimulatedCarrier:
    """One carrier. ``mts`` are its newest MTs; the journal has all of them and every acknowledged MO."""

    def __init__(
        self,
        journal: Journal,
        behaviour: Behaviour,
        tasks: asyncio.TaskGroup,
        dialect: Dialect = DIALECTS["generic"],
        clock: Clock = utc_now,
    ) -> None:
        self.url = ""
        self.behaviour = behaviour
        self.dialect = dialect
        self.mts: Arrivals[Mt] = Arrivals()
        self._journal = journal
        self._emitter = Emitter(journal, dialect, clock)
        self._group = tasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._tries: dict[str, int] = {}
        self._ids: dict[str, str] = {}
        self._counts = {"mts": 0, "repeats": 0, "faults": 0}
        # An idempotent carrier knows the references of an earlier run.
        earlier = [record for record in read_journal(journal.path) if record["kind"] == "mt"]
        for record in earlier:
            if record["reference"]:
                self._ids.setdefault(str(record["reference"]), str(record["id"]))
        self._numbers = itertools.count(len(earlier) + 1)

    @property
    def account(self) -> Account:
        """What a connection to this carrier needs."""
        return self.dialect.account.at(self.url)

    @property
    def receipts(self) -> Arrivals[Ack]:
        """What became of the newest receipts."""
        return self._emitter.receipts

    @property
    def mode(self) -> Capability:
        """How the carrier settles a lost answer."""
        return self.behaviour.mode or self.dialect.mode

    async def emit(
        self,
        url: str,
        mo: Mo,
        headers: Mapping[str, str] | None = None,
        *,
        disorder: Disorder | None = None,
        account: Account | None = None,
    ) -> Emission:
        """Emit one MO and wait for its acknowledgement; with another ``account`` its proof is wrong."""
        return await self._emitter.emit(
            url, dict(headers or {}), mo, account or self.account, self._rule(), disorder or Disorder()
        )

    async def report(self, mt: Mt, report: Report) -> None:
        """Send one receipt now."""
        await self._send_receipt(mt, self.behaviour, 0.0, report)

    async def handle(self, request: LabRequest) -> Answered:
        """The carrier's whole HTTP surface."""
        match request.method, request.path:
            case "GET", "/control/stats":
                return LabReply.json(self._counts | asdict(self._emitter.counts))
            case "PUT", "/control/behaviour":
                return self._change_behaviour(request)
            case "POST", "/control/mos":
                return self._begin_burst(request)
            case "GET", "/control/account":
                return LabReply.json(described(self.account))
            case _:
                # Only some carriers can be asked for an MT.
                look_up = self.dialect.look_up if self.mode is Capability.LOOK_UP else None
                reference = look_up.asks(request) if look_up else None
                if look_up and reference is not None:
                    return look_up.answer(reference, self._ids.get(reference))
                return await self._take(request)

    def stop(self) -> None:
        """Give up what is still to be emitted."""
        for task in self._tasks:
            task.cancel()
        self._emitter.close()

    async def _take(self, request: LabRequest) -> Answered:
        taken = self.dialect.take(request, self.account)
        if isinstance(taken, LabReply):
            return taken
        key = taken.reference or f"{taken.recipient}/{taken.text}"
        attempt = self._tries[key] = self._tries.get(key, 0) + 1
        fault = choose_fault(self.behaviour, key, attempt)
        if fault is not None:
            self._counts["faults"] += 1
            if not fault.is_accepted:
                return Breakage.RESET if fault is Fault.RESET else self.dialect.refusals[fault]
        known = self._ids.get(taken.reference) if self.mode is Capability.IDEMPOTENT else None
        mt = Mt(
            id=known or f"mt-{next(self._numbers)}",
            is_repeat=known is not None,
            fault=fault,
            at_ns=time.time_ns(),
            **asdict(taken),
        )
        if mt.reference:
            self._ids.setdefault(mt.reference, mt.id)
        await self._journal.append({"kind": "mt", **asdict(mt)})
        self._counts["repeats" if mt.is_repeat else "mts"] += 1
        self.mts.add(mt)
        if not mt.is_repeat:
            await self._begin_receipts(mt)
        match fault:
            case Fault.DROP:
                return Breakage.DROP
            case Fault.ERROR:
                return LabReply.json({"error": "internal"}, status=500)
            case Fault.WRONG_JSON:
                return LabReply(body=b"<html>Gateway", content_type=b"text/html")
            case Fault.SLOW:
                await asyncio.sleep(self.behaviour.slow_seconds)
        return self.dialect.accepted(mt)

    async def _begin_receipts(self, mt: Mt) -> None:
        """Send the receipts of this behaviour; an early one overtakes the answer of the send."""
        behaviour = self.behaviour
        if behaviour.receipts is Receipts.EARLY:
            await self._send_receipt(mt, behaviour, 0.0, behaviour.report)
        for delay, report in receipt_plan(behaviour):
            self._start(self._send_receipt(mt, behaviour, delay, report))

    async def _send_receipt(self, mt: Mt, behaviour: Behaviour, delay: float, report: Report) -> None:
        await asyncio.sleep(delay)
        status, url = self.dialect.words.get(report), mt.receipt_url or behaviour.receipt_url
        if status is None or not url:
            return
        mt = mt if self.mode is not Capability.BLIND else replace(mt, reference="")
        await self._emitter.send_receipt(url, behaviour.receipt_headers, mt, status, self.account, self._rule())

    def _rule(self) -> RetryRule:
        return self.behaviour.retry or self.dialect.retry.scaled(self.behaviour.time_scale)

    def _change_behaviour(self, request: LabRequest) -> LabReply:
        try:
            wanted = Behaviour.model_validate_json(request.body)
        except ValidationError as error:
            return LabReply(status=422, body=error.json().encode())
        if missing := missing_faults(self.dialect, wanted):
            return LabReply.json({"error": f"{self.dialect.name} has no {', '.join(missing)}"}, status=422)
        self.behaviour = wanted
        return LabReply(status=204)

    def _begin_burst(self, request: LabRequest) -> LabReply:
        try:
            burst = MoBurst.model_validate_json(request.body)
        except ValidationError as error:
            return LabReply(status=422, body=error.json().encode())
        if why := next(refusals_of(burst, self.dialect.variants, self.dialect.narrow), None):
            return LabReply.json({"error": why}, status=422)
        self._start(self._emitter.burst(burst, self.account, self._rule()))
        return LabReply(status=202)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def missing_faults(dialect: Dialect, behaviour: Behaviour) -> Sequence[Fault]:
    """Faults that this carrier has no answer for."""
    return [fault for fault in behaviour.faults if fault.is_worded and fault not in dialect.refusals]


def described(account: Account) -> dict[str, object]:
    """An account as ``POST /v1/connections`` takes it."""
    return {name: getattr(account, name) for name in ("carrier", "country", "settings", "secrets")}


@asynccontextmanager
async def running_carrier(
    journal_path: Path,
    behaviour: Behaviour | None = None,
    *,
    port: int = 0,
    dialect: Dialect = DIALECTS["generic"],
    clock: Clock = utc_now,
) -> AsyncIterator[SimulatedCarrier]:
    """A carrier that listens while the block runs."""
    journal = Journal(journal_path)
    try:
        async with asyncio.TaskGroup() as tasks:
            carrier = SimulatedCarrier(journal, behaviour or Behaviour(), tasks, dialect, clock)
            async with serving(as_asgi(carrier.handle), port=port) as url:
                carrier.url = url
                try:
                    yield carrier
                finally:
                    carrier.stop()
    finally:
        await journal.close()
