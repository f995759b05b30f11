"""MTs that were planned for somebody who has opted out since. Called by ``mts.service``, in the STOP's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text

from twoway_router.consent.rules import ConsentChange
from twoway_router.domain.messages import MtState
from twoway_router.mts.queries.delivering import Ended
from twoway_router.mts.rules import EXEMPT_ORIGINS
from twoway_router.store import Session

_CANCEL: Final = text(
    """
    WITH planned AS (
        SELECT id FROM outbound_messages
        WHERE state = :planned AND id = ANY(ARRAY(
            SELECT held.id
            FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]), CAST(:tenant_ids AS uuid[]))
                AS scope (number_id, msisdn, tenant_id)
            CROSS JOIN LATERAL (
                SELECT own.id, own.tenant_id, own.origin FROM outbound_messages AS own
                WHERE own.recipient = scope.msisdn AND own.number_id = scope.number_id AND own.state = 'planned'
                OFFSET 0) AS held
            WHERE (scope.tenant_id IS NULL OR held.tenant_id = scope.tenant_id)
              AND NOT (held.origin = ANY(CAST(:exempt AS text[])))))
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    )
    UPDATE outbound_messages AS m
    SET state = 'suppressed', reason = 'opted_out', settled_at = CAST(:now AS timestamptz)
    FROM planned WHERE m.id = planned.id
    RETURNING m.id, m.tenant_id, m.state, m.order_key
    """
)
"""The fence (`OFFSET 0`) and a state that is a parameter: a plan made on an empty table would read all that is planned."""


async def cancel_planned(session: Session, changes: Sequence[ConsentChange], now: datetime) -> Sequence[Ended]:
    """Suppress what is planned in scope. A row that is just being moved is left to the claim, which asks again."""
    columns = {
        "number_ids": [change.number_id for change in changes],
        "msisdns": [change.msisdn for change in changes],
        "tenant_ids": [change.tenant_id for change in changes],
        "exempt": list(EXEMPT_ORIGINS),
        "planned": MtState.PLANNED.value,
    }
    return [Ended(**row._asdict()) for row in await session.execute(_CANCEL, {**columns, "now": now})]
