"""Writes planned MTs and their jobs. Called by ``mts.service.queue_mts``."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.domain.messages import MtState
from twoway_router.store import Session
from twoway_router.store.outbox import CHANNEL, jobs_of


@dataclass(frozen=True, kw_only=True, slots=True)
class SendingNumber:
    """What an MT takes over from its number."""

    id: UUID
    address: str
    connection_id: UUID
    unknown_policy: str
    max_segments: int | None


_COLUMNS: Final[Mapping[str, str]] = {
    "id": "uuid",
    "tenant_id": "uuid",
    "number_id": "uuid",
    "connection_id": "uuid",
    "sender": "text",
    "recipient": "text",
    "text": "text",
    "encoding": "text",
    "segments": "smallint",
    "origin": "text",
    "cause_id": "uuid",
    "cause_kind": "text",
    "generation": "smallint",
    "ordinal": "smallint",
    "state": "text",
    "policy": "text",
    "order_key": "bigint",
    "reply_token": "text",
    "mt_class": "text",
    "due_at": "timestamptz",
    "reason": "text",
}
_NAMES: Final = ", ".join(_COLUMNS)
_ARRAYS: Final = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _COLUMNS.items())

_AVAILABLE_AT: Final = "CASE WHEN due_at > :now THEN due_at ELSE now() END"
_INSERT: Final = text(
    f"""
    WITH entry AS (
        SELECT * FROM unnest({_ARRAYS}, CAST(:job AS text[]), CAST(:lane AS smallint[])) AS entry ({_NAMES}, job, lane)
    ), inserted AS (
        INSERT INTO outbound_messages ({_NAMES}, first_due_at, expires_at, created_at, settled_at)
        SELECT {_NAMES}, due_at, due_at + CAST(:lifetime AS interval), CAST(:now AS timestamptz),
               CASE WHEN state = :planned THEN NULL ELSE CAST(:now AS timestamptz) END
        FROM entry
    ), jobs AS (
        {jobs_of("entry WHERE state = :planned", job="job", lane="lane", available_at=_AVAILABLE_AT)}
    )
    SELECT count(pg_notify(:channel, '')) FROM (SELECT 1 FROM jobs LIMIT 1) AS any_job
    """
)
_NUMBERS: Final = text(
    "SELECT id, address, connection_id, options->>'unknown_policy' AS unknown_policy,"
    " CAST(options->>'max_segments' AS int) AS max_segments FROM numbers"
    " WHERE id = ANY(CAST(:ids AS uuid[])) OR (address = ANY(CAST(:addresses AS text[])) AND sandbox_id IS NULL)"
)


async def list_numbers(
    session: Session, ids: Collection[UUID], addresses: Collection[str]
) -> Mapping[UUID, SendingNumber]:
    """The numbers that MTs will be sent from, and those of ours that they would be sent to."""
    rows = await session.execute(_NUMBERS, {"ids": list(ids), "addresses": list(addresses)})
    return {
        row.id: SendingNumber(
            id=row.id,
            address=row.address,
            connection_id=row.connection_id,
            unknown_policy=row.unknown_policy or "at_most_once",
            max_segments=row.max_segments,
        )
        for row in rows
    }


async def insert_mts(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime, lifetime: timedelta) -> None:
    """Insert MTs. Those that are planned get their jobs, in the same statement, for it runs once per answer."""
    columns = {name: [row[name] for row in rows] for name in (*_COLUMNS, "job", "lane")}
    values = {"now": now, "lifetime": lifetime, "planned": MtState.PLANNED.value, "channel": CHANNEL}
    await session.execute(_INSERT, {**columns, **values})
