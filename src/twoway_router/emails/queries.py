"""SQL of e-mails: queued, claimed, settled. Called by ``emails.service`` and ``emails.delivery``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class DueEmail:
    """An e-mail that a job names."""

    id: UUID
    destination: UUID | None = None
    rests_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimedEmail:
    """An e-mail that this process may try to send until its lease ends."""

    id: UUID
    recipient: str
    subject: str
    body: str
    attempt: int
    created_at: datetime


PENDING: Final = "pending"
"""A parameter of statements that look rows up by id: with a literal, a plan made on an empty table reads all that is due."""

_INSERT: Final = text(
    """
    INSERT INTO email_deliveries (id, tenant_id, recipient, subject, body, cause_id, cause_kind, generation, ordinal,
                                  state, reason, due_at, created_at, settled_at)
    SELECT entry.id, tenant_id, recipient, subject, body, cause_id, cause_kind, generation, ordinal,
           CASE WHEN t.sandbox_of IS NULL THEN 'pending' ELSE 'done' END,
           CASE WHEN t.sandbox_of IS NULL THEN NULL ELSE 'sandbox' END,
           CAST(:now AS timestamptz), CAST(:now AS timestamptz),
           CASE WHEN t.sandbox_of IS NULL THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:recipients AS text[]), CAST(:subjects AS text[]),
                CAST(:bodies AS text[]), CAST(:causes AS uuid[]), CAST(:kinds AS text[]), CAST(:generations AS smallint[]),
                CAST(:ordinals AS smallint[]))
        AS entry (id, tenant_id, recipient, subject, body, cause_id, cause_kind, generation, ordinal)
    LEFT JOIN tenants AS t ON t.id = entry.tenant_id
    """
)
_CLAIM: Final = text(
    """
    UPDATE email_deliveries AS e
    SET state = 'claimed', attempt = attempt + 1, lease_until = :lease_until,
        claimed_by = CAST(:claimed_by AS integer)
    FROM (SELECT id FROM email_deliveries
          WHERE id = ANY(CAST(:ids AS uuid[])) AND state = :pending AND due_at <= :due_by
          ORDER BY id FOR UPDATE SKIP LOCKED) AS due
    WHERE e.id = due.id
    RETURNING e.id, e.recipient, e.subject, e.body, e.attempt, e.created_at
    """
)
_SETTLE: Final = text(
    """
    UPDATE email_deliveries AS e
    SET state = entry.state, reason = entry.reason, lease_until = NULL,
        due_at = coalesce(entry.due_at, e.due_at),
        settled_at = CASE WHEN entry.state IN ('done', 'failed') THEN CAST(:now AS timestamptz) END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
                CAST(:due AS timestamptz[])) AS entry (id, attempt, state, reason, due_at)
    WHERE e.id = entry.id AND e.attempt = entry.attempt AND e.state IN ('claimed', 'pending')
    """
)
_POSTPONE: Final = text(
    "UPDATE email_deliveries SET due_at = :due_at WHERE id = ANY(CAST(:ids AS uuid[])) AND state = :pending RETURNING id"
)


async def insert_emails(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Store e-mails: rows of id, tenant_id, recipient, subject, body and the key's columns.

    Those of a sandbox count as done and are never sent.
    """
    names = {
        "ids": "id",
        "tenants": "tenant_id",
        "recipients": "recipient",
        "subjects": "subject",
        "bodies": "body",
        "causes": "cause_id",
        "kinds": "cause_kind",
        "generations": "generation",
        "ordinals": "ordinal",
    }
    columns = {parameter: [row[name] for row in rows] for parameter, name in names.items()}
    await session.execute(_INSERT, {**columns, "now": now})


async def claim(
    session: Session, ids: Collection[UUID], due_by: datetime, lease_until: datetime, claimed_by: int | None
) -> Sequence[ClaimedEmail]:
    """Claim those of these e-mails that are due."""
    values = {"ids": list(ids), "due_by": due_by, "lease_until": lease_until, "claimed_by": claimed_by}
    values["pending"] = PENDING
    rows = await session.execute(_CLAIM, values)
    return [ClaimedEmail(**row._asdict()) for row in rows]


async def postpone(session: Session, ids: Collection[UUID], due_at: datetime) -> Sequence[UUID]:
    """Make pending e-mails due later; those that were."""
    return list(await session.scalars(_POSTPONE, {"ids": list(ids), "due_at": due_at, "pending": PENDING}))


async def settle(session: Session, columns: Mapping[str, Sequence[Any]], now: datetime) -> None:
    """Store what tries brought: ids, attempts, states, reasons, due."""
    await session.execute(_SETTLE, {**columns, "now": now})
