"""MTs that were planned for somebody who has opted out since. Called by ``messages.service``, in the STOP's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text

from twoway_router.consent.rules import ConsentChange
from twoway_router.messages.queries.delivering import Ended
from twoway_router.messages.rules import EXEMPT_ORIGINS
from twoway_router.store import Session

_CANCEL: Final = text(
    """
    WITH planned AS (
        SELECT m.id FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]), CAST(:tenant_ids AS uuid[]))
            AS scope (number_id, msisdn, tenant_id)
        JOIN outbound_messages AS m ON m.recipient = scope.msisdn AND m.number_id = scope.number_id
            AND (scope.tenant_id IS NULL OR m.tenant_id = scope.tenant_id)
        WHERE m.state = 'planned' AND NOT (m.origin = ANY(CAST(:exempt AS text[])))
        ORDER BY m.id
        FOR UPDATE OF m SKIP LOCKED
    )
    UPDATE outbound_messages AS m
    SET state = 'suppressed', reason = 'opted_out', settled_at = CAST(:now AS timestamptz), lease_until = NULL
    FROM planned WHERE m.id = planned.id
    RETURNING m.id, m.tenant_id, m.state, m.order_key
    """
)


async def cancel_planned(session: Session, changes: Sequence[ConsentChange], now: datetime) -> Sequence[Ended]:
    """Suppress what is planned in scope. A row that is just being moved is left to the claim, which asks again."""
    columns = {
        "number_ids": [change.number_id for change in changes],
        "msisdns": [change.msisdn for change in changes],
        "tenant_ids": [change.tenant_id for change in changes],
        "exempt": list(EXEMPT_ORIGINS),
    }
    return [Ended(**row._asdict()) for row in await session.execute(_CANCEL, {**columns, "now": now})]
