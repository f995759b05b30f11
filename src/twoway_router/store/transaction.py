"""One unit of work is one transaction, opened at the edge. Services get the session and never commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

Session = AsyncSession
Engine = AsyncEngine


@asynccontextmanager
async def transaction(engine: Engine) -> AsyncIterator[Session]:
    """Commit when the block ends, roll back when it raises. No await on the network inside."""
    async with AsyncSession(engine, expire_on_commit=False, autoflush=False) as session, session.begin():
        yield session
