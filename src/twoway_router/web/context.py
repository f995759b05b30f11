"""What every request of one app shares, and the short dependencies that give it to endpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, FastAPI, Request

from twoway_router.domain.addresses import Network
from twoway_router.domain.clock import Clock
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import InboundMessage
from twoway_router.events.news import Listener
from twoway_router.routing.index import RoutingTable
from twoway_router.store import Engine, Session
from twoway_router.store.sealing import Sealer
from twoway_router.web.auth import Authenticator
from twoway_router.web.limits import FailedTries, RateLimiter


class Door(Protocol):
    """The way of an MO into the path of live traffic, given by the process: stored, routed and queued when it returns."""

    async def bring(self, connection_id: ConnectionId, message: InboundMessage, at: datetime) -> bool:
        """False when a message with this id had come before."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class WebContext:
    """Made once by ``management.app.create_app``; everything that operations need of their process stands here.

    ``limiter`` counts by API key, the two of the sandbox by sandbox: more keys do not give it more room. Without a
    ``sandbox_door`` no inbound messages can be made up. ``webhook_networks`` are private networks that webhooks may reach.
    ``fixed_paths`` are those without a parameter, ``allowed_methods`` is what the ``Allow`` header says of a path.
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
    routing_table: Callable[[], RoutingTable]
    tell: Listener
    is_mail_possible: bool
    webhook_networks: tuple[Network, ...]
    sandbox_door: Door | None
    failed_redemptions: FailedTries
    fixed_paths: frozenset[str]
    allowed_methods: Callable[[str], str]


def context_of(app: FastAPI) -> WebContext:
    """What ``create_app`` gave to the app."""
    context: WebContext = app.state.context
    return context


async def _session(request: Request) -> Session:
    session: Session = request.state.session
    return session


async def _now(request: Request) -> datetime:
    now: datetime = request.state.now
    return now


async def _context(request: Request) -> WebContext:
    return context_of(request.app)


Context = Annotated[WebContext, Depends(_context)]
"""What the app's operations share."""


async def _routing_table(context: Context) -> RoutingTable:
    return context.routing_table()


CurrentTable = Annotated[RoutingTable, Depends(_routing_table)]
"""The process's routing table as it is now."""


async def _listener(context: Context) -> Listener:
    return context.tell


Tell = Annotated[Listener, Depends(_listener)]
"""Who hears of what an operation does."""


DbSession = Annotated[Session, Depends(_session)]
"""The request's one transaction. It is committed before the answer is sent."""

Now = Annotated[datetime, Depends(_now)]
"""When the request began; the same for everything it does."""
