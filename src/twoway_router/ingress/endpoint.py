"""The carriers' endpoint as a bare ASGI application: a web framework would cost more than the database.

``/in/{carrier}/{connection_id}/mo|dlr`` → verify → parse → group commit → the carrier's own acknowledgement, also on errors.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Final, Literal, Protocol
from uuid import UUID

import structlog
from starlette.types import Receive, Scope, Send

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.carriers.errors import BadSignature, CertificateMissing
from twoway_router.carriers.http import AckOutcome, HttpReply, RawRequest
from twoway_router.carriers.reading.selection import Parsed
from twoway_router.domain.clock import Clock
from twoway_router.domain.ids import ConnectionId
from twoway_router.ingress.arrivals import Arrival, RejectedRequest, Stored
from twoway_router.ingress.parts import LARGEST_PART
from twoway_router.ingress.request_log import Visit
from twoway_router.store.failures import DATABASE_ERRORS, describe, is_unstorable
from twoway_router.telemetry.logs import Sampler
from twoway_router.telemetry.metrics import INGRESS_REQUESTS, INGRESS_SECONDS
from twoway_router.telemetry.redact import is_secret_name

log = structlog.get_logger(__name__)

Kind = Literal["mo", "dlr"]
Submit = Callable[[Arrival], Awaitable[Stored]]
Note = Callable[[Visit, str, HttpReply], None]

_ACKS: Final = {
    Stored.STORED: AckOutcome.STORED,
    Stored.DUPLICATE: AckOutcome.DUPLICATE,
    Stored.QUARANTINED: AckOutcome.QUARANTINED,
}
_RETRY_AFTER: Final = {"retry-after": "5"}
"""RFC 9110 §10.2.3, in seconds: carriers that know it come back then, the others by their own schedule."""
_NO_SUCH_DOOR: Final = HttpReply(status=404, headers={"content-type": "text/plain"}, body=b"")


class BodyTooLarge(Exception):
    """The request body exceeds the configured limit."""


class CutOff(Exception):
    """The client hung up before it had sent the whole body. It will come again."""


class Handshakes(Protocol):
    """Fetches what a carrier's handshake asks for, in the background, on hosts that the carrier's spec allows."""

    def fetch_certificate(self, url: str) -> None: ...

    def confirm(self, url: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Door:
    """Where a request goes: the connection and what its carrier is to bring there."""

    connection_id: ConnectionId
    connection: CompiledConnection
    kind: Kind


class CarrierEndpoint:
    """``find_connection`` reads the cache; ``submit`` returns after the commit; ``is_full`` refuses before queueing."""

    def __init__(
        self,
        *,
        find_connection: Callable[[ConnectionId], CompiledConnection | None],
        submit: Submit,
        is_full: Callable[[], bool],
        handshakes: Handshakes,
        public_url: str,
        body_limit: int,
        timeout: float,
        clock: Clock,
        note: Note,
    ) -> None:
        self._find_connection = find_connection
        self._submit = submit
        self._is_full = is_full
        self._handshakes = handshakes
        self._public_url = public_url
        self._body_limit = body_limit
        self._timeout = timeout
        self._clock = clock
        self._note = note
        self._not_stored = Sampler(seconds=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        door = self._find(scope["path"])
        if door is None:
            await send_reply(send, _NO_SUCH_DOOR)
            return
        began = perf_counter()
        secrets = door.connection.secret_words
        visit = Visit(connection_id=door.connection_id, kind=door.kind, at=self._clock(), secrets=secrets)
        try:
            outcome, reply = await self._serve(door, visit, scope, receive)
        except Exception:
            log.exception("ingress.failed", connection_id=str(door.connection_id), kind=door.kind)
            outcome, reply = "error", _later(door)
        INGRESS_REQUESTS.labels(door.connection.carrier, door.kind, outcome).inc()
        INGRESS_SECONDS.labels(door.connection.carrier, door.kind).observe(perf_counter() - began)
        self._note(visit, outcome, reply)
        await send_reply(send, reply)

    def _find(self, path: str) -> Door | None:
        parts = path.split("/")
        if len(parts) != 5 or parts[1] != "in" or parts[4] not in ("mo", "dlr"):
            return None
        try:
            connection_id = ConnectionId(UUID(parts[3]))
        except ValueError:
            return None
        connection = self._find_connection(connection_id)
        if connection is None or connection.carrier != parts[2]:
            return None
        return Door(connection_id, connection, "mo" if parts[4] == "mo" else "dlr")

    async def _serve(self, door: Door, visit: Visit, scope: Scope, receive: Receive) -> tuple[str, HttpReply]:
        now = visit.at
        acknowledge = door.connection.acknowledge
        try:
            request = visit.request = await read_request(
                scope,
                receive,
                public_url=door.connection.public_base or self._public_url,
                limit=min(self._body_limit, door.connection.body_limit),
            )
            door.connection.verify(request, now)
        except BodyTooLarge:
            return "too_large", acknowledge(AckOutcome.TOO_LARGE)
        except CutOff:
            visit.reason = "cut_off"
            return "unavailable", _later(door)
        except BadSignature as error:
            visit.reason = error.reason
            log.warning("ingress.refused", connection_id=str(door.connection_id), kind=door.kind, reason=error.reason)
            return "refused", acknowledge(AckOutcome.BAD_AUTH)
        except CertificateMissing as error:
            visit.reason = "certificate_missing"
            self._handshakes.fetch_certificate(error.url)
            return "unavailable", _later(door)
        parsed = visit.parsed = door.connection.parse(door.kind, request, now)
        if parsed.confirm_url is not None:
            self._handshakes.confirm(parsed.confirm_url)
        if parsed.answer is not None:
            return "probe", parsed.answer
        if self._is_full():
            return "unavailable", _later(door)
        arrival = to_arrival(door, request, parsed, now)
        if not (arrival.messages or arrival.receipts or arrival.rejects):
            return "ignored", acknowledge(AckOutcome.STORED)
        return await self._store(door, request, arrival)

    async def _store(self, door: Door, request: RawRequest, arrival: Arrival) -> tuple[str, HttpReply]:
        try:
            # What is cut off while it commits may be stored all the same: then its repetition is a duplicate.
            async with asyncio.timeout(self._timeout):
                stored = await self._submit(arrival)
        except (*DATABASE_ERRORS, UnicodeEncodeError) as error:
            what = {"connection_id": str(door.connection_id), "error": describe(error)}
            if is_unstorable(error) and (arrival.messages or arrival.receipts):
                log.warning("ingress.not_storable", **what)
                reject = to_reject(door.kind, "not_storable", request)
                return await self._store(door, request, replace(arrival, messages=(), receipts=(), rejects=(reject,)))
            if left_out := self._not_stored.count(describe(error)):
                log.error("ingress.not_stored", left_out=left_out - 1, **what)
            return "unavailable", _later(door)
        return stored.value, door.connection.acknowledge(_ACKS[stored])


def _later(door: Door) -> HttpReply:
    """Nothing was kept, or nobody knows: the carrier is to send it again."""
    reply = door.connection.acknowledge(AckOutcome.OVERLOADED)
    return replace(reply, headers={**_RETRY_AFTER, **reply.headers}) if reply.status >= 500 else reply


def to_arrival(door: Door, request: RawRequest, parsed: Parsed, now: datetime) -> Arrival:
    """What is to be kept of a parsed request."""
    rejects = [to_reject(door.kind, reject.reason, request) for reject in parsed.rejects]
    messages = parsed.messages
    if any(message.part and len(message.part.body) > LARGEST_PART for message in messages):
        messages = tuple(each for each in messages if each.part is None or len(each.part.body) <= LARGEST_PART)
        rejects.append(to_reject(door.kind, "part_too_large", request))
    return Arrival(
        connection_id=door.connection_id,
        received_at=now,
        messages=messages,
        receipts=parsed.receipts,
        rejects=tuple(rejects),
        part_wait=door.connection.part_wait,
    )


def to_reject(kind: Kind, reason: str, request: RawRequest) -> RejectedRequest:
    """The whole request for the quarantine, its credentials hidden."""
    headers = {name: "[hidden]" if is_secret_name(name) else value for name, value in request.headers.items()}
    query = "&".join(
        pair if not is_secret_name(pair.partition("=")[0]) else pair.partition("=")[0] + "=[hidden]"
        for pair in request.query.split("&")
    )
    return RejectedRequest(
        kind=kind, reason=reason, method=request.method, query=query, headers=headers, body=request.body
    )


async def read_request(scope: Scope, receive: Receive, *, public_url: str, limit: int) -> RawRequest:
    """Read the body once, as bytes, up to ``limit``; raise ``BodyTooLarge`` beyond it, ``CutOff`` when its end is missing."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    if int(headers.get("content-length") or 0) > limit:
        raise BodyTooLarge
    body = await _read_body(receive, limit)
    query = scope["query_string"].decode("latin-1")
    path = scope["path"]
    return RawRequest(
        method=scope["method"],
        path=path,
        query=query,
        headers=headers,
        body=body,
        url=f"{public_url}{path}?{query}" if query else f"{public_url}{path}",
    )


async def _read_body(receive: Receive, limit: int) -> bytes:
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge
        return body
    chunks = bytearray()
    while True:
        if message["type"] != "http.request":
            raise CutOff
        chunks += message.get("body", b"")
        if len(chunks) > limit:
            raise BodyTooLarge
        if not message.get("more_body"):
            return bytes(chunks)
        message = await receive()


async def send_reply(send: Send, reply: HttpReply) -> None:
    """Answer with exactly the carrier's status, headers and bytes."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
