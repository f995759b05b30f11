"""``/v1/audit-log``: who did what to what, and when. Mounted by ``app`` under ``/v1``."""

from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from fastapi import Query
from pydantic import Field

from twoway_router.domain.ids import TenantId
from twoway_router.keywords.schemas import OPERATORS_ONLY
from twoway_router.store import audit
from twoway_router.store.audit import LogFilter
from twoway_router.store.tables import AuditLog
from twoway_router.web.auth import CurrentPrincipal
from twoway_router.web.context import DbSession
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Moment, Shown

router = api_router("/audit-log", resource="audit-log", tag="Audit log")

ACTION: Final = r"^[a-z_]+\.[a-z_]+$"


class AuditEntryOut(Shown):
    """One change. Entries are never changed nor deleted: the database refuses it."""

    id: UUID
    action: str = Field(examples=["number.changed", "api_key.revoked"])
    subject_id: UUID = Field(description="What it was done to: a keyword, number, tenant, key, message and so on.")
    tenant_id: UUID | None = Field(description="Whose matter it is; null for what is the operators' alone.")
    actor: Literal["tenant", "operator"] = Field(description="The command line is an operator without a key.")
    actor_key_id: UUID | None = Field(description="The API key; of operators only operators see it.")
    details: dict[str, Any] = Field(description="``before`` and ``after`` of what changed; never a secret.")
    created_at: Moment

    @classmethod
    def read(cls, row: AuditLog, viewer: TenantId | None) -> Self:
        """As an operator (None) or the tenant whose matter it is may see it."""
        is_open = viewer is None or row.actor_tenant_id == viewer
        shown = {name: value for name, value in row.details.items() if viewer is None or name not in OPERATORS_ONLY}
        return cls(
            id=row.id,
            action=row.action,
            subject_id=row.subject_id,
            tenant_id=row.tenant_id,
            actor="operator" if row.actor_tenant_id is None else "tenant",
            actor_key_id=row.actor_key_id if is_open else None,
            details=shown,
            created_at=row.created_at,
        )


@router.get("")
async def list_audit_log(
    caller: CurrentPrincipal,
    session: DbSession,
    pages: Pages,
    subject_id: Annotated[UUID | None, Query(description="What was changed.")] = None,
    action: Annotated[str | None, Query(max_length=64, pattern=ACTION, description="Such as `keyword.held`.")] = None,
    actor_key_id: Annotated[UUID | None, Query(description="The API key that did it.")] = None,
    tenant_id: Annotated[UUID | None, Query(description="For operators; a tenant reads only of its own.")] = None,
    created_after: Annotated[Moment | None, Query(description="Inclusive.")] = None,
    created_before: Annotated[Moment | None, Query(description="Exclusive.")] = None,
) -> Page[AuditEntryOut]:
    """List what was done, by whom and when, newest first."""
    where = LogFilter(
        tenant_id=caller.tenant_id or tenant_id,
        subject_id=subject_id,
        action=action,
        actor_key_id=actor_key_id,
        created_after=created_after,
        created_before=created_before,
    )
    rows = await audit.list_log(session, where, after=pages.after, limit=pages.fetch)
    return pages.page(rows, lambda row: AuditEntryOut.read(row, caller.tenant_id))
