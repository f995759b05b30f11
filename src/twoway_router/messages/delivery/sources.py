"""What the delivery needs from outside: compiled connections. Implemented by ``executor.connections``."""

from typing import Protocol
from uuid import UUID

from twoway_router.carriers.engine import CompiledConnection


class ConnectionSource(Protocol):
    """Compiled connections by id and revision."""

    async def get(self, connection_id: UUID, revision: int) -> CompiledConnection | None:
        """None when it cannot be used: disabled, unknown, or its secrets cannot be opened."""
        ...
