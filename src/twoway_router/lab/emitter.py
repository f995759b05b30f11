"""The carrier's outgoing side: MOs and receipts to the ingress, in the carrier's dialect, repeated by its own rule.

What the dialect reads as an acknowledgement the carrier writes down, flushed, and never sends again. Used by ``carrier``.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from secrets import token_hex

from twoway_router.lab.behaviour import RetryRule
from twoway_router.lab.client import Answer, Pool
from twoway_router.lab.dialects.dialect import Account, Ack, Dialect, Mt, Piece
from twoway_router.lab.dialects.wire import Moment, Wire
from twoway_router.lab.journal import Journal
from twoway_router.lab.mos import Disorder, Mo, MoBurst, plan, with_variant
from twoway_router.lab.watched import Watched

NO_ANSWER = Answer(status=0, body=b"")


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
        self.receipts: Watched[Ack] = Watched()
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
            for used, answer in await self._bring_all(pieces, url, headers, account, rule):
                tries, answers = tries + used, [*answers, answer]
        told = [self._dialect.reads(answer) for answer in answers]
        missed = next((index for index, ack in enumerate(told) if ack is not Ack.TAKEN), None)
        last = answers[-1 if missed is None else missed]
        emission = Emission(
            status=last.status,
            tries=tries,
            body=last.body,
            seconds=time.monotonic() - started,
            ack=Ack.TAKEN if missed is None else told[missed],
            answers=answers,
        )
        await self._note(mo, emission, started_ns)
        return emission

    async def burst(self, burst: MoBurst, account: Account, rule: RetryRule) -> None:
        """Emit many MOs, each at its time, or later when all connections are busy."""
        turns = enumerate(burst.messages)
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(min(burst.connections, len(burst.messages))):
                group.create_task(self._work(burst, turns, started, account, rule))

    async def send_receipt(
        self, url: str, headers: Mapping[str, str], mt: Mt, word: str, account: Account, rule: RetryRule
    ) -> None:
        """Bring one receipt to the ingress by the retry rule."""
        _, answer = await self._bring(lambda at: self._dialect.receipt(mt, word, url, at, account), headers, rule)
        ack = self._dialect.reads(answer)
        if ack is Ack.TAKEN:
            self.counts.receipts_accepted += 1
        else:
            self.counts.receipts_given_up += 1
        self.receipts.add(ack)

    def close(self) -> None:
        self._pool.close()

    async def _note(self, mo: Mo, emission: Emission, started_ns: int) -> None:
        self.counts.mos_waiting -= 1
        if emission.ack is not Ack.TAKEN:
            self.counts.mos_given_up += 1
            return
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

    async def _work(
        self, burst: MoBurst, turns: "Iterator[tuple[int, Mo]]", started: float, account: Account, rule: RetryRule
    ) -> None:
        for index, mo in turns:
            if burst.rate is not None:
                await asyncio.sleep(max(0.0, started + index / burst.rate - time.monotonic()))
            await self.emit(burst.url, burst.headers, mo, account, rule, burst.disorder)

    async def _bring_all(
        self, pieces: Sequence[Piece], url: str, headers: Mapping[str, str], account: Account, rule: RetryRule
    ) -> Sequence[tuple[int, Answer]]:
        """The requests of one round, at the same time."""
        writers = [partial(self._write, piece, url, account) for piece in pieces]
        if len(writers) == 1:
            return [await self._bring(writers[0], headers, rule)]
        return await asyncio.gather(*(self._bring(write, headers, rule) for write in writers))

    def _write(self, piece: Piece, url: str, account: Account, moment: Moment) -> Wire:
        return self._dialect.mo(piece, url, moment, account)

    async def _bring(
        self, write: Callable[[Moment], Wire], headers: Mapping[str, str], rule: RetryRule
    ) -> tuple[int, Answer]:
        """Tries made and the last answer. Every try is written and signed anew."""
        for attempt in range(1, rule.tries + 1):
            wire = write(Moment(at=self._clock(), nonce=token_hex(8)))
            answer = await self._try(replace(wire, headers={**wire.headers, **headers}), rule)
            if attempt == rule.tries or (answer.status and self._dialect.reads(answer) is not Ack.AGAIN):
                break
            self.counts.tries_refused += 1
            await asyncio.sleep(rule.pause_after(attempt))
        return attempt, answer

    async def _try(self, wire: Wire, rule: RetryRule) -> Answer:
        try:
            return await self._pool.request(
                wire.method, wire.url, wire.body, wire.headers, timeout_seconds=rule.timeout_seconds
            )
        except (OSError, TimeoutError):
            return NO_ANSWER
