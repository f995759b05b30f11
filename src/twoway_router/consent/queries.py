"""SQL of suppressions, set-based. Called by ``consent.service``."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from twoway_router.consent.rules import LOCKS, ConsentChange, Person, lock_key
from twoway_router.store import Session

_LOCK = text("SELECT pg_advisory_xact_lock(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)")
_INSERT = text(
    "INSERT INTO suppressions AS held (number_id, msisdn, reason, inbound_message_id, created_at)"
    " SELECT DISTINCT ON (entry.number_id, entry.msisdn)"
    "  entry.number_id, entry.msisdn, :reason, entry.inbound_message_id, CAST(:now AS timestamptz)"
    " FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]), CAST(:inbound_message_ids AS uuid[]))"
    " AS entry (number_id, msisdn, inbound_message_id)"
    " ORDER BY entry.number_id, entry.msisdn, entry.inbound_message_id DESC NULLS LAST"
    " ON CONFLICT (number_id, msisdn) DO UPDATE"
    " SET inbound_message_id = greatest(held.inbound_message_id, excluded.inbound_message_id)"
    " RETURNING number_id, msisdn, xmax = 0 AS is_new"
)
_DELETE = text(
    "DELETE FROM suppressions USING"
    " unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]), CAST(:inbound_message_ids AS uuid[]))"
    " AS entry (number_id, msisdn, inbound_message_id)"
    " WHERE suppressions.number_id = entry.number_id AND suppressions.msisdn = entry.msisdn"
    " AND (entry.inbound_message_id IS NULL OR suppressions.inbound_message_id IS NULL"
    "  OR suppressions.inbound_message_id < entry.inbound_message_id)"
    " RETURNING suppressions.number_id, suppressions.msisdn"
)
_FIND = text(
    "SELECT number_id, msisdn FROM suppressions WHERE (number_id, msisdn) IN"
    " (SELECT * FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[])))"
)


async def lock(session: Session, people: Sequence[Person], *, is_shared: bool) -> None:
    """Hold the people's locks until commit, taken in one order so that two transactions never wait in a circle."""
    keys = sorted({lock_key(person) for person in people})
    await session.execute(_LOCK_SHARED if is_shared else _LOCK, {"class": LOCKS, "keys": keys})


async def insert_once(session: Session, changes: Sequence[ConsentChange], reason: str, now: datetime) -> set[Person]:
    """Suppress, noting the newest MO; the people who were not suppressed before."""
    rows = await session.execute(_INSERT, {**_columns(changes), "reason": reason, "now": now})
    return {Person(number_id=row.number_id, msisdn=row.msisdn) for row in rows if row.is_new}


async def delete_older(session: Session, changes: Sequence[ConsentChange]) -> set[Person]:
    """Lift suppressions that are older than their change; the people who were suppressed."""
    rows = await session.execute(_DELETE, _columns(changes))
    return {Person(number_id=row.number_id, msisdn=row.msisdn) for row in rows}


async def find(session: Session, people: Sequence[Person]) -> set[Person]:
    """Those of these people who are suppressed."""
    unique = list(set(people))
    rows = await session.execute(
        _FIND, {"number_ids": [each.number_id for each in unique], "msisdns": [each.msisdn for each in unique]}
    )
    return {Person(number_id=row.number_id, msisdn=row.msisdn) for row in rows}


def _columns(changes: Sequence[ConsentChange]) -> dict[str, object]:
    return {
        "number_ids": [change.number_id for change in changes],
        "msisdns": [change.msisdn for change in changes],
        "inbound_message_ids": [change.inbound_message_id for change in changes],
    }
