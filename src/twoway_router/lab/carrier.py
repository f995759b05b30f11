"""A simulated carrier: takes MTs on an HTTP send API, emits MOs and receipts, breaks on purpose, and swears by its journal.

Runs inside the demo, or as a process of its own (``twoway-router lab carrier``) that crash tests never kill.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from pydantic import ValidationError

from twoway_router.domain.messages import Capability
from twoway_router.lab.behaviour import Behaviour, Fault, Receipts, choose_fault, receipt_delays
from twoway_router.lab.emitter import Emission, Emitter, Mo, MoBurst
from twoway_router.lab.journal import Journal, read_journal
from twoway_router.lab.watched import Watched
from twoway_router.lab.web import Breakage, Handler, LabReply, LabRequest, as_asgi, serving

Answered = LabReply | Breakage


@dataclass(frozen=True, kw_only=True, slots=True)
class Mt:
    """One MT that a handset received, or (``is_repeat``) one that the carrier recognised and did not send again."""

    id: str
    reference: str
    sender: str
    recipient: str
    text: str
    is_repeat: bool
    fault: str | None
    at_ns: int


class SimulatedCarrier:
    """One carrier. ``mts`` are its newest MTs; the journal has all of them and every acknowledged MO."""

    def __init__(self, journal: Journal, behaviour: Behaviour, tasks: asyncio.TaskGroup) -> None:
        self.url = ""
        self.behaviour = behaviour
        self.mts: Watched[Mt] = Watched()
        self._journal = journal
        self._emitter = Emitter(journal)
        self._group = tasks
        self._tasks: set[asyncio.Task[None]] = set()
        self._tries: dict[str, int] = {}
        self._ids: dict[str, str] = {}
        self._counts = {"mts": 0, "repeats": 0, "faults": 0}
        self._numbers = itertools.count(self._recall() + 1)

    async def emit(self, url: str, mo: Mo, headers: Mapping[str, str] | None = None) -> Emission:
        """Emit one MO and wait for its acknowledgement."""
        return await self._emitter.emit(url, dict(headers or {}), mo, self.behaviour.retry)

    async def handle(self, request: LabRequest) -> Answered:
        """The carrier's whole HTTP surface."""
        match request.method, request.path:
            case "POST", "/messages":
                return await self._take(request)
            case "GET", "/messages":
                return self._look_up(request.parameter("reference"))
            case "GET", "/control/stats":
                return LabReply.json(self._counts | asdict(self._emitter.counts))
            case "PUT", "/control/behaviour":
                return self._change_behaviour(request)
            case "POST", "/control/mos":
                return self._begin_burst(request)
            case _:
                return LabReply(status=404)

    def stop(self) -> None:
        """Give up what is still to be emitted."""
        for task in self._tasks:
            task.cancel()
        self._emitter.close()

    def _recall(self) -> int:
        """Know the references of an earlier run, as an idempotent carrier does; how many MTs it had."""
        mts = [record for record in read_journal(self._journal.path) if record["kind"] == "mt"]
        for record in mts:
            self._ids.setdefault(str(record["reference"]), str(record["id"]))
        return len(mts)

    async def _take(self, request: LabRequest) -> Answered:
        try:
            fields = orjson.loads(request.body)
            reference, sender, recipient, text = (str(fields[name]) for name in ("reference", "from", "to", "text"))
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return LabReply.json({"error": "expected reference, from, to and text"}, status=400)
        attempt = self._tries[reference] = self._tries.get(reference, 0) + 1
        fault = choose_fault(self.behaviour, reference, attempt)
        if fault is not None:
            self._counts["faults"] += 1
            if not fault.is_accepted:
                return _refuse(fault)
        known = self._ids.get(reference) if self.behaviour.mode is Capability.IDEMPOTENT else None
        mt = Mt(
            id=known or f"mt-{next(self._numbers)}",
            reference=reference,
            sender=sender,
            recipient=recipient,
            text=text,
            is_repeat=known is not None,
            fault=fault,
            at_ns=time.time_ns(),
        )
        return await self._swear(mt, fault)

    async def _swear(self, mt: Mt, fault: Fault | None) -> Answered:
        self._ids.setdefault(mt.reference, mt.id)
        await self._journal.append({"kind": "mt", **asdict(mt)})
        self._counts["repeats" if mt.is_repeat else "mts"] += 1
        self.mts.add(mt)
        await self._report(mt)
        match fault:
            case Fault.DROP:
                return Breakage.DROP
            case Fault.ERROR:
                return LabReply.json({"error": "internal"}, status=500)
            case Fault.WRONG_JSON:
                return LabReply(body=b"<html>Gateway", content_type=b"text/html")
            case Fault.SLOW:
                await asyncio.sleep(self.behaviour.slow_seconds)
        return LabReply.json({"id": mt.id, "status": "accepted"})

    def _look_up(self, reference: str) -> LabReply:
        if self.behaviour.mode is not Capability.LOOK_UP:
            return LabReply(status=404)
        found = self._ids.get(reference)
        if found is None:
            return LabReply.json({"error": "unknown reference"}, status=404)
        return LabReply.json({"id": found, "reference": reference, "status": "accepted"})

    async def _report(self, mt: Mt) -> None:
        """Send the receipts that this behaviour wants; an early one overtakes the answer of the send."""
        behaviour = self.behaviour
        if behaviour.receipt_url is None or mt.is_repeat:
            return
        if behaviour.receipts is Receipts.EARLY:
            await self._send_receipt(mt, behaviour, 0.0)
        for delay in receipt_delays(behaviour):
            self._start(self._send_receipt(mt, behaviour, delay))

    async def _send_receipt(self, mt: Mt, behaviour: Behaviour, delay: float) -> None:
        await asyncio.sleep(delay)
        fields = {"id": mt.id, "to": mt.recipient, "status": "delivered"}
        if behaviour.mode is not Capability.BLIND:
            fields["reference"] = mt.reference
        assert behaviour.receipt_url is not None
        await self._emitter.send_receipt(
            behaviour.receipt_url, behaviour.receipt_headers, orjson.dumps(fields), behaviour.retry
        )

    def _change_behaviour(self, request: LabRequest) -> LabReply:
        try:
            self.behaviour = Behaviour.model_validate_json(request.body)
        except ValidationError as error:
            return LabReply(status=422, body=error.json().encode())
        return LabReply(status=204)

    def _begin_burst(self, request: LabRequest) -> LabReply:
        try:
            burst = MoBurst.model_validate_json(request.body)
        except ValidationError as error:
            return LabReply(status=422, body=error.json().encode())
        self._start(self._emitter.burst(burst, self.behaviour.retry))
        return LabReply(status=202)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refuse(fault: Fault) -> Answered:
    if fault is Fault.RESET:
        return Breakage.RESET
    return LabReply(status=429, body=b'{"error":"throttled"}', headers=[(b"retry-after", b"1")])


@asynccontextmanager
async def running_carrier(
    journal_path: Path, behaviour: Behaviour | None = None, *, port: int = 0
) -> AsyncIterator[SimulatedCarrier]:
    """A carrier that listens while the block runs."""
    journal = Journal(journal_path)
    try:
        async with asyncio.TaskGroup() as tasks:
            carrier = SimulatedCarrier(journal, behaviour or Behaviour(), tasks)
            handler: Handler = carrier.handle
            async with serving(as_asgi(handler), port=port) as url:
                carrier.url = url
                try:
                    yield carrier
                finally:
                    carrier.stop()
    finally:
        await journal.close()
