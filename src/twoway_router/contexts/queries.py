"""SQL of contexts, set-based. Called by ``contexts.service``.

Rows are locked in the order of their ids, so that a STOP and an answer of many people never wait in a circle.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.consent.gate import is_stopped
from twoway_router.contexts.rules import Answer, Binding, PastContext, Question, StoredContext, Talk
from twoway_router.store import Session

_ROW: Final = (
    "c.id, c.number_id, c.sender, c.tenant_id, c.kind, c.origin, c.expected, c.choices, c.language, c.keyword_id,"
    " c.keyword_revision, c.sub_keyword, c.ordinal, c.inbound_message_id, c.target_id, c.last_at, c.expires_at"
)
_PAST_FACTS: Final = ("message_id", "at", "closed_at", "answered_by", "decided", "was_in_touch")
_TALKS: Final = "unnest(CAST(:numbers AS uuid[]), CAST(:senders AS text[])) AS talk (number_id, sender)"
_OF_TALK: Final = """CROSS JOIN LATERAL (
            SELECT * FROM contexts AS held
            WHERE held.number_id = {talk}.number_id AND held.sender = {talk}.sender AND held.closed_at IS {closed}
            OFFSET 0) AS c"""
"""A sender's contexts. The fence (`OFFSET 0`) keeps a plan that was made on an empty table from reading everyone's."""
_OPEN_OF_TALK: Final = _OF_TALK.format(talk="talk", closed="NULL")
_OPEN: Final = text(
    f"""
    SELECT {_ROW} FROM {_TALKS} {_OPEN_OF_TALK}
    WHERE c.expires_at > :now AND NOT {is_stopped("c.number_id", "c.sender", "c.tenant_id")}
    """
)
_PAST: Final = text(
    " UNION ALL ".join(
        f"""
        SELECT {_ROW}, m.id AS message_id, m.received_at AS at, c.closed_at, c.answered_by,
               coalesce(m.route_details->>'context_id' = CAST(c.id AS text), false) AS decided,
               c.kind = 'recent' AND c.last_at >= m.received_at AND EXISTS (
                   SELECT FROM inbound_messages AS older
                   WHERE older.tenant_id = c.tenant_id AND older.sender = c.sender AND older.id < m.id
                     AND older.number_id = c.number_id AND older.route IN ('keyword', 'context')
                     AND older.received_at > m.received_at - (c.expires_at - c.last_at)) AS was_in_touch
        FROM inbound_messages AS m {_OF_TALK.format(talk="m", closed=closed)}
        WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.sender_kind = 'msisdn'
        """
        for closed in ("NULL", "NOT NULL")
    )
)
_BY_ID: Final = text(f"SELECT {_ROW} FROM contexts AS c WHERE c.id = ANY(CAST(:ids AS uuid[]))")
_INSERT: Final = text(
    """
    INSERT INTO contexts (id, number_id, sender, tenant_id, kind, origin, expected, choices, language, keyword_id,
                          keyword_revision, sub_keyword, ordinal, inbound_message_id, target_id, last_at, expires_at)
    SELECT id, number_id, sender, tenant_id, 'question', origin, expected,
           ARRAY(SELECT jsonb_array_elements_text(CAST(choices AS jsonb))), language, keyword_id, keyword_revision,
           sub_keyword, ordinal, inbound_message_id, target_id, CAST(:now AS timestamptz), expires_at
    FROM unnest(CAST(:id AS uuid[]), CAST(:number_id AS uuid[]), CAST(:sender AS text[]), CAST(:tenant_id AS uuid[]),
                CAST(:origin AS text[]), CAST(:expected AS text[]), CAST(:choices AS text[]), CAST(:language AS text[]),
                CAST(:keyword_id AS uuid[]), CAST(:keyword_revision AS integer[]), CAST(:sub_keyword AS text[]),
                CAST(:ordinal AS smallint[]), CAST(:inbound_message_id AS uuid[]), CAST(:target_id AS uuid[]),
                CAST(:expires_at AS timestamptz[]))
        AS new (id, number_id, sender, tenant_id, origin, expected, choices, language, keyword_id, keyword_revision,
                sub_keyword, ordinal, inbound_message_id, target_id, expires_at)
    """
)
_TRIM: Final = text(
    f"""
    UPDATE contexts AS c SET closed_at = :now
    WHERE c.id = ANY(ARRAY(
        SELECT ranked.id FROM (
            SELECT c.id,
                   row_number() OVER (PARTITION BY c.number_id, c.sender, c.tenant_id, c.origin
                                      ORDER BY c.last_at DESC, c.id DESC) AS of_tenant,
                   row_number() OVER (PARTITION BY c.number_id, c.sender
                                      ORDER BY c.last_at DESC, c.id DESC) AS of_sender
            FROM {_TALKS} {_OPEN_OF_TALK}
            WHERE c.kind = 'question' AND c.expires_at > :now) AS ranked
        WHERE ranked.of_tenant > :per_tenant OR ranked.of_sender > :per_sender))
    """
)
_NEW_WORD_CHOICES: Final = text(
    "INSERT INTO word_choices (number_id)"
    " SELECT DISTINCT asked.id FROM unnest(CAST(:ids AS uuid[])) AS asked (id)"
    " WHERE NOT EXISTS (SELECT FROM word_choices AS known WHERE known.number_id = asked.id)"
    " ON CONFLICT DO NOTHING RETURNING number_id"
)
_WORD_CHOICES: Final = text("SELECT number_id FROM word_choices")
_BIND: Final = text(
    f"""
    INSERT INTO contexts AS held (id, number_id, sender, tenant_id, kind, origin, choices, last_at, expires_at)
    SELECT id, number_id, sender, tenant_id, 'recent', 'exchange', '{{}}', CAST(:now AS timestamptz), expires_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:numbers AS uuid[]), CAST(:senders AS text[]), CAST(:tenants AS uuid[]),
                CAST(:expiries AS timestamptz[])) AS new (id, number_id, sender, tenant_id, expires_at)
    WHERE NOT {is_stopped("new.number_id", "new.sender", "new.tenant_id")}
    ON CONFLICT (number_id, sender, tenant_id) WHERE kind = 'recent' DO UPDATE
    SET last_at = excluded.last_at, expires_at = excluded.expires_at, closed_at = NULL
    """
)
_TAKE: Final = text(
    """
    WITH given AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:messages AS uuid[]), CAST(:answers AS text[]))
            AS given (id, message, answer)
    ), locked AS (
        SELECT c.id FROM contexts AS c JOIN given ON given.id = c.id
        WHERE c.kind = 'question' AND (c.answered_by IS NULL OR c.answered_by = given.message)
        ORDER BY c.id FOR UPDATE OF c
    )
    UPDATE contexts AS c
    SET answered_by = given.message, answer = given.answer, closed_at = coalesce(c.closed_at, :now)
    FROM given JOIN locked USING (id) WHERE c.id = given.id
    RETURNING c.id
    """
)
_CLOSE_TALKS: Final = text(
    f"""
    WITH locked AS (
        SELECT id FROM contexts WHERE id = ANY(ARRAY(
            SELECT c.id
            FROM unnest(CAST(:numbers AS uuid[]), CAST(:senders AS text[]), CAST(:tenants AS uuid[]))
                AS talk (number_id, sender, tenant_id) {_OPEN_OF_TALK}
            WHERE talk.tenant_id IS NULL OR c.tenant_id = talk.tenant_id))
        ORDER BY id FOR UPDATE
    )
    UPDATE contexts SET closed_at = coalesce(closed_at, :now) WHERE id = ANY(ARRAY(SELECT id FROM locked))
    """
)
_CLOSE: Final = text(
    """
    WITH locked AS (
        SELECT id FROM contexts WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
    )
    UPDATE contexts SET closed_at = coalesce(closed_at, :now) WHERE id = ANY(ARRAY(SELECT id FROM locked))
    """
)
_CLOSE_CHOICES: Final = text(
    f"""
    WITH locked AS (
        SELECT id FROM contexts WHERE id = ANY(ARRAY(
            SELECT c.id FROM {_TALKS} {_OPEN_OF_TALK} WHERE c.origin = 'choose'))
        ORDER BY id FOR UPDATE
    )
    UPDATE contexts SET closed_at = coalesce(closed_at, :now) WHERE id = ANY(ARRAY(SELECT id FROM locked))
    """
)
_ASKED: Final = text(
    " UNION ".join(
        f"""
        SELECT c.number_id, c.sender FROM {_TALKS} {_OF_TALK.format(talk="talk", closed=closed)}
        WHERE c.origin = 'choose' AND c.last_at > :since
        """
        for closed in ("NULL", "NOT NULL")
    )
)


async def list_open(session: Session, talks: Collection[Talk], now: datetime) -> Sequence[StoredContext]:
    """All open contexts of these people; none of whoever they have stopped. Bounded by ``rules.OPEN_PER_SENDER`` and tenants."""
    rows = await session.execute(_OPEN, {**_talks(talks), "now": now})
    return [StoredContext(**row._asdict()) for row in rows]


async def list_contexts(session: Session, ids: Collection[UUID]) -> Sequence[StoredContext]:
    """Contexts by id, open or not."""
    return [StoredContext(**row._asdict()) for row in await session.execute(_BY_ID, {"ids": list(ids)})]


async def list_past(session: Session, message_ids: Collection[UUID]) -> Sequence[PastContext]:
    """Every stored context of the people who sent these messages, open then or not."""
    found = []
    for row in await session.execute(_PAST, {"ids": list(message_ids)}):
        columns = row._asdict()
        past = {name: columns.pop(name) for name in _PAST_FACTS}
        found.append(PastContext(**past, context=StoredContext(**columns)))
    return found


async def insert_questions(session: Session, questions: Sequence[tuple[UUID, Question, str]], now: datetime) -> None:
    """Open questions; the third of each is its choices as JSON."""
    columns: dict[str, list[Any]] = {
        "id": [each_id for each_id, _, _ in questions],
        "number_id": [question.talk.number_id for _, question, _ in questions],
        "sender": [question.talk.sender for _, question, _ in questions],
        "choices": [choices for _, _, choices in questions],
        "expires_at": [now + question.lifetime for _, question, _ in questions],
    }
    for name in (
        "tenant_id", "origin", "expected", "language", "keyword_id", "keyword_revision", "sub_keyword", "ordinal",
        "inbound_message_id", "target_id",
    ):  # fmt: skip
        columns[name] = [getattr(question, name) for _, question, _ in questions]
    await session.execute(_INSERT, {**columns, "now": now})


async def close_beyond(
    session: Session, talks: Collection[Talk], now: datetime, *, per_tenant: int, per_sender: int
) -> None:
    """Close the oldest open questions of these people beyond the limits."""
    await session.execute(_TRIM, {**_talks(talks), "now": now, "per_tenant": per_tenant, "per_sender": per_sender})


async def insert_word_choices(session: Session, numbers: Collection[UUID]) -> Sequence[UUID]:
    """Note that words are offered on these numbers; those of which it was not known."""
    return list(await session.scalars(_NEW_WORD_CHOICES, {"ids": list(numbers)}))


async def list_word_choices(session: Session) -> frozenset[UUID]:
    """The numbers on which words were ever offered."""
    return frozenset(await session.scalars(_WORD_CHOICES))


async def upsert_bindings(session: Session, bindings: Sequence[tuple[UUID, Binding]], now: datetime) -> None:
    """Begin or refresh bindings, one per tenant and person; none with who has stopped the tenant."""
    columns = {
        "ids": [each_id for each_id, _ in bindings],
        "numbers": [binding.talk.number_id for _, binding in bindings],
        "senders": [binding.talk.sender for _, binding in bindings],
        "tenants": [binding.tenant_id for _, binding in bindings],
        "expiries": [now + binding.lifetime for _, binding in bindings],
    }
    await session.execute(_BIND, {**columns, "now": now})


async def take(session: Session, answers: Sequence[Answer], now: datetime) -> set[UUID]:
    """Store answers to questions that had none; the ids of those questions. A replay of the answer counts again."""
    columns = {
        "ids": [each.context_id for each in answers],
        "messages": [each.inbound_message_id for each in answers],
        "answers": [each.answer for each in answers],
    }
    return set(await session.scalars(_TAKE, {**columns, "now": now}))


async def close_talks(session: Session, scopes: Sequence[tuple[Talk, UUID | None]], now: datetime) -> None:
    """Close everything that is open with these people, or only what one tenant has open with them."""
    columns = {**_talks([talk for talk, _ in scopes]), "tenants": [tenant_id for _, tenant_id in scopes]}
    await session.execute(_CLOSE_TALKS, {**columns, "now": now})


async def close(session: Session, ids: Collection[UUID], now: datetime) -> None:
    """Close these."""
    await session.execute(_CLOSE, {"ids": list(ids), "now": now})


async def close_choices(session: Session, talks: Collection[Talk], now: datetime) -> None:
    """Close the other numbers of a choice that has been made."""
    await session.execute(_CLOSE_CHOICES, {**_talks(talks), "now": now})


async def find_asked(session: Session, talks: Collection[Talk], since: datetime) -> set[Talk]:
    """Those of these people who were asked lately which tenant they mean."""
    rows = await session.execute(_ASKED, {**_talks(talks), "since": since})
    return {Talk(row.number_id, row.sender) for row in rows}


def _talks(talks: Collection[Talk]) -> dict[str, object]:
    listed = list(talks)
    return {"numbers": [talk.number_id for talk in listed], "senders": [talk.sender for talk in listed]}
