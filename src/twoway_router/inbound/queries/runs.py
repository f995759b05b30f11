"""Inbound messages on their way through the executor. Called by ``executor`` inside its one transaction per batch."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import text

from twoway_router.domain.causes import EffectKey
from twoway_router.inbound.rules import CARRIER_REPLIED, RESTORED, RUN_TEXT
from twoway_router.routing.route_details import AskedTenant, RouteDetails
from twoway_router.routing.types import WindowState
from twoway_router.store import Session

ACCEPTED: Final = "accepted"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingMessage:
    """An accepted MO with its route."""

    id: UUID
    order_key: int
    tenant_id: UUID | None
    number_id: UUID
    sender: str
    text: str
    route: str
    keyword_id: UUID | None
    keyword_revision: int | None
    sub_keyword: str | None
    rest: str
    details: RouteDetails
    reply_token: str | None
    attempts: int
    received_at: datetime
    generation: int = 0
    only_ordinal: int | None = None
    carrier_replied: bool = False
    has_restored: bool = False

    @property
    def revision(self) -> tuple[UUID, int] | None:
        """The keyword revision that it matched."""
        if self.keyword_id is None or self.keyword_revision is None:
            return None
        return self.keyword_id, self.keyword_revision

    @property
    def context_id(self) -> UUID | None:
        """The context that decided its route."""
        return self.details.context_id if self.route == "context" else None

    @property
    def asks(self) -> Sequence[AskedTenant]:
        """The tenants between which its sender is to choose, with their contexts."""
        return self.details.asks if self.route == "none" else ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedRun:
    """One action run and how it ended."""

    key: EffectKey
    tenant_id: UUID | None
    kind: str
    state: str
    reason: str | None
    values: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierRun:
    """How an action of a message ended in an earlier generation of the same route."""

    kind: str
    state: str
    values: Mapping[str, Any]


_LOCK_PEOPLE: Final = text(
    """
    SELECT key, pg_advisory_xact_lock(key) FROM (
        SELECT DISTINCT order_key AS key FROM inbound_messages
        WHERE id = ANY(CAST(:ids AS uuid[])) AND state = :accepted ORDER BY order_key LIMIT :limit
    ) AS people
    """
)
"""The state is a parameter: with a literal, a plan made on an empty table walks through all that is accepted."""
_LOCK: Final = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS locks (key)")
_WAITING: Final = text(
    """
    SELECT id, order_key, tenant_id, number_id, sender, coalesce(extra->>CAST(:run_text AS text), text) AS text,
           route, keyword_id, keyword_revision, sub_keyword, rest, route_details AS details, reply_token, attempts,
           received_at, generation, only_ordinal, extra->>CAST(:replied AS text) IS NOT NULL AS carrier_replied,
           coalesce(extra->>CAST(:restored AS text) = CAST(generation AS text), false) AS has_restored
    FROM inbound_messages
    WHERE order_key = ANY(CAST(:keys AS bigint[])) AND state = 'accepted'
    ORDER BY id LIMIT :limit
    """
)
_KNOWN: Final = text(
    """
    SELECT asked.id FROM unnest(CAST(:ids AS uuid[]), CAST(:tenant_ids AS uuid[]), CAST(:senders AS text[]))
        AS asked (id, tenant_id, sender)
    WHERE EXISTS (SELECT 1 FROM inbound_messages AS m
                  WHERE m.tenant_id = asked.tenant_id AND m.sender = asked.sender AND m.id < asked.id
                    AND m.route_details->>'answered_by' IS DISTINCT FROM CAST(asked.id AS text))
    """
)
"""A message that only became the tenant's by the one that is asked about is no acquaintance: it was nobody's before."""
_FINISH: Final = text(
    """
    WITH done AS (
        UPDATE inbound_messages SET state = 'done', finished_at = :now WHERE id = ANY(CAST(:ids AS uuid[]))
    )
    INSERT INTO action_runs
        (cause_id, cause_kind, generation, ordinal, tenant_id, kind, state, reason, values, finished_at)
    SELECT cause, cause_kind, generation, ordinal, tenant, kind, state, reason, CAST(result AS jsonb), CAST(:now AS timestamptz)
    FROM unnest(CAST(:causes AS uuid[]), CAST(:cause_kinds AS text[]), CAST(:generations AS smallint[]),
                CAST(:ordinals AS smallint[]),
                CAST(:tenants AS uuid[]), CAST(:kinds AS text[]), CAST(:states AS text[]), CAST(:reasons AS text[]),
                CAST(:results AS text[]))
        AS run (cause, cause_kind, generation, ordinal, tenant, kind, state, reason, result)
    """
)
_EARLIER: Final = text(
    """
    SELECT DISTINCT ON (run.cause_id, run.ordinal) run.cause_id, run.ordinal, run.kind, run.state,
           run.values
    FROM action_runs AS run
    WHERE run.cause_id = ANY(CAST(:ids AS uuid[]))
      AND run.generation >= (SELECT coalesce(max(generation), 0) FROM inbound_replays AS replay
                             WHERE replay.inbound_message_id = run.cause_id AND replay.only_ordinal IS NULL)
    ORDER BY run.cause_id, run.ordinal, (run.state = 'done') DESC, run.generation DESC
    """
)
_FAIL: Final = text(
    """
    UPDATE inbound_messages
    SET attempts = attempts + 1, last_error = :error,
        state = CASE WHEN attempts + 1 >= :tries THEN 'parked' ELSE state END
    WHERE id = :id AND state = :accepted
    RETURNING state, attempts
    """
)
_NOTE_WINDOWS: Final = text(
    """
    UPDATE inbound_messages AS m
    SET route_details = m.route_details || jsonb_build_object('window', given.name, 'reason', given.name)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:windows AS text[])) AS given (id, name)
    WHERE m.id = given.id
    """
)
_COURTESY: Final = text(
    """
    INSERT INTO courtesy_replies (number_id, sender, day)
    SELECT DISTINCT * FROM unnest(CAST(:numbers AS uuid[]), CAST(:senders AS text[]), CAST(:days AS date[]))
    ON CONFLICT DO NOTHING RETURNING number_id, sender, day
    """
)
_REPEATED_OPT_OUT: Final = text(
    """
    SELECT m.id FROM inbound_messages AS m
    CROSS JOIN LATERAL (
        SELECT route FROM inbound_messages AS older
        WHERE older.sender = m.sender AND older.number_id = m.number_id AND older.id < m.id
          AND older.route IN ('opt_out', 'opt_in')
          AND (older.tenant_id IS NOT DISTINCT FROM m.tenant_id
               OR (older.route = 'opt_in' AND (older.tenant_id IS NULL OR m.tenant_id IS NULL)))
        ORDER BY older.sender DESC, older.number_id DESC, older.id DESC LIMIT 1
    ) AS previous
    WHERE m.id = ANY(CAST(:ids AS uuid[])) AND previous.route = 'opt_out'
    """
)
"""In the order of the index of opt-outs and opt-ins: any other one walks through the whole history of the number."""
_KEYS: Final = text(
    "SELECT DISTINCT order_key FROM inbound_messages WHERE id = ANY(CAST(:ids AS uuid[])) AND state = :accepted"
)


async def lock_people(session: Session, ids: Collection[UUID], limit: int) -> list[int]:
    """Wait until nobody else runs messages of these people, in one order; their order keys, no more than ``limit``.

    Locks are memory that all of the server's sessions share: a backlog's people are not locked at once.
    """
    values = {"ids": list(ids), "accepted": ACCEPTED, "limit": limit}
    return [row.key for row in await session.execute(_LOCK_PEOPLE, values)]


async def lock_keys(session: Session, keys: Sequence[int]) -> None:
    """Hold the locks of people until commit."""
    if keys:
        await session.execute(_LOCK, {"keys": sorted(keys)})


async def list_waiting(session: Session, keys: Collection[int], limit: int) -> Sequence[WaitingMessage]:
    """All accepted messages of these people, oldest first."""
    values = {
        "keys": list(keys),
        "limit": limit,
        "replied": CARRIER_REPLIED,
        "restored": RESTORED,
        "run_text": RUN_TEXT,
    }
    rows = await session.execute(_WAITING, values)
    return [WaitingMessage(**{**row._asdict(), "details": RouteDetails.read(row.details)}) for row in rows]


async def find_known(session: Session, messages: Sequence[WaitingMessage]) -> set[UUID]:
    """Those of these messages whose sender has written to their tenant before."""
    asked = [message for message in messages if message.tenant_id is not None]
    if not asked:
        return set()
    columns = {
        "ids": [message.id for message in asked],
        "tenant_ids": [message.tenant_id for message in asked],
        "senders": [message.sender for message in asked],
    }
    return set(await session.scalars(_KNOWN, columns))


async def list_earlier(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Mapping[int, EarlierRun]]:
    """The runs of messages since they were last routed, by message and ordinal; a success before anything else."""
    found: dict[UUID, dict[int, EarlierRun]] = {message_id: {} for message_id in ids}
    for row in await session.execute(_EARLIER, {"ids": list(ids)}) if ids else ():
        found[row.cause_id][row.ordinal] = EarlierRun(kind=row.kind, state=row.state, values=row.values)
    return found


async def finish(session: Session, ids: Sequence[UUID], runs: Sequence[FinishedRun], now: datetime) -> None:
    """These messages are done; write the ledger. A second run of an action violates its key and undoes the batch."""
    columns = {
        "causes": [run.key.cause.id for run in runs],
        "cause_kinds": [run.key.cause.kind.value for run in runs],
        "generations": [run.key.generation for run in runs],
        "ordinals": [run.key.ordinal for run in runs],
        "tenants": [run.tenant_id for run in runs],
        "kinds": [run.kind for run in runs],
        "states": [run.state for run in runs],
        "reasons": [run.reason for run in runs],
        "results": [orjson.dumps(run.values).decode() for run in runs],
    }
    await session.execute(_FINISH, {**columns, "ids": list(ids), "now": now})


async def count_failure(session: Session, message_id: UUID, error: str, tries: int) -> tuple[str, int] | None:
    """Note a failed try; state (parked after the last) and number of tries, None when the message is not waiting."""
    values = {"id": message_id, "error": error, "tries": tries, "accepted": ACCEPTED}
    row = (await session.execute(_FAIL, values)).one_or_none()
    return (row.state, row.attempts) if row else None


async def note_windows(session: Session, windows: Mapping[UUID, WindowState]) -> None:
    """Write where messages stand in their keyword's window, where it was not known when they were routed."""
    if windows:
        names = [window.value for window in windows.values()]
        await session.execute(_NOTE_WINDOWS, {"ids": list(windows), "windows": names})


async def take_courtesies(session: Session, wanted: Sequence[tuple[UUID, str, date]]) -> set[tuple[UUID, str, date]]:
    """Those of (number, sender, day) that had no courtesy reply yet; now they have."""
    columns = {
        "numbers": [number_id for number_id, _, _ in wanted],
        "senders": [sender for _, sender, _ in wanted],
        "days": [day for _, _, day in wanted],
    }
    return {(row.number_id, row.sender, row.day) for row in await session.execute(_COURTESY, columns)}


async def find_repeated_opt_outs(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Those of these opt-outs whose sender's last word about it was an opt-out already."""
    return set(await session.scalars(_REPEATED_OPT_OUT, {"ids": list(ids)}))


async def list_order_keys(session: Session, ids: Collection[UUID]) -> list[int]:
    """The people whose messages are among these and still wait."""
    return sorted(await session.scalars(_KEYS, {"ids": list(ids), "accepted": ACCEPTED}))
