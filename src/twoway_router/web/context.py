"""What every request of one app shares, and the short dependencies that give it to endpoints."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from twoway_router.domain.clock import Clock
from twoway_router.store import Engine, Session
from twoway_router.store.sealing import Sealer
from twoway_router.web.auth import Authenticator
from twoway_router.web.limits import RateLimiter


@dataclass(frozen=True, kw_only=True, slots=True)
class WebContext:
    """Made once by ``management.app.create_app`` and kept in ``app.state.context``.

    ``limiter`` counts by API key, the two of the sandbox by sandbox: more keys do not give it more room.
    """

    engine: Engine
    sealer: Sealer
    clock: Clock
    authenticator: Authenticator
    limiter: RateLimiter
    sandbox_limiter: RateLimiter
    sandbox_messages: RateLimiter
    cursor_key: bytes
    public_url: str
    body_limit_bytes: int


def context_of(request: Request) -> WebContext:
    """The context of the app that serves this request."""
    context: WebContext = request.app.state.context
    return context


async def _session(request: Request) -> Session:
    session: Session = request.state.session
    return session


async def _now(request: Request) -> datetime:
    now: datetime = request.state.now
    return now


async def _context(request: Request) -> WebContext:
    return context_of(request)


DbSession = Annotated[Session, Depends(_session)]
"""The request's one transaction. It is committed before the answer is sent."""

Now = Annotated[datetime, Depends(_now)]
"""When the request began; the same for everything it does."""

Context = Annotated[WebContext, Depends(_context)]
