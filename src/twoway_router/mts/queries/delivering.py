"""Claims, settles and postpones MTs. Called by ``mts.delivery``, inside short transactions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.carriers.common_settings import read_rate
from twoway_router.consent.gate import must_not_be_sent
from twoway_router.domain.messages import DeliveryState, MtState, UnknownPolicy
from twoway_router.mts.queries.order import FIRST_OF_PERSON
from twoway_router.mts.rules import CLOCK_SKEW, Entry, MtClass
from twoway_router.mts.tables import IN_ORDER, PLANNED
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An MT that a job names and that is still open, before anything is locked.

    ``rates`` are the MTs per second that its connection and its number may send, where they are limited.
    """

    id: UUID
    number_id: UUID
    recipient: str
    connection_id: UUID
    order_key: int
    revision: int
    state: str
    is_usable: bool
    mt_class: MtClass = MtClass.ANSWER
    reason: str | None = None
    rests_until: datetime | None = None
    rest_reason: str | None = None
    rates: Mapping[UUID, float] = field(default_factory=dict)

    @property
    def destination(self) -> UUID | None:
        """The gate that it has to pass; a look-up of an unknown MT passes none."""
        return None if self.state == MtState.UNKNOWN else self.connection_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """An MT that this process may try to hand over until its lease ends."""

    id: UUID
    tenant_id: UUID | None
    connection_id: UUID
    sender: str
    recipient: str
    text: str
    encoding: str
    segments: int
    reply_token: str | None
    attempt: int
    created_at: datetime
    lease_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """An MT that ended where it would have been claimed: suppressed, or failed because it expired."""

    id: UUID
    tenant_id: UUID | None
    state: str
    order_key: int
    mt_class: MtClass


@dataclass(frozen=True, kw_only=True, slots=True)
class Locked:
    """An MT locked to be settled: its ledger entry and what following work needs."""

    entry: Entry
    tenant_id: UUID | None
    number_id: UUID
    connection_id: UUID
    recipient: str
    order_key: int
    mt_class: MtClass

    @property
    def id(self) -> UUID:
        return self.entry.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Early:
    """A receipt that came before the answer of its MT. ``opted_out``: it says that the recipient has opted out there."""

    mt_id: UUID
    state: str
    opted_out: bool


