"""What the delivery needs from outside: compiled connections. Given by ``executor``."""

from typing import Protocol
from uuid import UUID

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.store import Session


class ConnectionSource(Protocol):
    """Compiled connections by id and revision."""

    async def get(self, session: Session, connection_id: UUID, revision: int) -> CompiledConnection | None:
        """None when it cannot be used: disabled, unknown, or its secrets cannot be opened."""
        ...
