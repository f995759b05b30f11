"""The ingress's set-based statements: one for all messages of a batch, one for all that is quarantined."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store.outbox import CHANNEL
from twoway_router.store.transaction import Session

_COLUMNS: Final = {
    "id": "uuid",
    "connection_id": "uuid",
    "carrier_message_id": "text",
    "number_id": "uuid",
    "tenant_id": "uuid",
    "sender": "text",
    "sender_kind": "text",
    "recipient": "text",
    "text": "text",
    "state": "text",
    "order_key": "bigint",
    "route": "text",
    "rule": "text",
    "keyword_id": "uuid",
    "keyword_revision": "integer",
    "sub_keyword": "text",
    "rest": "text",
    "route_details": "jsonb",
    "rules_version": "bigint",
    "carrier_time": "timestamptz",
    "operator": "text",
    "reply_token": "text",
    "extra": "jsonb",
    "received_at": "timestamptz",
}

_NAMES: Final = ", ".join(_COLUMNS)
_ARRAYS: Final = ", ".join(
    f"CAST(CAST(:{name} AS text[]) AS jsonb[])" if kind == "jsonb" else f"CAST(:{name} AS {kind}[])"
    for name, kind in _COLUMNS.items()
)

_INSERT_MESSAGES: Final = text(
    f"""
    WITH inserted AS (
        INSERT INTO inbound_messages ({_NAMES})
        SELECT * FROM unnest({_ARRAYS}) AS entry ({_NAMES})
        ON CONFLICT (connection_id, carrier_message_id) DO NOTHING
        RETURNING id, state, order_key
    ), jobs AS (
        INSERT INTO outbox (job, lane, ids)
        SELECT 'message.run', lane, array_agg(id ORDER BY id)
        FROM (SELECT id, mod(mod(order_key, 1024) + 1024, 1024) AS lane FROM inserted WHERE state = 'accepted') AS waiting
        GROUP BY lane
        RETURNING 1
    )
    SELECT array_agg(id) AS ids,
           (SELECT count(pg_notify(:channel, '')) FROM (SELECT 1 FROM jobs LIMIT 1) AS any_job) AS hints
    FROM inserted
    """
)

"""One statement for the messages, their jobs and the notification: one round trip for the batch.

- ``jsonb`` travels as text: the driver has no array of ``jsonb``.
- Only what was inserted gets a job: a carrier's repeat starts nothing.
- A job holds all new messages of a lane, in order. ``mod`` twice, because order keys may be negative and lanes may not;
  the lane is ``store.outbox.lane_of``.
- One notification for the batch, and none when there is no job.
"""

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


def columns_of(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Rows in the order of ``_COLUMNS`` as one list per column."""
    return dict(zip(_COLUMNS, (list(column) for column in zip(*rows, strict=True)), strict=True))


async def insert_messages_once(session: Session, rows: Sequence[tuple[Any, ...]]) -> frozenset[UUID]:
    """Insert messages and the jobs of those that wait for a run; return the ids that were not seen before."""
    result = (await session.execute(_INSERT_MESSAGES, {**columns_of(rows), "channel": CHANNEL})).one()
    return frozenset(result.ids or ())


async def insert_quarantined(session: Session, columns: dict[str, list[Any]]) -> None:
    """Keep what could not be understood."""
    await session.execute(_INSERT_QUARANTINED, columns)
