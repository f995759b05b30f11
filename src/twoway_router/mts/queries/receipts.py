"""Receipts and the MTs they speak of. Called by ``mts.service`` (arrivals) and ``mts.delivery`` (late matches)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.mts.rules import RECEIPT_LOCKS
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """An MT that a receipt names, locked. ``position`` is the receipt's place in the batch."""

    position: int
    id: UUID
    tenant_id: UUID | None
    number_id: UUID
    recipient: str
    order_key: int
    state: str
    delivery_state: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CarrierId:
    """A carrier's name for an MT, unique only with its connection."""

    connection_id: UUID
    carrier_message_id: str


_LOCK: Final = text("SELECT pg_advisory_xact_lock(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)")
_FIND: Final = text(
    """
    SELECT r.position, m.id, m.tenant_id, m.number_id, m.recipient, m.order_key, m.state, m.delivery_state
    FROM unnest(CAST(:positions AS int[]), CAST(:connection_ids AS uuid[]), CAST(:carrier_ids AS text[]),
                CAST(:reference_ids AS uuid[])) AS r (position, connection_id, carrier_id, reference)
    CROSS JOIN LATERAL (
        SELECT id FROM outbound_messages
        WHERE connection_id = r.connection_id AND carrier_message_id = r.carrier_id AND r.carrier_id IS NOT NULL
        UNION ALL
        SELECT id FROM outbound_messages WHERE id = r.reference AND connection_id = r.connection_id
        ORDER BY id DESC LIMIT 1
    ) AS named
    JOIN outbound_messages AS m ON m.id = named.id
    ORDER BY m.id FOR UPDATE OF m
    """
)
_COLUMNS: Final[Mapping[str, str]] = {
    "id": "uuid",
    "connection_id": "uuid",
    "carrier_message_id": "text",
    "reference": "uuid",
    "recipient": "text",
    "outbound_message_id": "uuid",
    "state": "text",
    "raw_state": "text",
    "error": "text",
    "opted_out": "boolean",
    "carrier_time": "timestamptz",
}
_NAMES: Final = ", ".join(_COLUMNS)
_ARRAYS: Final = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())
_INSERT: Final = text(
    f"INSERT INTO delivery_receipts ({_NAMES}, received_at)"
    f" SELECT {_NAMES}, CAST(:now AS timestamptz) FROM unnest({_ARRAYS}) AS entry ({_NAMES})"
)
_UPDATE: Final = text(
    """
    UPDATE outbound_messages AS m
    SET state = entry.state, delivery_state = entry.delivery_state,
        handed_over_at = coalesce(m.handed_over_at, :now),
        settled_at = CASE WHEN entry.state = 'claimed' THEN m.settled_at ELSE coalesce(m.settled_at, :now) END,
        reason = CASE WHEN entry.state = 'failed' THEN 'receipt_' || entry.delivery_state
                      WHEN entry.state = 'claimed' THEN m.reason END,
        lease_until = CASE WHEN entry.state = 'claimed' THEN m.lease_until END,
        decide_at = NULL
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:delivery_states AS text[]))
        AS entry (id, state, delivery_state)
    WHERE m.id = entry.id
    """
)


async def lock(session: Session, names: Sequence[CarrierId]) -> None:
    """Hold the locks of carrier ids until commit, in one order."""
    ids = {name.connection_id.bytes + name.carrier_message_id.encode() for name in names}
    keys = sorted({int.from_bytes(blake2b(each, digest_size=4).digest(), "big", signed=True) for each in ids})
    if keys:
        await session.execute(_LOCK, {"class": RECEIPT_LOCKS, "keys": keys})


async def find_spoken_of(
    session: Session,
    connection_ids: Sequence[UUID],
    carrier_ids: Sequence[str | None],
    references: Sequence[UUID | None],
) -> Sequence[Spoken]:
    """The MTs that receipts name, locked; a receipt whose MT is not known (yet) is missing."""
    rows = await session.execute(
        _FIND,
        {
            "positions": list(range(len(connection_ids))),
            "connection_ids": list(connection_ids),
            "carrier_ids": list(carrier_ids),
            "reference_ids": list(references),
        },
    )
    return [Spoken(**row._asdict()) for row in rows]


async def insert_receipts(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Keep receipts; those without an MT wait for it."""
    columns = {name: [row[name] for row in rows] for name in _COLUMNS}
    await session.execute(_INSERT, {**columns, "now": now})


async def update_states(session: Session, states: Mapping[UUID, tuple[str, str | None]], now: datetime) -> None:
    """Store what receipts made of MTs: id → (state, delivery state)."""
    if states:
        await session.execute(
            _UPDATE,
            {
                "ids": list(states),
                "states": [state for state, _ in states.values()],
                "delivery_states": [delivery_state for _, delivery_state in states.values()],
                "now": now,
            },
        )
