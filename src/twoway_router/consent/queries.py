"""SQL of suppressions, set-based. Called by ``consent.service``.

``messages`` and ``conversations`` ask the table by name in statements of their own; the rule is the same everywhere:
the row of the tenant, if there is one, else that of the whole number.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import TextClause, text

from twoway_router.consent.rules import LOCKS, ConsentChange, Person, Recipient, lock_key
from twoway_router.domain.ids import new_id
from twoway_router.store import Session

_ENTRIES = (
    "unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]), CAST(:tenant_ids AS uuid[]),"
    " CAST(:inbound_message_ids AS uuid[])) AS entry (number_id, msisdn, tenant_id, inbound_message_id)"
)
_SAME_PERSON = "held.number_id = entry.number_id AND held.msisdn = entry.msisdn"
_IS_OLDER = (
    "(entry.inbound_message_id IS NULL OR held.inbound_message_id IS NULL"
    " OR held.inbound_message_id < entry.inbound_message_id)"
)
_LOCK = text("SELECT pg_advisory_xact_lock(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)")
_LOCK_SHARED = text("SELECT pg_advisory_xact_lock_shared(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)")
_STOP = text(
    "INSERT INTO suppressions AS held"
    " (id, number_id, msisdn, tenant_id, state, reason, inbound_message_id, changed_at)"
    " SELECT DISTINCT ON (entry.number_id, entry.msisdn, entry.tenant_id)"
    "  entry.id, entry.number_id, entry.msisdn, entry.tenant_id, 'stopped', :reason, entry.inbound_message_id,"
    "  CAST(:now AS timestamptz)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]),"
    "  CAST(:tenant_ids AS uuid[]), CAST(:inbound_message_ids AS uuid[]))"
    "  AS entry (id, number_id, msisdn, tenant_id, inbound_message_id)"
    " ORDER BY entry.number_id, entry.msisdn, entry.tenant_id, entry.inbound_message_id DESC NULLS LAST"
    " ON CONFLICT (number_id, msisdn, tenant_id) DO UPDATE"
    " SET inbound_message_id = greatest(held.inbound_message_id, excluded.inbound_message_id), state = 'stopped',"
    "  reason = CASE held.state WHEN 'stopped' THEN held.reason ELSE excluded.reason END,"
    "  changed_at = CASE held.state WHEN 'stopped' THEN held.changed_at ELSE excluded.changed_at END"
)
_END_EXCEPTIONS = text(
    f"DELETE FROM suppressions AS held USING {_ENTRIES} WHERE entry.tenant_id IS NULL AND {_SAME_PERSON}"
    f" AND held.state = 'restored' AND {_IS_OLDER}"
)
_LIFT_NUMBER = text(
    f"DELETE FROM suppressions AS held USING {_ENTRIES} WHERE entry.tenant_id IS NULL AND {_SAME_PERSON}"
    f" AND (held.tenant_id IS NULL OR held.state = 'restored') AND {_IS_OLDER}"
    " RETURNING held.number_id, held.msisdn, held.tenant_id"
)
_LIFT_ONLY_TENANT = text(
    f"DELETE FROM suppressions AS held USING {_ENTRIES} WHERE entry.tenant_id IS NULL AND {_SAME_PERSON}"
    f" AND held.tenant_id IS NOT NULL AND {_IS_OLDER}"
    " AND NOT EXISTS (SELECT FROM suppressions AS other WHERE other.number_id = held.number_id"
    "  AND other.msisdn = held.msisdn AND other.id <> held.id)"
    " RETURNING held.number_id, held.msisdn, CAST(NULL AS uuid) AS tenant_id"
)
_LIFT_TENANT = text(
    f"DELETE FROM suppressions AS held USING {_ENTRIES} WHERE {_SAME_PERSON}"
    f" AND held.tenant_id = entry.tenant_id AND held.state = 'stopped' AND {_IS_OLDER}"
    " RETURNING held.number_id, held.msisdn, held.tenant_id"
)
_EXCEPT = text(
    "INSERT INTO suppressions AS kept"
    " (id, number_id, msisdn, tenant_id, state, reason, inbound_message_id, changed_at)"
    " SELECT DISTINCT ON (entry.number_id, entry.msisdn, entry.tenant_id)"
    "  entry.id, entry.number_id, entry.msisdn, entry.tenant_id, 'restored', held.reason, entry.inbound_message_id,"
    "  CAST(:now AS timestamptz)"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]),"
    "  CAST(:tenant_ids AS uuid[]), CAST(:inbound_message_ids AS uuid[]))"
    "  AS entry (id, number_id, msisdn, tenant_id, inbound_message_id)"
    " CROSS JOIN LATERAL (SELECT * FROM suppressions AS own WHERE own.number_id = entry.number_id"
    "  AND own.msisdn = entry.msisdn AND own.tenant_id IS NULL OFFSET 0) AS held"
    f" WHERE {_IS_OLDER}"
    " ORDER BY entry.number_id, entry.msisdn, entry.tenant_id, entry.inbound_message_id DESC NULLS LAST"
    " ON CONFLICT (number_id, msisdn, tenant_id) DO NOTHING"
    " RETURNING kept.number_id, kept.msisdn, kept.tenant_id"
)
_FIND = text(
    "SELECT entry.number_id, entry.msisdn, entry.tenant_id"
    " FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]), CAST(:tenant_ids AS uuid[]))"
    "  AS entry (number_id, msisdn, tenant_id)"
    " WHERE (SELECT held.state FROM suppressions AS held"
    f"        WHERE {_SAME_PERSON} AND (held.tenant_id IS NULL OR held.tenant_id = entry.tenant_id)"
    "        ORDER BY held.tenant_id NULLS LAST LIMIT 1) = 'stopped'"
)


async def lock(session: Session, people: Sequence[Person], *, is_shared: bool) -> None:
    """Hold the people's locks until commit, taken in one order so that two transactions never wait in a circle."""
    keys = sorted({lock_key(person) for person in people})
    await session.execute(_LOCK_SHARED if is_shared else _LOCK, {"class": LOCKS, "keys": keys})


