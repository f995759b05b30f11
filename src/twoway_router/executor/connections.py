"""Compiled connections for deliveries, by id and revision: a changed connection is compiled again at its first MT."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.domain.ids import ConnectionId
from twoway_router.numbers.connection_service import compile_connections
from twoway_router.store import Session
from twoway_router.store.sealing import Sealer

KEPT: Final = 1024


class ConnectionBook:
    """A ``mts.delivery.ConnectionSource`` over the database."""

    def __init__(self, sealer: Sealer, public_url: str) -> None:
        self._sealer = sealer
        self._public_url = public_url
        self._compiled: OrderedDict[UUID, tuple[int, CompiledConnection | None]] = OrderedDict()

    async def get(self, session: Session, connection_id: UUID, revision: int) -> CompiledConnection | None:
        """The connection, None when it cannot be used."""
        known = self._compiled.get(connection_id)
        if known is None or known[0] != revision:
            found = await compile_connections(session, self._sealer, self._public_url, {connection_id})
            known = (revision, found.get(ConnectionId(connection_id)))
            self._compiled[connection_id] = known
            while len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(connection_id)
        return known[1]
