"""What the delivery needs from outside: compiled connections, and someone to tell tenants. Given by ``executor``."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from twoway_router.carriers.engine import CompiledConnection
from twoway_router.events.news import News
from twoway_router.store import Session

Announce = Callable[[Session, News, datetime], Awaitable[None]]
"""Tells tenants that MTs have moved and people have left, in the transaction of it."""


class ConnectionSource(Protocol):
    """Compiled connections by id and revision."""

    async def get(self, session: Session, connection_id: UUID, revision: int) -> CompiledConnection | None:
        """None when it cannot be used: disabled, unknown, or its secrets cannot be opened."""
        ...


async def tell_nobody(session: Session, news: News, now: datetime) -> None:
    """An ``Announce`` for who has nobody to tell."""
