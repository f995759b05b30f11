"""SQL of webhook deliveries on their way out: claimed, settled, put off. Called by ``webhooks.delivery``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.domain.causes import EffectKey
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class DueWebhook:
    """A delivery that is due, before it is claimed. ``destination`` is its endpoint."""

    id: UUID
    destination: UUID
    rests_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedWebhook:
    """A delivery that this process may try until its lease ends, with its endpoint as it was when claimed."""

    id: UUID
    tenant_id: UUID
    endpoint_id: UUID
    body: str
    attempt: int
    created_at: datetime
    url: str
    secrets: bytes
    previous_secret_expires_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisabledEndpoint:
    """An endpoint that was just disabled, its tenant's e-mail address, and the key of the e-mail."""

    id: UUID
    tenant_id: UUID
    url: str
    failing_since: datetime
    reason: str
    contact_email: str | None
    key: EffectKey


PENDING: Final = "pending"
"""A parameter of statements that look rows up by id: with a literal, a plan made on an empty table reads all that is due."""

_LOOK: Final = text(
    "SELECT id, endpoint_id FROM webhook_deliveries"
    " WHERE id = ANY(CAST(:ids AS uuid[])) AND state = :pending AND due_at <= :due_by ORDER BY id"
)
_CLAIM: Final = text(
    """
    WITH due AS (
        SELECT d.id, e.state AS endpoint_state, e.url, e.secrets, e.previous_secret_expires_at
        FROM webhook_deliveries AS d JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
        WHERE d.id = ANY(CAST(:ids AS uuid[])) AND d.state = :pending AND d.due_at <= :due_by
        ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE webhook_deliveries AS d
    SET state = CASE due.endpoint_state WHEN 'enabled' THEN 'claimed' ELSE 'failed' END,
        attempt = d.attempt + CASE due.endpoint_state WHEN 'enabled' THEN 1 ELSE 0 END,
        lease_until = CASE due.endpoint_state WHEN 'enabled' THEN CAST(:lease_until AS timestamptz) END,
        claimed_by = CAST(:claimed_by AS integer),
        reason = CASE due.endpoint_state WHEN 'enabled' THEN d.reason ELSE 'endpoint_disabled' END,
        settled_at = CASE due.endpoint_state WHEN 'enabled' THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM due WHERE d.id = due.id
    RETURNING d.id, d.tenant_id, d.endpoint_id, d.body, d.attempt, d.created_at, d.state, due.url, due.secrets,
              due.previous_secret_expires_at
    """
)
_POSTPONE: Final = text(
    """
    WITH held AS (
        SELECT id, state FROM webhook_deliveries WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
    )
    UPDATE webhook_deliveries AS d
    SET due_at = (CAST(:due AS timestamptz[]))[array_position(CAST(:ids AS uuid[]), d.id)]
    WHERE d.id = ANY(ARRAY(SELECT id FROM held WHERE state = 'pending'))
    RETURNING d.id, d.due_at
    """
)
_SETTLE: Final = text(
    """
    WITH tried AS (
        INSERT INTO webhook_attempts
            (delivery_id, attempt, tenant_id, outcome, status, reason, response, started_at, finished_at)
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS smallint[]), CAST(:tenants AS uuid[]),
                             CAST(:outcomes AS text[]), CAST(:statuses AS smallint[]), CAST(:reasons AS text[]),
                             CAST(:responses AS text[]), CAST(:started AS timestamptz[]), CAST(:finished AS timestamptz[]))
        ON CONFLICT DO NOTHING
    )
    UPDATE webhook_deliveries AS d
    SET state = entry.state, reason = entry.reason, last_status = entry.status, lease_until = NULL,
        due_at = coalesce(entry.due_at, d.due_at),
        settled_at = CASE WHEN entry.state IN ('done', 'failed') THEN CAST(:now AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS smallint[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
                CAST(:statuses AS smallint[]), CAST(:due AS timestamptz[]))
        AS entry (id, attempt, state, reason, status, due_at)
    WHERE d.id = entry.id AND d.attempt = entry.attempt AND d.state IN ('claimed', 'pending')
    RETURNING d.id
    """
)
_HEALTHY: Final = text(
    "UPDATE webhook_endpoints SET failing_since = NULL"
    " WHERE id = ANY(CAST(:ids AS uuid[])) AND failing_since IS NOT NULL"
)
_FAILING: Final = text(
    "UPDATE webhook_endpoints SET failing_since = :now WHERE id = ANY(CAST(:ids AS uuid[])) AND failing_since IS NULL"
)
_DISABLE: Final = text(
    """
    UPDATE webhook_endpoints AS e
    SET state = 'disabled', revision = revision + 1, updated_at = :now,
        disabled_reason = CASE WHEN e.id = ANY(CAST(:gone AS uuid[])) THEN 'gone' ELSE 'failing_for_five_days' END
    FROM tenants AS t
    WHERE t.id = e.tenant_id AND e.state = 'enabled' AND (
        e.id = ANY(CAST(:gone AS uuid[]))
        OR (e.id = ANY(CAST(:failing AS uuid[])) AND e.failing_since <= :failing_before))
    RETURNING e.id, e.tenant_id, e.url, coalesce(e.failing_since, :now) AS failing_since, e.disabled_reason AS reason,
              t.contact_email
    """
)


