"""The ingress's own set-based statements: what is quarantined. Parts of long messages are in ``parts``."""

from typing import Any, Final

from sqlalchemy import text

from twoway_router.store.transaction import Session

_INSERT_QUARANTINED: Final = text(
    """
    INSERT INTO quarantined_requests (id, connection_id, kind, reason, method, query, headers, body, received_at)
    SELECT entry.id, entry.connection_id, entry.kind, entry.reason, entry.method, entry.query,
           CAST(entry.headers AS jsonb), entry.body, entry.received_at
    FROM unnest(CAST(:id AS uuid[]), CAST(:connection_id AS uuid[]), CAST(:kind AS text[]), CAST(:reason AS text[]),
                CAST(:method AS text[]), CAST(:query AS text[]), CAST(:headers AS text[]), CAST(:body AS bytea[]),
                CAST(:received_at AS timestamptz[]))
         AS entry (id, connection_id, kind, reason, method, query, headers, body, received_at)
    """
)


async def insert_quarantined(session: Session, columns: dict[str, list[Any]]) -> None:
    """Keep what could not be understood."""
    await session.execute(_INSERT_QUARANTINED, columns)
