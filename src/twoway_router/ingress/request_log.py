"""The last requests of a connection, for the operator who connects it. Called by ``endpoint`` and by a loop of its own.

It delays no message: a note is an append to a list, which is written twice a second. A few notes per connection and
outcome are kept; what is more than that, or cannot be written, is only counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
import structlog

from twoway_router.carriers.http import HttpReply, RawRequest
from twoway_router.carriers.reading.selection import Parsed
from twoway_router.domain.ids import ConnectionId
from twoway_router.ingress.redaction import hider, redact_body, redact_headers, redact_query, summary_of
from twoway_router.numbers.service import insert_requests
from twoway_router.store.failures import DATABASE_ERRORS, describe
from twoway_router.store.transaction import Engine, System, transaction
from twoway_router.tasks import pause
from twoway_router.telemetry.metrics import REQUESTS_UNLOGGED

log = structlog.get_logger(__name__)

FLUSH_EVERY: Final = timedelta(milliseconds=500)
PER_TURN: Final = 3
"""Notes of one connection and outcome between two writes."""

MOST_WAITING: Final = 300
LONGEST_ANSWER: Final = 500


@dataclass(kw_only=True, slots=True)
class Visit:
    """One request to a connection, as far as it came. ``reason`` is why it was refused, ``secrets`` are never shown."""

    connection_id: ConnectionId
    kind: str
    at: datetime
    secrets: tuple[str, ...] = ()
    request: RawRequest | None = None
    parsed: Parsed | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Note:
    visit: Visit
    outcome: str
    reply: HttpReply
    unlogged: int


class RequestLog:
    """One per ingress process."""

    def __init__(self, engine: Engine, new_id: Callable[[], UUID]) -> None:
        self._engine = engine
        self._new_id = new_id
        self._notes: list[_Note] = []
        self._this_turn: Counter[tuple[UUID, str]] = Counter()
        self._unlogged: Counter[tuple[UUID, str]] = Counter()

    def note(self, visit: Visit, outcome: str, reply: HttpReply) -> None:
        """Remember a request that has been answered."""
        key = (visit.connection_id, outcome)
        if self._this_turn[key] >= PER_TURN or len(self._notes) >= MOST_WAITING:
            self._unlogged[key] += 1
            REQUESTS_UNLOGGED.inc()
            return
        self._this_turn[key] += 1
        self._notes.append(_Note(visit, outcome, reply, self._unlogged.pop(key, 0)))

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop``, and once more then."""
        while not stop.is_set():
            await self.flush()
            await pause(stop, FLUSH_EVERY)
        await self.flush()

    async def flush(self) -> None:
        """Write what was noted, in one statement; what cannot be written is dropped."""
        notes, self._notes = self._notes, []
        self._this_turn.clear()
        if not notes:
            return
        try:
            async with transaction(self._engine, System("ingress")) as session:
                rows = [self._row(note) for note in notes]
                await insert_requests(session, {name: [row[name] for row in rows] for name in rows[0]})
        except (*DATABASE_ERRORS, TypeError, ValueError) as error:
            REQUESTS_UNLOGGED.inc(len(notes))
            log.warning("requests.not_logged", count=len(notes), error=describe(error))

    def _row(self, note: _Note) -> dict[str, Any]:
        visit, request, parsed = note.visit, note.visit.request, note.visit.parsed
        hide = hider(visit.secrets, [message.text for message in parsed.messages] if parsed else ())
        return {
            "id": self._new_id(),
            "connection_id": visit.connection_id,
            "kind": visit.kind,
            "outcome": note.outcome,
            "reason": visit.reason,
            "method": request.method if request else "",
            "query": redact_query(request.query, hide) if request else "",
            "headers": orjson.dumps(redact_headers(request.headers, hide) if request else {}).decode(),
            "body": redact_body(request.body, hide, request.headers.get("content-type", "")) if request else "",
            "parsed": orjson.dumps(summary_of(parsed)).decode(),
            "status": note.reply.status,
            "answer": note.reply.body[:LONGEST_ANSWER].decode("utf-8", "replace").replace("\x00", ""),
            "unlogged": note.unlogged,
            "received_at": visit.at,
        }
