"""Who is calling: reads the API key of a request and names its principal. Called by ``web.route`` before anything else.

A key is ``twr_<live|test>_<kid>_<secret>``. Only the SHA-256 of its 256-bit secret is stored; what was read from the
database is used for three seconds, so that a revoked key is dead within five.
"""

import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal, Protocol

from fastapi import Depends, Request

from twoway_router.domain.errors import Forbidden, Unauthenticated
from twoway_router.domain.ids import ApiKeyId, TenantId
from twoway_router.store.audit import Actor

KeyMode = Literal["live", "test"]

KEPT_FOR: Final = timedelta(seconds=3)
NOTED_EVERY: Final = timedelta(minutes=1)
EVERYTHING: Final = "*"
_MOST_KEPT: Final = 10_000
_KEY: Final = re.compile(r"twr_(live|test)_([a-z0-9]{12})_([0-9a-f]{64})")
_KID_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_NO_HASH: Final = bytes(32)


class OperatorOnly(Forbidden):
    """Only an operator's key may do this."""

    code = "operator_only"


class TenantOnly(Forbidden):
    """This belongs to one tenant: use a key of that tenant, not an operator's."""

    code = "tenant_only"


class SandboxOnly(Forbidden):
    """This exists in a tenant's sandbox only: use a test key (`twr_test_…`)."""

    code = "sandbox_only"


class MissingScope(Forbidden):
    """The API key does not have the scope that this operation needs."""

    code = "missing_scope"


class TenantSuspended(Forbidden):
    """This tenant is suspended. Ask the operator."""

    code = "tenant_suspended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who is calling and what they may do. No tenant means operator; a test key's tenant is a sandbox."""

    key_id: ApiKeyId
    tenant_id: TenantId | None
    scopes: frozenset[str]
    is_sandbox: bool = False

    @property
    def owner(self) -> str:
        """Whose idempotency keys and cursors these are."""
        return f"tenant:{self.tenant_id}" if self.tenant_id else "operator"

    def may(self, scope: str) -> bool:
        """Whether the key has the scope."""
        return EVERYTHING in self.scopes or scope in self.scopes


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyRecord:
    """An API key as stored."""

    key_id: ApiKeyId
    tenant_id: TenantId | None
    mode: str
    secret_hash: bytes
    scopes: Sequence[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_tenant_suspended: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FreshKey:
    """A new key. ``token`` is shown once; only ``secret_hash`` is stored."""

    kid: str
    token: str
    secret_hash: bytes


class KeyDirectory(Protocol):
    """Where keys are kept. A call is a transaction of its own."""

    async def find(self, kid: str) -> KeyRecord | None: ...

    async def note_use(self, key_id: ApiKeyId, now: datetime) -> None: ...


def make_key(mode: KeyMode) -> FreshKey:
    """A new key from the system's randomness."""
    kid = "".join(secrets.choice(_KID_LETTERS) for _ in range(12))
    secret = secrets.token_hex(32)
    return FreshKey(kid=kid, token=f"twr_{mode}_{kid}_{secret}", secret_hash=sha256(secret.encode()).digest())


class Authenticator:
    """Turns an ``Authorization`` header into a principal; remembers what it read for three seconds."""

    def __init__(
        self, directory: KeyDirectory, *, compare: Callable[[bytes, bytes], bool] = hmac.compare_digest
    ) -> None:
        self._directory = directory
        self._compare = compare
        self._kept: OrderedDict[str, tuple[datetime, KeyRecord | None]] = OrderedDict()
        self._noted: dict[ApiKeyId, datetime] = {}

    async def authenticate(self, header: str | None, now: datetime) -> Principal:
        """Raises Unauthenticated with one and the same answer for every kind of bad key."""
        scheme, _, token = (header or "").partition(" ")
        parsed = _KEY.fullmatch(token.strip())
        if scheme.lower() != "bearer" or parsed is None:
            raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
        mode, kid, secret = parsed.groups()
        record = await self._find(kid, now)
        given = sha256(secret.encode()).digest()
        is_right = self._compare(given, record.secret_hash if record else _NO_HASH)
        is_dead = record is None or record.revoked_at or (record.expires_at and record.expires_at <= now)
        if record is None or is_dead or not is_right or record.mode != mode:
            raise Unauthenticated(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        noted = max(filter(None, (record.last_used_at, self._noted.get(record.key_id))), default=None)
        if noted is None or now - noted >= NOTED_EVERY:
            self._noted[record.key_id] = now
            await self._directory.note_use(record.key_id, now)
        if record.is_tenant_suspended:
            raise TenantSuspended
        return Principal(
            key_id=record.key_id,
            tenant_id=record.tenant_id,
            scopes=frozenset(record.scopes),
            is_sandbox=record.mode == "test",
        )

    async def _find(self, kid: str, now: datetime) -> KeyRecord | None:
        kept = self._kept.get(kid)
        if kept is not None and abs(now - kept[0]) < KEPT_FOR:
            return kept[1]
        record = await self._directory.find(kid)
        self._kept[kid] = (now, record)
        self._kept.move_to_end(kid)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return record


def actor_of(principal: Principal) -> Actor:
    """Who the audit log says it was."""
    return Actor(key_id=principal.key_id, tenant_id=principal.tenant_id)


async def _principal(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


CurrentPrincipal = Annotated[Principal, Depends(_principal)]
"""Tenant or operator."""


async def _tenant(principal: CurrentPrincipal) -> TenantId:
    if principal.tenant_id is None:
        raise TenantOnly
    return principal.tenant_id


async def _operator(principal: CurrentPrincipal) -> Principal:
    if principal.tenant_id is not None:
        raise OperatorOnly
    return principal


async def _sandbox(principal: CurrentPrincipal) -> TenantId:
    if principal.tenant_id is None or not principal.is_sandbox:
        raise SandboxOnly
    return principal.tenant_id


CurrentSandbox = Annotated[TenantId, Depends(_sandbox)]
"""The calling sandbox's id; live keys and operators are refused."""

CurrentTenant = Annotated[TenantId, Depends(_tenant)]
"""The calling tenant's id; operators are refused."""

Operator = Annotated[Principal, Depends(_operator)]
"""The calling operator; tenants are refused. As a dependency without a name: ``dependencies=[OPERATOR]``."""

OPERATOR = Depends(_operator)
