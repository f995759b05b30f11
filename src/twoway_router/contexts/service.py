"""Open questions and recent contexts, kept per number and sender.

``ingress`` loads them for a batch and closes them for a STOP; ``actions`` open questions; ``executor`` takes answers and
refreshes recent contexts. Nothing here decides where a message goes: that is ``routing``, which gets contexts as values.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from twoway_router.consent.rules import Person
from twoway_router.contexts import queries
from twoway_router.contexts.rules import (
    NUMBER_QUESTION_LIFETIME,
    OPEN_PER_SENDER,
    Answer,
    Question,
    Recent,
    StoredContext,
)
from twoway_router.domain.ids import new_id
from twoway_router.store import Session, changes

KEPT_AFTER_END: Final = timedelta(days=30)
MOST_FORGOTTEN: Final = 5000
"""In one transaction, so that it holds no locks for long."""


async def load(session: Session, people: Collection[Person], now: datetime) -> dict[Person, list[StoredContext]]:
    """What is open with these people: one statement, one indexed probe per person."""
    found: dict[Person, list[StoredContext]] = {}
    for context in await queries.list_open(session, people, now) if people else ():
        found.setdefault(context.person, []).append(context)
    return found


async def open_questions(session: Session, questions: Sequence[Question], *, now: datetime) -> None:
    """Open questions that have just been queued as MTs, oldest first.

    A tenant has one question open with a person on a number, and so has the number about a tenant: the newer one replaces
    the older. Beyond the limit for all the oldest close.
    """
    if not questions:
        return
    newest = {(each.person, each.tenant_id, each.origin): each for each in questions}
    rows = [(new_id(), newest[key], orjson.dumps(newest[key].choices).decode()) for key in sorted(newest)]
    while rows:
        opened = await queries.insert_questions(session, rows, now)
        rows = [row for row in rows if row[0] not in opened]
        if rows:  # also where somebody opens one at the same time: the insert has waited for it
            await queries.close_replaced(session, [question for _, question, _ in rows], now)
    people = {question.person for question in questions}
    await queries.close_beyond(session, people, now, per_sender=OPEN_PER_SENDER)
    offering = {question.person.number_id for question in questions if question.offers_words}
    if offering:
        for number_id in await queries.insert_word_choices(session, offering):
            await changes.record(session, "number", number_id)


async def refresh_recent(session: Session, recents: Sequence[Recent], *, now: datetime) -> None:
    """Begin or refresh the recent contexts of tenants and senders who have just been in touch."""
    unique = {(recent.person, recent.tenant_id): recent for recent in recents}
    if unique:
        await queries.upsert_recent(session, [(new_id(), unique[key]) for key in sorted(unique)], now)


async def take_answers(session: Session, answers: Sequence[Answer], *, now: datetime) -> set[UUID]:
    """Store answers, one per question, and close the questions. Returns those that had no answer before."""
    return await queries.take(session, answers, now) if answers else set()


async def list_contexts(session: Session, ids: Collection[UUID]) -> Mapping[UUID, StoredContext]:
    """Contexts by their ids, open or not."""
    return {each.id: each for each in await queries.list_contexts(session, ids)} if ids else {}


async def list_past(session: Session, message_ids: Collection[UUID]) -> Mapping[UUID, Sequence[StoredContext]]:
    """What was open with their senders when stored messages came in, by message. Contexts are forgotten after a while."""
    found: dict[UUID, list[StoredContext]] = {}
    for past in await queries.list_past(session, message_ids) if message_ids else ():
        if past.was_open:
            found.setdefault(past.message_id, []).append(past.context)
    return found


async def close(session: Session, ids: Collection[UUID], *, now: datetime) -> None:
    """Close contexts without an answer."""
    if ids:
        await queries.close(session, ids, now)


async def close_choices(session: Session, people: Collection[Person], *, now: datetime) -> None:
    """Close the other choices once the sender has made one."""
    if people:
        await queries.close_choices(session, people, now)


async def close_open(session: Session, scopes: Collection[tuple[Person, UUID | None]], *, now: datetime) -> None:
    """Close what is open with these people: a tenant's, or everybody's. A STOP does, and a START begins anew."""
    if scopes:
        await queries.close_open(session, list(scopes), now)


async def find_asked(session: Session, people: Collection[Person], *, now: datetime) -> set[Person]:
    """People who were asked lately which tenant they mean, and must not be asked again."""
    return await queries.find_asked(session, people, now - NUMBER_QUESTION_LIFETIME) if people else set()


async def list_word_choices(session: Session) -> frozenset[UUID]:
    """The numbers on which a message that is a keyword may yet be an answer."""
    return await queries.list_word_choices(session)


async def forget_old(session: Session, now: datetime) -> None:
    """Delete contexts that ended too long ago for replays; a part of them when there are many. Called by ``scheduler``."""
    await queries.forget_contexts(session, now - KEPT_AFTER_END, MOST_FORGOTTEN)
