"""SQL of message parts, set-based. Called by ``long_messages`` inside the ingress's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text

from twoway_router.domain.ids import ConnectionId
from twoway_router.inbound.rules import CORRECTED_TEXT
from twoway_router.ingress.arrivals import id_of_reuse
from twoway_router.ingress.parts import PART_LOCKS, KeptPart, Late, SetKey, Whole
from twoway_router.store.transaction import Session

_LOCK: Final = text("SELECT pg_advisory_xact_lock(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)")
_TRY_LOCK: Final = text(
    "SELECT key FROM unnest(CAST(:keys AS int[])) AS locks (key) WHERE pg_try_advisory_xact_lock(:class, key)"
)
_INSERT: Final = text(
    """
    INSERT INTO message_parts (id, connection_id, sender, recipient, reference, total, carrier_message_id, place, body,
                               charset, facts, received_at, due_at)
    SELECT entry.id, entry.connection_id, entry.sender, entry.recipient, entry.reference, entry.total,
           entry.carrier_message_id, entry.place, entry.body, entry.charset, CAST(entry.facts AS jsonb),
           entry.received_at, entry.due_at
    FROM unnest(CAST(:id AS uuid[]), CAST(:connection_id AS uuid[]), CAST(:sender AS text[]), CAST(:recipient AS text[]),
                CAST(:reference AS text[]), CAST(:total AS smallint[]), CAST(:carrier_message_id AS text[]),
                CAST(:place AS smallint[]), CAST(:body AS bytea[]), CAST(:charset AS text[]), CAST(:facts AS text[]),
                CAST(:received_at AS timestamptz[]), CAST(:due_at AS timestamptz[]))
         AS entry (id, connection_id, sender, recipient, reference, total, carrier_message_id, place, body, charset, facts,
                   received_at, due_at)
    ON CONFLICT (connection_id, carrier_message_id, place) DO NOTHING
    RETURNING id
    """
)
_LIST: Final = text(
    """
    SELECT part.* FROM unnest(CAST(:connection_id AS uuid[]), CAST(:sender AS text[]), CAST(:recipient AS text[]),
                              CAST(:reference AS text[]), CAST(:total AS smallint[]))
         AS wanted (connection_id, sender, recipient, reference, total)
    CROSS JOIN LATERAL (
        SELECT * FROM message_parts AS own
        WHERE own.connection_id = wanted.connection_id AND own.sender = wanted.sender
          AND own.recipient = wanted.recipient AND own.reference = wanted.reference AND own.total = wanted.total
          AND own.state <> 'joined'
        OFFSET 0) AS part
    ORDER BY part.id
    """
)
"""The fence (`OFFSET 0`) makes PostgreSQL look a set up by its index: a plan made on an empty table reads the whole table."""
_CLOSE: Final = text(
    """
    UPDATE message_parts AS part
    SET state = entry.state, inbound_message_id = message.id,
        body = CASE entry.state WHEN 'joined' THEN CAST('' AS bytea) ELSE part.body END
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:connection_ids AS uuid[]), CAST(:carrier_ids AS text[]),
                CAST(:reuse_ids AS text[])) AS entry (id, state, connection_id, carrier_message_id, reuse_id)
    CROSS JOIN LATERAL (
        SELECT own.id FROM inbound_messages AS own
        WHERE own.connection_id = entry.connection_id
          AND own.carrier_message_id IN (entry.carrier_message_id, entry.reuse_id)
        ORDER BY own.carrier_message_id = entry.reuse_id DESC LIMIT 1) AS message
    WHERE part.id = entry.id
    """
)
"""The message is identified by its carrier's id, or by what stands for it where another message had that id: a repeat of a
joined message was inserted by an earlier transaction and has another id than the one made now. The bodies of joined parts
go: the text is in the message."""
_CORRECT: Final = text(
    """
    WITH entry AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:message_ids AS uuid[]), CAST(:corrections AS text[]))
                      AS entry (id, message_id, correction)
    ), noted AS (
        UPDATE message_parts AS part SET state = 'late', inbound_message_id = entry.message_id
        FROM entry WHERE part.id = entry.id
    )
    UPDATE inbound_messages AS message SET extra = message.extra || CAST(newest.correction AS jsonb)
    FROM (SELECT DISTINCT ON (message_id) message_id, correction FROM entry ORDER BY message_id, id DESC) AS newest
    WHERE message.id = newest.message_id
    """
)
"""Several late parts of one message may come together: the newest correction holds all of them, so it alone is written."""
_DUE: Final = text(
    "SELECT DISTINCT connection_id, sender, recipient, reference, total FROM"
    " (SELECT * FROM message_parts WHERE state = 'waiting' AND due_at <= :now ORDER BY due_at LIMIT :limit) AS due"
)
"""The limit is inside: sets are few, their parts may be many, and the index on ``due_at`` gives them one by one."""
_FORGET: Final = text(
    "DELETE FROM message_parts WHERE id IN (SELECT id FROM message_parts"
    " WHERE received_at < :before AND state <> 'waiting' LIMIT :limit FOR UPDATE SKIP LOCKED)"
)


async def lock_sets(session: Session, keys: Collection[SetKey]) -> None:
    """Hold these sets until commit, in one order. What others have committed is seen by the statements that follow."""
    await session.execute(_LOCK, {"class": PART_LOCKS, "keys": sorted({key.lock_key for key in keys})})


async def try_lock_sets(session: Session, keys: Collection[SetKey]) -> Sequence[SetKey]:
    """Hold those of the sets that nobody else holds."""
    wanted = sorted({key.lock_key for key in keys})
    held = set(await session.scalars(_TRY_LOCK, {"class": PART_LOCKS, "keys": wanted}))
    return [key for key in keys if key.lock_key in held]


async def insert_once(session: Session, columns: dict[str, list[Any]]) -> frozenset[UUID]:
    """Keep parts; the ids of those that were not here before."""
    return frozenset(await session.scalars(_INSERT, columns))


async def list_parts(session: Session, keys: Sequence[SetKey]) -> Sequence[KeptPart]:
    """All parts of these sets that are not joined, oldest first."""
    wanted = {name: [getattr(key, name) for key in keys] for name in SetKey.__slots__}
    return [
        KeptPart(
            id=row.id,
            key=_key(row),
            carrier_message_id=row.carrier_message_id,
            place=row.place,
            state=row.state,
            body=bytes(row.body),
            charset=row.charset,
            facts=row.facts,
            received_at=row.received_at,
            due_at=row.due_at,
            inbound_message_id=row.inbound_message_id,
        )
        for row in await session.execute(_LIST, wanted)
    ]


async def close_parts(session: Session, wholes: Sequence[Whole]) -> None:
    """Note which message the parts have become. Texts of complete ones are in their message now and go from here."""
    rows = [(part_id, whole) for whole in wholes for part_id in whole.part_ids]
    columns: dict[str, list[Any]] = {
        "ids": [part_id for part_id, _ in rows],
        "states": ["incomplete" if whole.message.missing_parts else "joined" for _, whole in rows],
        "connection_ids": [whole.connection_id for _, whole in rows],
        "carrier_ids": [whole.message.carrier_message_id for _, whole in rows],
        "reuse_ids": [id_of_reuse(whole.message) for _, whole in rows],
    }
    await session.execute(_CLOSE, columns)


async def correct(session: Session, late: Sequence[Late]) -> None:
    """Record what messages would have been with the parts that came too late. Their routes stay."""
    columns: dict[str, list[Any]] = {
        "ids": [each.part_id for each in late],
        "message_ids": [each.inbound_message_id for each in late],
        "corrections": [
            orjson.dumps({CORRECTED_TEXT: each.text, "missing_parts": ",".join(map(str, each.missing))}).decode()
            for each in late
        ],
    }
    await session.execute(_CORRECT, columns)


async def list_due(session: Session, now: datetime, limit: int) -> Sequence[SetKey]:
    """Sets that have a part whose wait is over."""
    return [_key(row) for row in await session.execute(_DUE, {"now": now, "limit": limit})]


async def forget(session: Session, before: datetime, limit: int = 5000) -> None:
    """Delete parts that have long become messages."""
    await session.execute(_FORGET, {"before": before, "limit": limit})


def _key(row: Any) -> SetKey:
    return SetKey(ConnectionId(row.connection_id), row.sender, row.recipient, row.reference, row.total)
