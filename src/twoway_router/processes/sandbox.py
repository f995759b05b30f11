"""Puts MOs of sandboxes into the message path: the ingress's own batches, without a carrier's request.

Made by ``roles`` for the management API, which may not import the ingress.
"""

from collections.abc import Sequence
from datetime import datetime

from twoway_router.domain.clock import Clock
from twoway_router.domain.errors import TooManyRequests
from twoway_router.domain.ids import ConnectionId, new_id
from twoway_router.domain.messages import InboundMessage
from twoway_router.ingress.accept import accept
from twoway_router.ingress.arrivals import Arrival, Stored
from twoway_router.keywords.follower import RoutingCache
from twoway_router.store.follower import ChangeFollower
from twoway_router.store.group_commit import GroupCommit
from twoway_router.store.transaction import Engine, System, transaction
from twoway_router.webhooks.listener import tell_endpoints


class SandboxDoor:
    """Implements ``web.context.Door``.

    A request that waits here holds a database connection. ``room`` bounds how many do, so that one is left to commit with.
    """

    def __init__(
        self, engine: Engine, routing: RoutingCache, follower: ChangeFollower, *, clock: Clock, room: int
    ) -> None:
        self._engine = engine
        self._routing = routing
        self._follower = follower
        self._clock = clock
        self._room = room
        self._batches: GroupCommit[Arrival, Stored] = GroupCommit(self._commit, max_in_flight=1)

    async def bring(self, connection_id: ConnectionId, message: InboundMessage, at: datetime) -> bool:
        """Route by everything committed until now, so that a keyword works in the request after the one that made it."""
        if self._room <= 0:
            raise TooManyRequests(headers={"Retry-After": "1"})
        self._room -= 1
        try:
            await self._follower.catch_up()
            arrival = Arrival(connection_id=connection_id, received_at=at, messages=(message,), is_sandbox=True)
            return await self._batches.submit(arrival) is Stored.STORED
        finally:
            self._room += 1

    async def drain(self) -> None:
        """Wait until every MO is committed."""
        await self._batches.drain()

    async def _commit(self, arrivals: Sequence[Arrival]) -> Sequence[Stored]:
        async with transaction(self._engine, System("ingress")) as session:
            return await accept(session, arrivals, self._routing, new_id, self._clock(), tell_endpoints)
