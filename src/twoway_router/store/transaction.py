"""One unit of work is one transaction, opened at the edge. Services get the session and never commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

Session = AsyncSession
Engine = AsyncEngine


@dataclass(frozen=True, slots=True)
class OneTenant:
    """One tenant's own work, such as a request with its API key."""

    tenant_id: UUID


@dataclass(frozen=True, slots=True)
class SeveralTenants:
    """Work of several tenants together, such as a batch of results."""

    tenant_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class System:
    """Work of the installation itself, by the name of who does it: it may see every tenant's rows."""

    name: str


Scope = OneTenant | SeveralTenants | System
"""For whom a transaction is."""


@asynccontextmanager
async def transaction(engine: Engine, scope: Scope) -> AsyncIterator[Session]:
    """Commit when the block ends, roll back when it raises. No await on the network inside.

    The session carries its scope as ``session.info["scope"]``. It is not set in PostgreSQL: that would cost a statement.
    """
    info = {"scope": scope}
    async with AsyncSession(engine, expire_on_commit=False, autoflush=False, info=info) as session, session.begin():
        yield session
