"""The carrier's outgoing side: MOs and receipts to the ingress, repeated by the carrier's rule until one is answered 2xx.

A 2xx is an acknowledgement: the carrier writes it down, flushed, and never sends the message again. Used by ``carrier``.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from pydantic import BaseModel, ConfigDict, Field

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.client import Pool
from twoway_router.lab.journal import Journal


class Mo(BaseModel):
    """One MO as a handset sent it. ``id`` is the carrier's; the same id again is a carrier's repeat."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    sender: str
    recipient: str
    text: str


class MoBurst(BaseModel):
    """MOs to emit: ``rate`` per second (None: as fast as the answers come) on ``connections`` connections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    messages: list[Mo]
    rate: float | None = Field(None, gt=0)
    connections: int = Field(16, ge=1, le=512)


@dataclass(frozen=True, kw_only=True, slots=True)
class Emission:
    """How the ingress answered one MO in the end. ``status`` 0: it never did."""

    status: int
    tries: int
    body: bytes
    seconds: float


@dataclass(kw_only=True, slots=True)
class EmitterCounts:
    """Counted since the start; shown by the carrier's control endpoint."""

    mos_waiting: int = 0
    mos_accepted: int = 0
    mos_given_up: int = 0
    tries_refused: int = 0
    receipts_accepted: int = 0
    receipts_given_up: int = 0


class Emitter:
    """Sends and repeats. ``journal`` gets one record per MO that the ingress has acknowledged."""

    def __init__(self, journal: Journal) -> None:
        self.counts = EmitterCounts()
        self._journal = journal
        self._pool = Pool()

    async def emit(self, url: str, headers: dict[str, str], mo: Mo, rule: RetryRule) -> Emission:
        """Bring one MO to the ingress by the retry rule."""
        self.counts.mos_waiting += 1
        body = orjson.dumps({"id": mo.id, "from": mo.sender, "to": mo.recipient, "text": mo.text})
        started_ns = time.time_ns()
        emission = await self._bring(url, headers, body, rule)
        if 200 <= emission.status < 300:
            await self._journal.append(
                {
                    "kind": "mo",
                    "id": mo.id,
                    "sender": mo.sender,
                    "recipient": mo.recipient,
                    "text": mo.text,
                    "status": emission.status,
                    "tries": emission.tries,
                    "started_ns": started_ns,
                    "at_ns": time.time_ns(),
                }
            )
            self.counts.mos_accepted += 1
        else:
            self.counts.mos_given_up += 1
        self.counts.mos_waiting -= 1
        return emission

    async def burst(self, burst: MoBurst, rule: RetryRule) -> None:
        """Emit many MOs, each at its time, or later when all connections are busy."""
        turns = enumerate(burst.messages)
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(min(burst.connections, len(burst.messages))):
                group.create_task(self._work(burst, turns, started, rule))

    async def send_receipt(self, url: str, headers: dict[str, str], body: bytes, rule: RetryRule) -> None:
        """Bring one receipt to the ingress by the retry rule."""
        emission = await self._bring(url, headers, body, rule)
        if 200 <= emission.status < 300:
            self.counts.receipts_accepted += 1
        else:
            self.counts.receipts_given_up += 1

    def close(self) -> None:
        self._pool.close()

    async def _work(self, burst: MoBurst, turns: "Iterator[tuple[int, Mo]]", started: float, rule: RetryRule) -> None:
        for index, mo in turns:
            if burst.rate is not None:
                await asyncio.sleep(max(0.0, started + index / burst.rate - time.monotonic()))
            await self.emit(burst.url, burst.headers, mo, rule)

    async def _bring(self, url: str, headers: dict[str, str], body: bytes, rule: RetryRule) -> Emission:
        headers = {"Content-Type": "application/json", **headers}
        started = time.monotonic()
        status, answer = 0, b""
        for attempt in range(1, rule.tries + 1):
            try:
                reply = await self._pool.post(url, body, headers, timeout_seconds=rule.timeout_seconds)
                status, answer = reply.status, reply.body
            except (OSError, TimeoutError):
                status, answer = 0, b""
            if 200 <= status < 300 or attempt == rule.tries:
                break
            self.counts.tries_refused += 1
            await asyncio.sleep(rule.pause_after(attempt))
        return Emission(status=status, tries=attempt, body=answer, seconds=time.monotonic() - started)
