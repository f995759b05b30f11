"""SQL of versions of the rules. Called by ``service`` and ``api``."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import undefer

from twoway_router.rulesets.tables import RuleVersions
from twoway_router.store import Session

# Released at the end of the transaction. Whoever's rules are changed twice at once is judged and numbered one after the other.
_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtextextended('rule_versions ' || :owner, 0))")


async def lock_versions(session: Session, tenant_id: UUID | None) -> None:
    """Wait until nobody else adds a version to this tenant's, or to the operators'."""
    await session.execute(_LOCK, {"owner": str(tenant_id)})


async def insert_version(session: Session, version: RuleVersions) -> None:
    """Store a version for good."""
    session.add(version)
    await session.flush()


async def find_newest(session: Session, tenant_id: UUID | None) -> RuleVersions | None:
    """The newest of a tenant's versions, or of the operators', with its keywords."""
    wanted = _with_keywords(_of(tenant_id)).order_by(RuleVersions.version.desc()).limit(1)
    return await session.scalar(wanted)


async def find_version(session: Session, version_id: UUID, *, tenant_id: UUID | None) -> RuleVersions | None:
    """A tenant's version, or any one without a tenant, with its keywords."""
    wanted = _with_keywords(select(RuleVersions).where(RuleVersions.id == version_id))
    return await session.scalar(wanted if tenant_id is None else wanted.where(RuleVersions.tenant_id == tenant_id))


async def list_versions(
    session: Session, tenant_id: UUID | None, *, version: int | None, after: UUID | None, limit: int
) -> Sequence[RuleVersions]:
    """A tenant's versions, or the operators', newest first."""
    wanted = _of(tenant_id).order_by(RuleVersions.id.desc()).limit(limit)
    if version is not None:
        wanted = wanted.where(RuleVersions.version == version)
    if after is not None:
        wanted = wanted.where(RuleVersions.id < after)
    return (await session.scalars(wanted)).all()


def _of(tenant_id: UUID | None) -> Select[RuleVersions]:
    is_its = RuleVersions.tenant_id.is_(None) if tenant_id is None else RuleVersions.tenant_id == tenant_id
    return select(RuleVersions).where(is_its)


def _with_keywords(wanted: Select[RuleVersions]) -> Select[RuleVersions]:
    columns = (RuleVersions.keyword_ids, RuleVersions.revisions, RuleVersions.states)
    return wanted.options(*(undefer(column) for column in columns))
