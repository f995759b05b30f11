"""SQL of contexts, set-based. Called by ``contexts.service``.

Rows are locked in the order of their ids, so that a STOP and an answer of many people never deadlock.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from twoway_router.consent.gate import is_stopped
from twoway_router.consent.rules import Person
from twoway_router.contexts.rules import Answer, PastContext, Question, Recent, StoredContext
from twoway_router.store import Session

_ROW: Final = (
    "c.id, c.number_id, c.sender, c.tenant_id, c.kind, c.origin, c.expected, c.choices, c.language, c.keyword_id,"
    " c.keyword_revision, c.sub_keyword, c.ordinal, c.inbound_message_id, c.target_id, c.last_at, c.expires_at,"
    " c.answered_by"
)
_PAST_FACTS: Final = ("message_id", "at", "closed_at", "decided", "was_in_touch")
_PEOPLE: Final = "unnest(CAST(:numbers AS uuid[]), CAST(:senders AS text[])) AS person (number_id, sender)"
_OF_PERSON: Final = """CROSS JOIN LATERAL (
            SELECT * FROM contexts AS held
            WHERE held.number_id = {person}.number_id AND held.sender = {person}.sender AND held.closed_at IS {closed}
            OFFSET 0) AS c"""
"""A person's contexts. The fence (`OFFSET 0`) keeps a plan that was made on an empty table from reading everyone's."""
_OPEN_OF_PERSON: Final = _OF_PERSON.format(person="person", closed="NULL")
_OPEN: Final = text(
    f"""
    SELECT {_ROW} FROM {_PEOPLE} {_OPEN_OF_PERSON}
    WHERE c.expires_at > :now AND NOT {is_stopped("c.number_id", "c.sender", "c.tenant_id")}
    """
)
_PAST: Final = text(
    " UNION ALL ".join(
        f"""
        SELECT {_ROW}, m.id AS message_id, m.received_at AS at, c.closed_at,
               coalesce(m.route_details->>'context_id' = CAST(c.id AS text), false) AS decided,
               c.kind = 'recent' AND c.last_at >= m.received_at AND EXISTS (
                   SELECT FROM inbound_messages AS older
                   WHERE older.tenant_id = c.tenant_id AND older.sender = c.sender AND older.id < m.id
                     AND older.number_id = c.number_id AND older.route IN ('keyword', 'context')
                     AND older.received_at > m.received_at - (c.expires_at - c.last_at)) AS was_in_touch
        FROM inbound_messages AS m {_OF_PERSON.format(person="m", closed=closed)}
        WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.sender_kind = 'msisdn'
        """
        for closed in ("NULL", "NOT NULL")
    )
)
"""Open and closed ones apart, because each half has a partial index of its own."""
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
    ON CONFLICT (number_id, sender, tenant_id, origin) WHERE kind = 'question' AND closed_at IS NULL DO NOTHING
    RETURNING id
    """
)
"""Whoever has a question open with the person, or opens one at the same time, makes the row stay away (``_REPLACE``)."""
_REPLACE: Final = text(
    f"""
    WITH locked AS (
        SELECT id FROM contexts WHERE id = ANY(ARRAY(
            SELECT c.id
            FROM unnest(CAST(:numbers AS uuid[]), CAST(:senders AS text[]), CAST(:tenants AS uuid[]), CAST(:origins AS text[]))
                AS person (number_id, sender, tenant_id, origin) {_OPEN_OF_PERSON}
            WHERE c.kind = 'question' AND c.tenant_id = person.tenant_id AND c.origin = person.origin))
        ORDER BY id FOR UPDATE
    )
    UPDATE contexts SET closed_at = coalesce(closed_at, :now) WHERE id = ANY(ARRAY(SELECT id FROM locked))
    """
)
_TRIM: Final = text(
    f"""
    UPDATE contexts AS c SET closed_at = :now
    WHERE c.id = ANY(ARRAY(
        SELECT ranked.id FROM (
            SELECT c.id, row_number() OVER (PARTITION BY c.number_id, c.sender
                                            ORDER BY c.last_at DESC, c.id DESC) AS of_sender
            FROM {_PEOPLE} {_OPEN_OF_PERSON}
            WHERE c.kind = 'question' AND c.expires_at > :now) AS ranked
        WHERE ranked.of_sender > :per_sender))
    """
)
"""The newest of all that are open with the person stay open."""
_NEW_WORD_CHOICES: Final = text(
    "INSERT INTO word_choices (number_id)"
    " SELECT DISTINCT asked.id FROM unnest(CAST(:ids AS uuid[])) AS asked (id)"
    " WHERE NOT EXISTS (SELECT FROM word_choices AS known WHERE known.number_id = asked.id)"
    " ON CONFLICT DO NOTHING RETURNING number_id"
)
"""The number is mostly there already: then nothing is written and no lock is taken."""
_WORD_CHOICES: Final = text("SELECT number_id FROM word_choices")
_UPSERT_RECENT: Final = text(
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
        SELECT c.id, c.kind, c.closed_at, c.answered_by FROM contexts AS c
        WHERE c.id = ANY(ARRAY(
            SELECT id FROM given
            UNION
            SELECT c.id FROM given JOIN contexts AS person ON person.id = given.id
            CROSS JOIN LATERAL (
                SELECT held.id, held.origin FROM contexts AS held
                WHERE held.number_id = person.number_id AND held.sender = person.sender AND held.closed_at IS NULL
                OFFSET 0) AS c
            WHERE person.origin = 'choose' AND c.origin = 'choose'))
        ORDER BY c.id FOR UPDATE OF c
    )
    UPDATE contexts AS c
    SET answered_by = given.message, answer = given.answer, closed_at = coalesce(c.closed_at, :now)
    FROM given JOIN locked USING (id)
    WHERE c.id = given.id AND locked.kind = 'question'
      AND (locked.answered_by = given.message OR (locked.answered_by IS NULL AND locked.closed_at IS NULL))
    RETURNING c.id
    """
)
"""Once only, and only while it is open: what another message has answered, a newer question has replaced or a STOP has closed
takes no answer. A replay answers again. The other numbers of a choice are locked too, so that of two choices made at the
same time one counts.
"""
_CLOSE_OPEN: Final = text(
    f"""
    WITH locked AS (
        SELECT id FROM contexts WHERE id = ANY(ARRAY(
            SELECT c.id
            FROM unnest(CAST(:numbers AS uuid[]), CAST(:senders AS text[]), CAST(:tenants AS uuid[]))
                AS person (number_id, sender, tenant_id) {_OPEN_OF_PERSON}
            WHERE person.tenant_id IS NULL OR c.tenant_id = person.tenant_id))
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
            SELECT c.id FROM {_PEOPLE} {_OPEN_OF_PERSON} WHERE c.origin = 'choose'))
        ORDER BY id FOR UPDATE
    )
    UPDATE contexts SET closed_at = coalesce(closed_at, :now) WHERE id = ANY(ARRAY(SELECT id FROM locked))
    """
)
_ASKED: Final = text(
    " UNION ".join(
        f"""
        SELECT c.number_id, c.sender FROM {_PEOPLE} {_OF_PERSON.format(person="person", closed=closed)}
        WHERE c.origin = 'choose' AND c.last_at > :since
        """
        for closed in ("NULL", "NOT NULL")
    )
)

_OLD: Final = text(
    "DELETE FROM contexts WHERE id IN"
    " (SELECT id FROM contexts WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED)"
)


async def list_open(session: Session, people: Collection[Person], now: datetime) -> Sequence[StoredContext]:
    """All open contexts of these people; none of whoever they have stopped. Bounded by ``rules.OPEN_PER_SENDER`` and tenants."""
    rows = await session.execute(_OPEN, {**_columns(people), "now": now})
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


async def insert_questions(
    session: Session, questions: Sequence[tuple[UUID, Question, str]], now: datetime
) -> set[UUID]:
    """Insert open questions; the third value of a row is its choices as JSON. Returns the ids of those whose places were free."""
    columns: dict[str, list[Any]] = {
        "id": [each_id for each_id, _, _ in questions],
        "number_id": [question.person.number_id for _, question, _ in questions],
        "sender": [question.person.msisdn for _, question, _ in questions],
        "choices": [choices for _, _, choices in questions],
        "expires_at": [now + question.lifetime for _, question, _ in questions],
    }
    for name in (
        "tenant_id", "origin", "expected", "language", "keyword_id", "keyword_revision", "sub_keyword", "ordinal",
        "inbound_message_id", "target_id",
    ):  # fmt: skip
        columns[name] = [getattr(question, name) for _, question, _ in questions]
    return set(await session.scalars(_INSERT, {**columns, "now": now}))


async def close_replaced(session: Session, questions: Sequence[Question], now: datetime) -> None:
    """Close what is open in the places of these questions."""
    columns = {
        "numbers": [question.person.number_id for question in questions],
        "senders": [question.person.msisdn for question in questions],
        "tenants": [question.tenant_id for question in questions],
        "origins": [question.origin for question in questions],
    }
    await session.execute(_REPLACE, {**columns, "now": now})


async def close_beyond(session: Session, people: Collection[Person], now: datetime, *, per_sender: int) -> None:
    """Close the oldest open questions of these people beyond the limit."""
    await session.execute(_TRIM, {**_columns(people), "now": now, "per_sender": per_sender})


async def insert_word_choices(session: Session, numbers: Collection[UUID]) -> Sequence[UUID]:
    """Note that questions on these numbers have words as answers; returns the numbers that are new."""
    return list(await session.scalars(_NEW_WORD_CHOICES, {"ids": list(numbers)}))


async def list_word_choices(session: Session) -> frozenset[UUID]:
    """The numbers on which a question ever had words as answers."""
    return frozenset(await session.scalars(_WORD_CHOICES))


async def upsert_recent(session: Session, recents: Sequence[tuple[UUID, Recent]], now: datetime) -> None:
    """Begin or refresh recent contexts, one per tenant and person; none with who has stopped the tenant."""
    columns = {
        "ids": [each_id for each_id, _ in recents],
        "numbers": [recent.person.number_id for _, recent in recents],
        "senders": [recent.person.msisdn for _, recent in recents],
        "tenants": [recent.tenant_id for _, recent in recents],
        "expiries": [now + recent.lifetime for _, recent in recents],
    }
    await session.execute(_UPSERT_RECENT, {**columns, "now": now})


async def take(session: Session, answers: Sequence[Answer], now: datetime) -> set[UUID]:
    """Store answers to questions that had none; the ids of those questions. A replay of the answer counts again."""
    columns = {
        "ids": [each.context_id for each in answers],
        "messages": [each.inbound_message_id for each in answers],
        "answers": [each.answer for each in answers],
    }
    return set(await session.scalars(_TAKE, {**columns, "now": now}))


async def close_open(session: Session, scopes: Sequence[tuple[Person, UUID | None]], now: datetime) -> None:
    """Close everything that is open with these people, or only what one tenant has open with them."""
    columns = {**_columns([person for person, _ in scopes]), "tenants": [tenant_id for _, tenant_id in scopes]}
    await session.execute(_CLOSE_OPEN, {**columns, "now": now})


async def close(session: Session, ids: Collection[UUID], now: datetime) -> None:
    """Close these."""
    await session.execute(_CLOSE, {"ids": list(ids), "now": now})


async def close_choices(session: Session, people: Collection[Person], now: datetime) -> None:
    """Close the other numbers of a choice that has been made."""
    await session.execute(_CLOSE_CHOICES, {**_columns(people), "now": now})


async def find_asked(session: Session, people: Collection[Person], since: datetime) -> set[Person]:
    """Those of these people who were asked lately which tenant they mean."""
    rows = await session.execute(_ASKED, {**_columns(people), "since": since})
    return {Person(number_id=row.number_id, msisdn=row.sender) for row in rows}


def _columns(people: Collection[Person]) -> dict[str, object]:
    listed = list(people)
    return {"numbers": [person.number_id for person in listed], "senders": [person.msisdn for person in listed]}


async def forget_contexts(session: Session, before: datetime, limit: int) -> None:
    """Delete contexts that ended long ago: replays under the current rules no longer need them."""
    await session.execute(_OLD, {"before": before, "limit": limit})
