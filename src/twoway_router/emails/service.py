"""E-mails that actions ask for. Queued in the action's transaction, sent by ``emails.delivery``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from twoway_router.domain.causes import EffectKey
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.emails.queries import insert_emails
from twoway_router.store import Session, outbox

JOB: Final = "email.deliver"


@dataclass(frozen=True, kw_only=True, slots=True)
class EmailDraft:
    """One e-mail for one recipient."""

    tenant_id: TenantId
    recipient: str
    subject: str
    body: str
    key: EffectKey


async def queue_emails(session: Session, drafts: Sequence[EmailDraft], *, now: datetime) -> None:
    """Store e-mails and their jobs."""
    if drafts:
        ids = [new_id() for _ in drafts]
        rows = [
            {
                "id": email_id,
                "tenant_id": draft.tenant_id,
                "recipient": draft.recipient,
                "subject": draft.subject,
                "body": draft.body,
                "cause_id": draft.key.cause.id,
                "cause_kind": draft.key.cause.kind.value,
                "generation": draft.key.generation,
                "ordinal": draft.key.ordinal,
            }
            for email_id, draft in zip(ids, drafts, strict=True)
        ]
        await insert_emails(session, rows, now)
        await outbox.add(session, JOB, ids)
