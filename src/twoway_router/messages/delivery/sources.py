"""What the delivery needs from outside: compiled connections, and someone to tell tenants. Given by ``executor``."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.store import Session

Announce = Callable[[Session, Mapping[UUID, UUID], datetime], Awaitable[None]]
"""Tells tenants (id of an MT → its tenant) that MTs have moved, in the transaction of the move."""


class ConnectionSource(Protocol):
    """Compiled connections by id and revision."""

    async def get(self, session: Session, connection_id: UUID, revision: int) -> CompiledConnection | None:
        """None when it cannot be used: disabled, unknown, or its secrets cannot be opened."""
        ...


async def tell_nobody(session: Session, moved: Mapping[UUID, UUID], now: datetime) -> None:
    """An ``Announce`` for who has nobody to tell."""
