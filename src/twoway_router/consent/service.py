"""Opt-outs, opt-ins and who is suppressed. Called by ``ingress`` (STOP), ``actions`` (START), ``messages`` (every MT).

A STOP and the claims of MTs to the same person exclude each other: once the STOP has committed, no claim commits.
"""

from collections.abc import Sequence
from datetime import datetime

from twoway_router.consent import queries
from twoway_router.consent.rules import ConsentChange, Person, SuppressionReason
from twoway_router.store import Session


async def opt_out(
    session: Session,
    changes: Sequence[ConsentChange],
    now: datetime,
    *,
    reason: SuppressionReason = SuppressionReason.WORD,
) -> set[Person]:
    """Suppress people for every tenant on their number. Returns those who were not suppressed before."""
    if not changes:
        return set()
    await queries.lock(session, [change.person for change in changes], is_shared=False)
    return await queries.insert_once(session, changes, reason, now)


async def opt_in(session: Session, changes: Sequence[ConsentChange]) -> set[Person]:
    """Lift suppressions, but none that is newer than its START. Returns those who were suppressed."""
    return await queries.delete_older(session, changes) if changes else set()


async def find_suppressed(session: Session, people: Sequence[Person]) -> set[Person]:
    """Which of these people must not be written to."""
    return await queries.find(session, people) if people else set()


async def hold(session: Session, people: Sequence[Person]) -> None:
    """Make opt-outs of these people wait until this transaction ends. Called before their MTs are claimed."""
    if people:
        await queries.lock(session, people, is_shared=True)
