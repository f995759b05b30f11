"""Stores the MOs of a batch with their jobs. Called by ``ingress.accept``."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session
from twoway_router.store.outbox import CHANNEL, LANE_OF_ORDER_KEY, jobs_of

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
        {jobs_of("inserted WHERE state = 'accepted'", job="'message.run'", lane=LANE_OF_ORDER_KEY)}
    )
    SELECT array_agg(id) AS ids,
           (SELECT count(pg_notify(:channel, '')) FROM (SELECT 1 FROM jobs LIMIT 1) AS any_job) AS hints
    FROM inserted
    """
)

"""One statement for the messages, their jobs and the notification: one round trip for the batch.

- ``jsonb`` travels as text: the driver has no array of ``jsonb``.
- Only what was inserted gets a job: a carrier's repeat starts nothing.
- One notification for the batch, and none when there is no job.
"""

_OTHERS_OF_ID: Final = text(
    """
    SELECT entry.id, first.id AS first_id
    FROM unnest(CAST(:id AS uuid[]), CAST(:connection_id AS uuid[]), CAST(:carrier_message_id AS text[]),
                CAST(:sender AS text[]), CAST(:text AS text[]))
         AS entry (id, connection_id, carrier_message_id, sender, text)
    CROSS JOIN LATERAL (
        SELECT id, sender, text FROM inbound_messages AS own
        WHERE own.connection_id = entry.connection_id AND own.carrier_message_id = entry.carrier_message_id
        OFFSET 0) AS first
    WHERE (first.sender, first.text) <> (entry.sender, entry.text)
    """
)
"""The fence (`OFFSET 0`) makes PostgreSQL look each id up: a plan made on an empty table reads the whole table."""


def columns_of(rows: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Rows in the order of ``_COLUMNS`` as one list per column."""
    return dict(zip(_COLUMNS, (list(column) for column in zip(*rows, strict=True)), strict=True))


async def insert_messages_once(session: Session, rows: Sequence[tuple[Any, ...]]) -> frozenset[UUID]:
    """Insert messages and the jobs of those that wait for a run; return the ids that were not seen before."""
    result = (await session.execute(_INSERT_MESSAGES, {**columns_of(rows), "channel": CHANNEL})).one()
    return frozenset(result.ids or ())


async def find_others_of_id(session: Session, rows: Sequence[tuple[Any, ...]]) -> Mapping[UUID, UUID]:
    """Of rows that were not inserted, those whose id another message had: of another sender, or with another text."""
    found = await session.execute(_OTHERS_OF_ID, columns_of(rows))
    return {row.id: row.first_id for row in found}
