"""``Idempotency-Key``: a POST that is sent again gets its first answer and has no second effect. Called by ``web.route``.

The answer is stored in the transaction of the effect, so both happen or neither. Only successes are stored: a refusal
had no effect, and the same key may be used for the corrected request.
"""

import re
from base64 import b64decode, b64encode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from fastapi import Request, Response

from twoway_router.domain.errors import BadRequest, Conflict, Unprocessable
from twoway_router.store import Session
from twoway_router.store.sealing import Sealer
from twoway_router.web import queries

KEPT_FOR: Final = timedelta(days=7)
MOST_FORGOTTEN: Final = 5000
"""In one transaction, so that it holds no locks for long."""

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS: Final = ("content-type", "etag", "location")


class BadIdempotencyKey(BadRequest):
    """An Idempotency-Key is 1 to 255 visible ASCII characters, such as a UUID."""

    code = "idempotency_key_malformed"


class IdempotencyKeyReused(Unprocessable):
    """This Idempotency-Key was used for a different request. Take a new key for a new request."""

    code = "idempotency_key_reused"
    title = "Idempotency key reused"


class IdempotencyKeyInFlight(Conflict):
    """The first request with this Idempotency-Key is still being worked on. Try again shortly."""

    code = "idempotency_key_in_flight"
    title = "Request in flight"


class KeptAnswer:
    """The Idempotency-Key of one request, with where its answer is kept."""

    def __init__(self, session: Session, sealer: Sealer, *, owner: str, key: str, request_hash: bytes) -> None:
        self._session = session
        self._sealer = sealer
        self._owner = owner
        self._key = key
        self._request_hash = request_hash

    async def replay(self, now: datetime) -> Response | None:
        """The answer already given, or None when this is the first time. Raises when the key is in use otherwise."""
        if not await queries.has_lock(self._session, self._owner, self._key):
            raise IdempotencyKeyInFlight(headers={"Retry-After": "1"})
        kept = await queries.find_answer(self._session, self._owner, self._key, since=now - KEPT_FOR)
        if kept is None:
            return None
        if kept.request_hash != self._request_hash:
            raise IdempotencyKeyReused
        body = b64decode(str(self._sealer.open(kept.sealed_body)["body"]))
        return Response(body, status_code=kept.status, headers={**kept.headers, "Idempotency-Replayed": "true"})

    async def keep(self, response: Response, now: datetime) -> None:
        """Store the answer in the transaction of its effect."""
        answer = queries.StoredAnswer(
            request_hash=self._request_hash,
            status=response.status_code,
            headers={name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
            sealed_body=self._sealer.seal({"body": b64encode(bytes(response.body)).decode()}),
        )
        await queries.keep_answer(self._session, self._owner, self._key, answer, now)


async def read_key(request: Request, session: Session, sealer: Sealer, owner: str) -> KeptAnswer | None:
    """The request's Idempotency-Key, if it is a POST that has one."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise BadIdempotencyKey
    asked = f"{request.method}\n{request.url.path}\n{request.url.query}\n".encode()
    request_hash = sha256(asked + await request.body()).digest()
    return KeptAnswer(session, sealer, owner=owner, key=key, request_hash=request_hash)


async def forget_answers(session: Session, now: datetime) -> None:
    """Delete answers that are kept no longer; a part of them when there are many. Called by ``scheduler``."""
    await queries.forget_keys(session, now - KEPT_FOR, MOST_FORGOTTEN)
