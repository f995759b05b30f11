"""SQL of suppressions, set-based. Called by ``consent.service``; others ask through ``consent.gate``."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import text

from twoway_router.consent.rules import LOCKS, Person, Suppression, SuppressionReason, SuppressionState, lock_key
from twoway_router.domain.ids import new_id
from twoway_router.store import Session

_LOCK: Final = text("SELECT pg_advisory_xact_lock(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)")
_LOCK_SHARED: Final = text(
    "SELECT pg_advisory_xact_lock_shared(:class, key) FROM unnest(CAST(:keys AS int[])) AS locks (key)"
)
_OF_PEOPLE: Final = text(
    """
    SELECT held.number_id, held.msisdn, held.tenant_id, held.state, held.reason, held.changed_at, held.inbound_message_id
    FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[])) AS person (number_id, msisdn)
    JOIN suppressions AS held ON held.number_id = person.number_id AND held.msisdn = person.msisdn
    """
)
_STORE: Final = text(
    """
    WITH gone AS (
        DELETE FROM suppressions AS held
        USING unnest(CAST(:gone_number_ids AS uuid[]), CAST(:gone_msisdns AS text[]), CAST(:gone_tenant_ids AS uuid[]))
            AS entry (number_id, msisdn, tenant_id)
        WHERE held.number_id = entry.number_id AND held.msisdn = entry.msisdn
          AND held.tenant_id IS NOT DISTINCT FROM entry.tenant_id
    )
    INSERT INTO suppressions AS held
        (id, number_id, msisdn, tenant_id, state, reason, inbound_message_id, changed_at)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[]),
                         CAST(:tenant_ids AS uuid[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
                         CAST(:inbound_message_ids AS uuid[]), CAST(:changed_ats AS timestamptz[]))
    ON CONFLICT (number_id, msisdn, tenant_id) DO UPDATE
    SET state = excluded.state, reason = excluded.reason, inbound_message_id = excluded.inbound_message_id,
        changed_at = excluded.changed_at
    """
)
"""One statement for deletes and inserts. No row is in both: (person, tenant) identifies it."""


async def lock(session: Session, people: Collection[Person], *, is_shared: bool) -> None:
    """Hold the people's locks until commit, taken in one order so that transactions never deadlock."""
    keys = sorted({lock_key(person) for person in people})
    await session.execute(_LOCK_SHARED if is_shared else _LOCK, {"class": LOCKS, "keys": keys})


async def list_suppressions(session: Session, people: Collection[Person]) -> Mapping[Person, Sequence[Suppression]]:
    """What these people have stopped or kept; nothing of those who have not."""
    columns = {"number_ids": [each.number_id for each in people], "msisdns": [each.msisdn for each in people]}
    found: dict[Person, list[Suppression]] = {}
    for row in await session.execute(_OF_PEOPLE, columns):
        suppression = Suppression(
            tenant_id=row.tenant_id,
            state=SuppressionState(row.state),
            reason=SuppressionReason(row.reason),
            changed_at=row.changed_at,
            inbound_message_id=row.inbound_message_id,
        )
        found.setdefault(Person(number_id=row.number_id, msisdn=row.msisdn), []).append(suppression)
    return found


async def store(
    session: Session, gone: Sequence[tuple[Person, Suppression]], changed: Sequence[tuple[Person, Suppression]]
) -> None:
    """Delete the suppressions that are ``gone``; insert or replace those that have ``changed``."""
    columns = {
        "gone_number_ids": [person.number_id for person, _ in gone],
        "gone_msisdns": [person.msisdn for person, _ in gone],
        "gone_tenant_ids": [each.tenant_id for _, each in gone],
        "ids": [new_id() for _ in changed],
        "number_ids": [person.number_id for person, _ in changed],
        "msisdns": [person.msisdn for person, _ in changed],
        "tenant_ids": [each.tenant_id for _, each in changed],
        "states": [each.state.value for _, each in changed],
        "reasons": [each.reason.value for _, each in changed],
        "inbound_message_ids": [each.inbound_message_id for _, each in changed],
        "changed_ats": [each.changed_at for _, each in changed],
    }
    await session.execute(_STORE, columns)
