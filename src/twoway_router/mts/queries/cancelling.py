"""MTs that were planned for somebody who has opted out since. Called by ``mts.service``, in the STOP's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import text

from twoway_router.consent.gate import must_not_be_sent
from twoway_router.consent.rules import Person
from twoway_router.domain.messages import MtState
from twoway_router.mts.queries.delivering import Ended
from twoway_router.mts.rules import MOVES, REASONS, MtClass, MtEvent
from twoway_router.mts.tables import PLANNED
from twoway_router.store import Session

_CANCEL: Final = text(
    f"""
    WITH planned AS (
        SELECT id FROM outbound_messages
        WHERE state = :planned AND id = ANY(ARRAY(
            SELECT held.id
            FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[])) AS person (number_id, msisdn)
            CROSS JOIN LATERAL (
                SELECT own.id, own.number_id, own.recipient, own.tenant_id, own.origin FROM outbound_messages AS own
                WHERE own.recipient = person.msisdn AND own.number_id = person.number_id AND {PLANNED}
                OFFSET 0) AS held
            WHERE {must_not_be_sent("held")}))
        ORDER BY id
        FOR UPDATE SKIP LOCKED
    )
    UPDATE outbound_messages AS m
    SET state = :suppressed, reason = :reason, settled_at = CAST(:now AS timestamptz)
    FROM planned WHERE m.id = planned.id
    RETURNING m.id, m.tenant_id, m.state, m.order_key, m.mt_class
    """
)
"""The fence (`OFFSET 0`) and a state that is a parameter: a plan made on an empty table would read all that is planned."""


async def cancel_planned(session: Session, people: Collection[Person], now: datetime) -> Sequence[Ended]:
    """Suppress what is planned for people who have stopped it. A locked row is skipped: its claim asks for consent itself."""
    columns = {
        "number_ids": [person.number_id for person in people],
        "msisdns": [person.msisdn for person in people],
        "planned": MtState.PLANNED.value,
        "suppressed": MOVES[MtEvent.OPTED_OUT][MtState.PLANNED].value,
        "reason": REASONS[MtEvent.OPTED_OUT],
    }
    rows = await session.execute(_CANCEL, {**columns, "now": now})
    return [Ended(**(row._asdict() | {"mt_class": MtClass(row.mt_class)})) for row in rows]