_LOOK: Final = text(
    """
    SELECT m.id, m.number_id, m.recipient, m.connection_id, m.order_key, c.revision, m.state,
           c.state = 'active' AND n.state = 'active' AS is_usable, m.mt_class, m.reason, p.rests_until,
           p.rest_reason,
           c.settings->>'sends_per_second' AS connection_rate, n.options->>'sends_per_second' AS number_rate
    FROM outbound_messages AS m
    JOIN connections AS c ON c.id = m.connection_id
    JOIN numbers AS n ON n.id = m.number_id
    LEFT JOIN sending_paces AS p ON p.id = m.connection_id
    WHERE m.id = ANY(CAST(:ids AS uuid[]))
      AND ((m.state = :planned AND m.due_at <= :due_by) OR m.decide_at <= :due_by)
    ORDER BY m.first_due_at, m.id
    """
)
"""States are parameters here and below: with literals, a plan made on an empty table walks through all that is open."""
_CLAIM: Final = text(
    f"""
    WITH candidate AS (
        SELECT m.id, CASE
            WHEN m.expires_at <= :now THEN 'failed'
            WHEN {must_not_be_sent("m")} THEN 'suppressed'
            ELSE 'claimed' END AS state
        FROM outbound_messages AS m
        WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.state = :planned AND m.due_at <= :due_by
          AND (m.mt_class = :bulk OR m.id = {FIRST_OF_PERSON})
          AND (m.mt_class <> :bulk OR (
            SELECT held.id FROM outbound_messages AS held
            WHERE held.order_key = m.order_key AND {IN_ORDER} AND held.first_due_at <= :due_by
            ORDER BY held.first_due_at LIMIT 1) IS NULL)
        ORDER BY m.id
        FOR UPDATE OF m SKIP LOCKED
    )
    UPDATE outbound_messages AS m
    SET state = candidate.state,
        attempt = m.attempt + CASE candidate.state WHEN 'claimed' THEN 1 ELSE 0 END,
        lease_until = CASE candidate.state WHEN 'claimed' THEN CAST(:lease_until AS timestamptz) END,
        claimed_by = CAST(:claimed_by AS integer),
        settled_at = CASE candidate.state WHEN 'claimed' THEN NULL ELSE CAST(:now AS timestamptz) END,
        reason = CASE candidate.state WHEN 'failed' THEN 'expired' WHEN 'suppressed' THEN 'opted_out' ELSE m.reason END
    FROM candidate
    WHERE m.id = candidate.id
    RETURNING m.id, m.tenant_id, m.connection_id, m.sender, m.recipient, m.text, m.encoding, m.segments, m.reply_token,
              m.attempt, m.created_at, m.lease_until, m.state, m.order_key, m.mt_class
    """
)
"""Takes what is due and in its turn, with the last question for consent, so that an opt-out that committed before counts.

Bulk asks only for a first due: whoever is claimed has one that has passed. Not with EXISTS: that becomes a hash of all that
is open.
"""
_LOCK: Final = text(
    """
    SELECT id, tenant_id, number_id, connection_id, recipient, order_key, mt_class, state, delivery_state, attempt, policy,
           created_at, expires_at, decide_at, reason, spared
    FROM outbound_messages WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
    """
)
_SETTLE: Final = text(
    """
    WITH tried AS (
        INSERT INTO outbound_attempts
            (outbound_message_id, attempt, tenant_id, outcome, reason, detail, started_at, finished_at)
        SELECT * FROM unnest(CAST(:tried_ids AS uuid[]), CAST(:attempts AS smallint[]), CAST(:tenant_ids AS uuid[]),
                             CAST(:outcomes AS text[]), CAST(:why AS text[]), CAST(:details AS text[]),
                             CAST(:started AS timestamptz[]), CAST(:finished AS timestamptz[]))
        ON CONFLICT (outbound_message_id, attempt) DO UPDATE
        SET outcome = excluded.outcome, reason = excluded.reason, detail = excluded.detail, finished_at = excluded.finished_at
    ), moved AS (
        UPDATE outbound_messages AS m
        SET state = entry.state,
            reason = entry.reason,
            spared = m.spared + entry.spared,
            due_at = coalesce(entry.due_at, m.due_at),
            lease_until = NULL,
            decide_at = entry.decide_at,
            carrier_message_id = coalesce(entry.carrier_message_id, m.carrier_message_id),
            handed_over_at = CASE WHEN entry.state = ANY(CAST(:taken AS text[]))
                                  THEN coalesce(m.handed_over_at, CAST(:now AS timestamptz)) ELSE m.handed_over_at END,
            settled_at = CASE WHEN entry.due_at IS NULL AND entry.decide_at IS NULL
                              THEN coalesce(m.settled_at, CAST(:now AS timestamptz)) END
        FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
                    CAST(:dues AS timestamptz[]), CAST(:decides AS timestamptz[]), CAST(:carrier_ids AS text[]),
                    CAST(:spared AS integer[]))
            AS entry (id, state, reason, due_at, decide_at, carrier_message_id, spared)
        WHERE m.id = entry.id
    )
    UPDATE delivery_receipts AS r
    SET outbound_message_id = entry.id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:connection_ids AS uuid[]), CAST(:carrier_ids AS text[]),
                CAST(:since AS timestamptz[])) AS entry (id, connection_id, carrier_message_id, since)
    CROSS JOIN LATERAL (
        SELECT w.id FROM delivery_receipts AS w
        WHERE w.connection_id = entry.connection_id AND w.carrier_message_id = entry.carrier_message_id
          AND w.outbound_message_id IS NULL AND w.received_at >= entry.since
        OFFSET 0) AS waiting
    WHERE r.id = waiting.id
    RETURNING r.id, r.outbound_message_id, r.state, r.opted_out
    """
)
_POSTPONE: Final = text(
    """
    WITH held AS (
        SELECT id FROM outbound_messages WHERE id = ANY(CAST(:ids AS uuid[])) AND state = :planned
        ORDER BY id FOR UPDATE SKIP LOCKED
    )
    UPDATE outbound_messages AS m SET due_at = entry.due_at, reason = :reason
    FROM unnest(CAST(:ids AS uuid[]), CAST(:dues AS timestamptz[])) AS entry (id, due_at)
    WHERE m.id = entry.id AND m.id = ANY(ARRAY(SELECT id FROM held))
    RETURNING m.id, m.order_key, m.mt_class, m.due_at
    """
)
"""In one order, or two executors that postpone the same MTs deadlock. A row that is skipped gets its job from its holder."""


