"""The carrier's outgoing side: MOs and receipts to the ingress, in the carrier's dialect, repeated by its own rule.

What the dialect reads as an acknowledgement the carrier writes down, flushed, and never sends again. Used by ``carrier``.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from twoway_router.lab.arrivals import Arrivals
from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.client import Answer, Pool
from twoway_router.lab.dialects.dialect import Account, Ack, Call, Dialect, Mt, Status
from twoway_router.lab.dialects.wire import Wire
from twoway_router.lab.journal import Journal
from twoway_router.lab.mos import Disorder, Mo, MoBurst, plan, with_variant


@dataclass(frozen=True, kw_only=True, slots=True)
class Emission:
    """How the ingress answered the requests of one MO in the end. ``status`` 0: it never did."""

    status: int
    tries: int
    body: bytes
    seconds: float
    ack: Ack
    answers: Sequence[Answer] = ()


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
    """Sends and repeats. ``journal`` gets one record per MO that the ingress has acknowledged as a whole."""

    def __init__(self, journal: Journal, dialect: Dialect, clock: Callable[[], datetime]) -> None:
        self.counts = EmitterCounts()
        self.receipts: Arrivals[Ack] = Arrivals()
        self._journal = journal
        self._dialect = dialect
        self._clock = clock
        self._pool = Pool()

    async def emit(
        self, url: str, headers: Mapping[str, str], mo: Mo, account: Account, rule: RetryRule, disorder: Disorder
    ) -> Emission:
        """Bring one MO to the ingress by the retry rule, with everything that the disorder does to it."""
        self.counts.mos_waiting += 1
        started, started_ns = time.monotonic(), time.time_ns()
        tries, answers = 0, list[Answer]()
        mo = with_variant(mo, disorder)
        for pieces in plan(mo, mo.at or self._clock(), self._dialect.splitting(mo.variant), disorder):
            writers = [lambda call, piece=piece: self._dialect.mo(piece, call) for piece in pieces]
            # The requests of one round at the same time.
            for used, answer in await asyncio.gather(
                *(self._bring(write, url, headers, account, rule) for write in writers)
            ):
                tries, answers = tries + used, [*answers, answer]
        # The MO is acknowledged when all its requests are; otherwise the first that is not tells why.
        acks = [self._dialect.reads(answer) for answer in answers]
        missed = next((index for index, ack in enumerate(acks) if ack is not Ack.TAKEN), -1)
        last = answers[missed]
        emission = Emission(
            status=last.status,
            tries=tries,
            body=last.body,
            seconds=time.monotonic() - started,
            ack=acks[missed],
            answers=answers,
        )
        self.counts.mos_waiting -= 1
        if emission.ack is not Ack.TAKEN:
            self.counts.mos_given_up += 1
            return emission
        content = {"id": mo.id, "sender": mo.sender, "recipient": mo.recipient, "text": mo.text}
        outcome = {"status": last.status, "tries": tries, "started_ns": started_ns, "at_ns": time.time_ns()}
        await self._journal.append({"kind": "mo", **content, **outcome})
        self.counts.mos_accepted += 1
        return emission

    async def burst(self, burst: MoBurst, account: Account, rule: RetryRule) -> None:
        """Emit many MOs at their times, or later when all connections are busy."""
        remaining: Iterator[tuple[int, Mo]] = enumerate(burst.messages)
        started = time.monotonic()

        async def work() -> None:
            for index, mo in remaining:
                if burst.rate is not None:
                    await asyncio.sleep(max(0.0, started + index / burst.rate - time.monotonic()))
                await self.emit(burst.url, burst.headers, mo, account, rule, burst.disorder)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(burst.connections, len(burst.messages))):
                group.create_task(work())

    async def send_receipt(
        self, url: str, headers: Mapping[str, str], mt: Mt, status: Status, account: Account, rule: RetryRule
    ) -> None:
        """Bring one receipt to the ingress by the retry rule."""
        _, answer = await self._bring(lambda call: self._dialect.receipt(mt, status, call), url, headers, account, rule)
        ack = self._dialect.reads(answer)
        if ack is Ack.TAKEN:
            self.counts.receipts_accepted += 1
        else:
            self.counts.receipts_given_up += 1
        self.receipts.add(ack)

    def close(self) -> None:
        self._pool.close()

    async def _bring(
        self,
        write: Callable[[Call], Wire],
        url: str,
        headers: Mapping[str, str],
        account: Account,
        rule: RetryRule,
    ) -> tuple[int, Answer]:
        """Tries made and the last answer. Every try is written and signed anew, as carriers do."""
        for attempt in range(1, rule.tries + 1):
            wire = write(Call(at=self._clock(), url=url, nonce=token_hex(8), account=account))
            try:
                answer = await self._pool.request(
                    wire.method,
                    wire.url,
                    wire.body,
                    {**wire.headers, **headers},
                    timeout_seconds=rule.timeout_seconds,
                )
            except (OSError, TimeoutError):
                answer = Answer(status=0, body=b"")
            if attempt == rule.tries or (answer.status and self._dialect.reads(answer) is not Ack.AGAIN):
                break
            self.counts.tries_refused += 1
            await asyncio.sleep(rule.pause_after(attempt))
        return attempt, answer