async def stop(session: Session, changes: Sequence[ConsentChange], reason: str, now: datetime) -> None:
    """Suppress, noting the newest MO. What is stopped for the whole number ends older exceptions."""
    columns = _columns(changes)
    if any(change.tenant_id is None for change in changes):
        await session.execute(_END_EXCEPTIONS, columns)
    await session.execute(_STOP, {**columns, "ids": [new_id() for _ in changes], "reason": reason, "now": now})


async def lift_numbers(session: Session, changes: Sequence[ConsentChange]) -> set[Recipient]:
    """Lift what is stopped for whole numbers and older than its change; those for whom anything was."""
    return {each for each in await _returned(session, _LIFT_NUMBER, changes) if each.tenant_id is None}


async def lift_only_tenants(session: Session, changes: Sequence[ConsentChange]) -> set[Recipient]:
    """Lift the stop of a tenant where it is the only one of its person; whose it was is left out of the answer."""
    return await _returned(session, _LIFT_ONLY_TENANT, changes)


async def lift_tenants(session: Session, changes: Sequence[ConsentChange], now: datetime) -> set[Recipient]:
    """Lift tenants' stops and except the tenants from what is stopped for their number; those that it changed."""
    lifted = await _returned(session, _LIFT_TENANT, changes)
    rows = await session.execute(_EXCEPT, {**_columns(changes), "ids": [new_id() for _ in changes], "now": now})
    return lifted | {Recipient(**row._asdict()) for row in rows}


async def find(session: Session, recipients: Sequence[Recipient]) -> set[Recipient]:
    """Those of these recipients who are suppressed."""
    unique = list(set(recipients))
    columns = {
        "number_ids": [each.number_id for each in unique],
        "msisdns": [each.msisdn for each in unique],
        "tenant_ids": [each.tenant_id for each in unique],
    }
    return {Recipient(**row._asdict()) for row in await session.execute(_FIND, columns)}


async def _returned(session: Session, statement: TextClause, changes: Sequence[ConsentChange]) -> set[Recipient]:
    return {Recipient(**row._asdict()) for row in await session.execute(statement, _columns(changes))}


def _columns(changes: Sequence[ConsentChange]) -> dict[str, object]:
    return {
        "number_ids": [change.number_id for change in changes],
        "msisdns": [change.msisdn for change in changes],
        "tenant_ids": [change.tenant_id for change in changes],
        "inbound_message_ids": [change.inbound_message_id for change in changes],
    }