_PULL_IN: Final = text(
    f"""
    WITH held AS (
        SELECT id FROM outbound_messages
        WHERE connection_id = :connection_id AND {PLANNED} AND due_at > :now AND reason = ANY(CAST(:reasons AS text[]))
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE outbound_messages AS m SET due_at = :now
    WHERE m.id = ANY(ARRAY(SELECT id FROM held))
    RETURNING m.id, m.order_key, m.mt_class, m.due_at
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Postponed:
    """An MT that is due later."""

    id: UUID
    order_key: int
    mt_class: MtClass
    due_at: datetime


async def look(session: Session, ids: Collection[UUID], now: datetime) -> Sequence[Seen]:
    """Which of these MTs are due: planned ones, and unknown ones whose wait is over. By their order."""
    values = {"ids": list(ids), "due_by": now + CLOCK_SKEW, "planned": MtState.PLANNED.value}
    rows = await session.execute(_LOOK, values)
    seen: list[Seen] = []
    for row in rows:
        fields = row._asdict() | {"mt_class": MtClass(row.mt_class)}
        limits = {row.connection_id: fields.pop("connection_rate"), row.number_id: fields.pop("number_rate")}
        seen.append(Seen(**fields, rates={key: rate for key, limit in limits.items() if (rate := read_rate(limit))}))
    return seen


async def claim(
    session: Session, ids: Sequence[UUID], now: datetime, lease_until: datetime, claimed_by: int | None
) -> tuple[Sequence[Claimed], Sequence[Ended]]:
    """Claim what is due and first of its person; also what was suppressed or had expired instead."""
    rows = await session.execute(
        _CLAIM,
        {
            "ids": list(ids),
            "now": now,
            "due_by": now + CLOCK_SKEW,
            "lease_until": lease_until,
            "claimed_by": claimed_by,
            "planned": MtState.PLANNED.value,
            "bulk": MtClass.BULK.value,
        },
    )
    claims: list[Claimed] = []
    ended: list[Ended] = []
    for row in sorted(rows, key=lambda row: row.id):
        fields = row._asdict()
        state, order_key, mt_class = fields.pop("state"), fields.pop("order_key"), MtClass(fields.pop("mt_class"))
        if state == MtState.CLAIMED:
            claims.append(Claimed(**fields))
        else:
            ended.append(Ended(id=row.id, tenant_id=row.tenant_id, state=state, order_key=order_key, mt_class=mt_class))
    return claims, ended


async def lock_entries(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Locked]:
    """Lock MTs, in one order, to be settled."""
    rows = await session.execute(_LOCK, {"ids": list(ids)})
    return {
        row.id: Locked(
            entry=Entry(
                id=row.id,
                state=MtState(row.state),
                delivery_state=DeliveryState(row.delivery_state) if row.delivery_state else None,
                attempt=row.attempt,
                policy=UnknownPolicy(row.policy),
                created_at=row.created_at,
                expires_at=row.expires_at,
                decide_at=row.decide_at,
                reason=row.reason,
                spared=row.spared,
            ),
            tenant_id=row.tenant_id,
            number_id=row.number_id,
            connection_id=row.connection_id,
            recipient=row.recipient,
            order_key=row.order_key,
            mt_class=MtClass(row.mt_class),
        )
        for row in rows
    }


async def settle(
    session: Session, moves: Mapping[str, Sequence[Any]], tries: Mapping[str, Sequence[Any]], now: datetime
) -> Sequence[Early]:
    """Store moves, log tries, and take over receipts that came before their MT's answer, oldest first.

    ``moves``: ids, states, reasons, dues, decides, carrier_ids, spared, connection_ids, since. ``tries``: tried_ids, attempts,
    tenant_ids, outcomes, why, started, finished. One list per column.
    """
    taken = [MtState.HANDED_OVER.value, MtState.CONFIRMED.value]
    rows = await session.execute(_SETTLE, {**moves, **tries, "taken": taken, "now": now})
    return [
        Early(mt_id=row.outbound_message_id, state=row.state, opted_out=row.opted_out)
        for row in sorted(rows, key=lambda row: row.id)
    ]


async def pull_in(
    session: Session, connection_id: UUID, reasons: Sequence[str], now: datetime, limit: int
) -> Sequence[Postponed]:
    """Make planned MTs of a connection due now that wait for one of these reasons; returns those that were."""
    values = {
        "connection_id": connection_id,
        "reasons": list(reasons),
        "now": now,
        "limit": limit,
    }
    rows = await session.execute(_PULL_IN, values)
    return [Postponed(**(row._asdict() | {"mt_class": MtClass(row.mt_class)})) for row in rows]


async def postpone(session: Session, dues: Mapping[UUID, datetime], reason: str) -> Sequence[Postponed]:
    """Make planned MTs due at their new times; returns those that were."""
    if not dues:
        return []
    values = {"ids": list(dues), "dues": list(dues.values()), "reason": reason, "planned": MtState.PLANNED.value}
    rows = await session.execute(_POSTPONE, values)
    return [Postponed(**(row._asdict() | {"mt_class": MtClass(row.mt_class)})) for row in rows]
