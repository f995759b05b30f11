"""Which tenants a person on a number has written to. Called by ``mts.service`` when somebody has opted out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Acquainted:
    """A tenant, or nobody, and a person on a number. ``number`` is its address."""

    number_id: UUID
    msisdn: str
    number: str
    is_shared: bool
    tenant_id: UUID | None


_LIST: Final = text(
    """
    SELECT DISTINCT asked.number_id, asked.msisdn, n.address AS number, n.sharing = 'shared' AS is_shared,
           coalesce(n.tenant_id, holder.tenant_id) AS tenant_id
    FROM unnest(CAST(:number_ids AS uuid[]), CAST(:msisdns AS text[])) AS asked (number_id, msisdn)
    JOIN numbers AS n ON n.id = asked.number_id
    LEFT JOIN LATERAL (
        SELECT k.tenant_id FROM (SELECT DISTINCT tenant_id FROM keywords WHERE number_id = n.id) AS k
        WHERE n.tenant_id IS NULL AND EXISTS (
            SELECT FROM inbound_messages AS m
            WHERE m.tenant_id = k.tenant_id AND m.sender = asked.msisdn AND m.number_id = n.id
              AND m.received_at >= :since)
    ) AS holder ON true
    """
)


async def list_acquainted(
    session: Session, people: Collection[tuple[UUID, str]], since: datetime
) -> Sequence[Acquainted]:
    """Every person at least once; on a shared number once per tenant that they have written to since."""
    columns = {"number_ids": [number_id for number_id, _ in people], "msisdns": [msisdn for _, msisdn in people]}
    rows = await session.execute(_LIST, {**columns, "since": since})
    return [Acquainted(**row._asdict()) for row in rows]
