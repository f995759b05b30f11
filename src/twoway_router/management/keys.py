"""Looks API keys up in the database, in a transaction of its own before the request's."""

from datetime import datetime

from twoway_router.domain.ids import ApiKeyId, TenantId
from twoway_router.store import Engine, System, transaction
from twoway_router.tenants.service import find_key_by_kid, note_key_use
from twoway_router.web.auth import NOTED_EVERY, KeyRecord


class StoredKeys:
    """A ``web.auth.KeyDirectory``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, kid: str) -> KeyRecord | None:
        """The key as it is now, with the state of its tenant."""
        async with transaction(self._engine, System("authentication")) as session:
            found = await find_key_by_kid(session, kid)
        if found is None:
            return None
        key = found.key
        return KeyRecord(
            key_id=ApiKeyId(key.id),
            tenant_id=TenantId(key.tenant_id) if key.tenant_id else None,
            mode=key.mode,
            secret_hash=key.secret_hash,
            scopes=key.scopes,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
            is_tenant_suspended=found.tenant_state == "suspended",
        )

    async def note_use(self, key_id: ApiKeyId, now: datetime) -> None:
        """To the minute."""
        async with transaction(self._engine, System("authentication")) as session:
            await note_key_use(session, key_id, now, every=NOTED_EVERY)