async def look(session: Session, ids: Collection[UUID], due_by: datetime) -> Sequence[DueWebhook]:
    """Which of these deliveries are due."""
    rows = await session.execute(_LOOK, {"ids": list(ids), "due_by": due_by, "pending": PENDING})
    return [DueWebhook(id=row.id, destination=row.endpoint_id) for row in rows]


async def claim(
    session: Session,
    ids: Collection[UUID],
    now: datetime,
    due_by: datetime,
    lease_until: datetime,
    claimed_by: int | None,
) -> Sequence[ClaimedWebhook]:
    """Claim due deliveries; those of a disabled endpoint fail."""
    claim = {"now": now, "due_by": due_by, "lease_until": lease_until, "claimed_by": claimed_by}
    rows = await session.execute(_CLAIM, {"ids": list(ids), "pending": PENDING, **claim})
    found = [row._asdict() for row in rows]
    return [ClaimedWebhook(**row) for row in found if row.pop("state") == "claimed"]


async def postpone(session: Session, due: Mapping[UUID, datetime]) -> Mapping[UUID, datetime]:
    """Make pending deliveries due later; those that were."""
    rows = await session.execute(_POSTPONE, {"ids": list(due), "due": list(due.values())})
    return {row.id: row.due_at for row in rows}


async def settle(session: Session, columns: Mapping[str, Sequence[Any]], now: datetime) -> set[UUID]:
    """Log tries and store what they brought; those that were stored: a later try's row is left alone.

    ``columns``: ids, attempts, tenants, states, outcomes, statuses, reasons, responses, due, started, finished.
    """
    return set(await session.scalars(_SETTLE, {**columns, "now": now}))


async def note_health(session: Session, healthy: Collection[UUID], failing: Collection[UUID], now: datetime) -> None:
    """Since when endpoints fail. A success forgets it."""
    if healthy:
        await session.execute(_HEALTHY, {"ids": sorted(healthy)})
    if failing:
        await session.execute(_FAILING, {"ids": sorted(failing), "now": now})


async def disable(
    session: Session,
    gone: Collection[UUID],
    failing: Collection[UUID],
    keys: Mapping[UUID, EffectKey],
    now: datetime,
    failing_before: datetime,
) -> Sequence[DisabledEndpoint]:
    """Disable endpoints that said they are gone, and those that have failed for too long."""
    if not gone and not failing:
        return []
    rows = await session.execute(
        _DISABLE, {"gone": list(gone), "failing": list(failing), "now": now, "failing_before": failing_before}
    )
    return [DisabledEndpoint(**row._asdict(), key=keys[row.id]) for row in rows]
