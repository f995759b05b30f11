"""Notes in the audit log what an operation of the API changed. A dependency of the endpoints that change something."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends

from twoway_router.store import Session, audit
from twoway_router.store.audit import Actor
from twoway_router.store.audit_diff import Subject, difference, owner_of, read_facts
from twoway_router.web.auth import CurrentPrincipal, actor_of
from twoway_router.web.context import DbSession, Now


@dataclass(frozen=True, kw_only=True, slots=True)
class Trail:
    """Who acts, when, and in which transaction."""

    session: Session
    by: Actor
    now: datetime

    @asynccontextmanager
    async def changing(
        self, action: str, subject: Subject, subject_id: UUID, *, details: Mapping[str, Any] | None = None
    ) -> AsyncIterator[None]:
        """Around a change: notes the row's columns before and after, and ``details``. Without any of these nothing is noted."""
        before = await read_facts(self.session, subject, subject_id)
        yield
        await self.session.flush()
        after = await read_facts(self.session, subject, subject_id)
        if before != after or details:
            noted = {**difference(before, after), **(details or {})}
            owner = owner_of(subject, after or before)
            await audit.record(
                self.session, action, subject_id, by=self.by, now=self.now, tenant_id=owner, details=noted
            )

    async def made(self, action: str, subject: Subject, subject_id: UUID) -> None:
        """After something was made."""
        await self.session.flush()
        facts = await read_facts(self.session, subject, subject_id)
        owner = owner_of(subject, facts)
        details = difference({}, facts)
        await audit.record(self.session, action, subject_id, by=self.by, now=self.now, tenant_id=owner, details=details)


async def _trail(session: DbSession, principal: CurrentPrincipal, now: Now) -> Trail:
    return Trail(session=session, by=actor_of(principal), now=now)


CurrentTrail = Annotated[Trail, Depends(_trail)]
"""The audit log as this request writes it."""
