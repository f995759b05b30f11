"""The connections of one process, compiled once and kept current by the change feed. Read by ``endpoint``."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.domain.ids import ConnectionId
from twoway_router.numbers.connection_service import compile_connections
from twoway_router.store.changes import Change
from twoway_router.store.sealing import Sealer
from twoway_router.store.transaction import Session


class ConnectionCache:
    """A ``store.follower.Cache``. A disabled connection is left out: its URLs answer 404. Those of sandboxes have none.

    ``certificates`` is filled by whoever runs the endpoint's handshakes.
    """

    def __init__(self, sealer: Sealer, public_url: str, certificates: Mapping[str, str]) -> None:
        self._sealer = sealer
        self._public_url = public_url
        self._certificates = certificates
        self._connections: dict[ConnectionId, CompiledConnection] = {}

    def find(self, connection_id: ConnectionId) -> CompiledConnection | None:
        """The compiled connection, None when unknown or disabled."""
        return self._connections.get(connection_id)

    async def load(self, session: Session) -> None:
        """Compile every active connection."""
        self._connections = await self._compile(session, None)

    async def apply(self, session: Session, news: Sequence[Change]) -> None:
        """Compile again what changed."""
        ids = {change.subject_id for change in news if change.kind == "connection"}
        if not ids:
            return
        current = await self._compile(session, ids)
        for connection_id in map(ConnectionId, ids):
            if connection := current.get(connection_id):
                self._connections[connection_id] = connection
            else:
                self._connections.pop(connection_id, None)

    async def _compile(self, session: Session, ids: set[UUID] | None) -> dict[ConnectionId, CompiledConnection]:
        return await compile_connections(
            session, self._sealer, self._public_url, ids, certificates=self._certificates, with_sandboxes=False
        )
