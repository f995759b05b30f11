"""What an API key may be allowed to do. Pure; read by the key's schemas and service."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from twoway_router.domain.ids import TenantId

Scope = Literal[
    "*",
    "api-keys:read",
    "api-keys:write",
    "audit-log:read",
    "connections:read",
    "connections:write",
    "coupons:read",
    "coupons:write",
    "keywords:read",
    "keywords:write",
    "messages:read",
    "messages:write",
    "numbers:read",
    "numbers:write",
    "processes:read",
    "registry:write",
    "routes:read",
    "sandbox:read",
    "sandbox:write",
    "tenants:read",
    "tenants:write",
    "webhooks:read",
    "webhooks:write",
]

SCOPES: Final[frozenset[str]] = frozenset(get_args(Scope))
OPERATOR_SCOPES: Final = frozenset(
    {
        "connections:read",
        "connections:write",
        "numbers:write",
        "processes:read",
        "registry:write",
        "tenants:read",
        "tenants:write",
    }
)
"""Of no use to a tenant: these operations refuse tenants' keys."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyWish:
    """What a new API key should be. No tenant means operator."""

    tenant_id: TenantId | None
    name: str
    mode: Literal["live", "test"]
    scopes: tuple[str, ...]
    expires_at: datetime | None = None


def exceeding(wanted: Iterable[str], held: frozenset[str]) -> list[str]:
    """The requested scopes that the giver does not hold itself."""
    return [] if "*" in held else sorted(set(wanted) - held)


def pointless(wanted: Iterable[str]) -> list[str]:
    """The requested scopes that a tenant's key has no use for."""
    return sorted(set(wanted) & OPERATOR_SCOPES)
