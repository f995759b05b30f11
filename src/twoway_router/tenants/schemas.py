"""Bodies and answers of tenants and API keys."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from twoway_router.domain.ids import TenantId
from twoway_router.tenants.rules import KeyWish, Scope
from twoway_router.tenants.tables import ApiKeys, Tenants
from twoway_router.web.auth import KeyMode, Principal
from twoway_router.web.schemas import UNCHANGED, Body, Label, Moment, Shown

Email = Annotated[str, Field(pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$", max_length=254)]
TenantState = Literal["active", "suspended"]


class TenantIn(Body):
    """A new tenant."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Pizzeria Bella", "contact_email": "owner@pizzeria.example"}]}
    )

    name: Label
    contact_email: Email | None = None


class TenantChange(Body):
    """What should change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "suspended"}]})

    name: Label = UNCHANGED
    contact_email: Email | None = None
    state: TenantState = UNCHANGED


class TenantOut(Shown):
    """A customer of the router. A suspended tenant's keywords do not route and its API keys are refused."""

    id: UUID
    name: str
    state: TenantState
    contact_email: str | None
    sandbox_of: UUID | None = Field(description="The tenant whose sandbox this is; null for an ordinary tenant.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, row: Tenants) -> Self:
        """From its row."""
        return cls.model_validate(row)


class ApiKeyIn(Body):
    """A new API key. Operators name a tenant, or none for an operator's key; a tenant's keys are always its own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "CRM", "scopes": ["keywords:read", "messages:read"], "expires_at": "2027-03-01T09:00:00Z"}
            ]
        }
    )

    name: Label
    scopes: tuple[Scope, ...] = Field(
        min_length=1, max_length=30, description='`["*"]` allows everything the owner may do.'
    )
    mode: KeyMode | None = Field(
        None, description="test: a key of the tenant's sandbox, made with the first one. Left out: like your own key."
    )
    expires_at: Moment | None = None
    tenant_id: UUID | None = Field(None, description="For operators.")

    def to_wish(self, giver: Principal) -> KeyWish:
        """A tenant's wish is for itself, whatever it says."""
        tenant_id = giver.tenant_id or (TenantId(self.tenant_id) if self.tenant_id else None)
        scopes = tuple(sorted(set(self.scopes)))
        mode = self.mode or ("test" if giver.is_sandbox else "live")
        return KeyWish(tenant_id=tenant_id, name=self.name, mode=mode, scopes=scopes, expires_at=self.expires_at)


class ApiKeyOut(Shown):
    """An API key without its secret."""

    id: UUID
    tenant_id: UUID | None = Field(description="Null for an operator's key; of a test key the tenant's sandbox.")
    name: str
    mode: KeyMode
    kid: str = Field(description="The part of the key that may be shown: `twr_<mode>_<kid>_…`.")
    scopes: list[Scope]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    created_at: datetime

    @classmethod
    def of(cls, row: ApiKeys) -> Self:
        """From its row."""
        return cls.model_validate(row)


class NewApiKeyOut(ApiKeyOut):
    """A new API key with its token, which is shown this once."""

    token: str = Field(description="Send it as `Authorization: Bearer …`. It cannot be shown again.")

    @classmethod
    def made(cls, row: ApiKeys, token: str) -> Self:
        """From what was just created."""
        return cls(token=token, **ApiKeyOut.of(row).model_dump())
