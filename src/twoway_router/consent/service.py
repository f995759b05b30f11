"""What people have stopped, and the changes of it. Called by ``mts``, the only one that applies a STOP or START.

A change and the claims of MTs to the same person exclude one another: once a STOP has committed, no claim commits.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from twoway_router.consent import queries
from twoway_router.consent.rules import ConsentChange, Person, Suppression, after
from twoway_router.store import Session


async def reserve(session: Session, people: Collection[Person]) -> None:
    """Make claims and other changes of these people wait until this transaction ends. Called before ``apply``."""
    await queries.lock(session, people, is_shared=False)


async def hold(session: Session, people: Collection[Person]) -> None:
    """Make changes of these people wait until this transaction ends. Called before their MTs are claimed."""
    await queries.lock(session, people, is_shared=True)


async def apply(session: Session, changes: Sequence[ConsentChange], now: datetime) -> Sequence[ConsentChange]:
    """Store what changes, no two of one person, make of people who are reserved. Returns those that have an effect."""
    held = await queries.list_suppressions(session, [change.person for change in changes])
    effective: list[ConsentChange] = []
    gone: list[tuple[Person, Suppression]] = []
    stored: list[tuple[Person, Suppression]] = []
    for change in changes:
        before = held.get(change.person, ())
        changed = after(before, change, now)
        left = {each.tenant_id for each in changed.suppressions}
        gone.extend((change.person, each) for each in before if each.tenant_id not in left)
        stored.extend((change.person, each) for each in changed.suppressions if each not in before)
        if changed.has_effect:
            effective.append(change)
    if gone or stored:
        await queries.store(session, gone, stored)
    return effective


async def list_suppressions(session: Session, people: Collection[Person]) -> Mapping[Person, Sequence[Suppression]]:
    """What these people have stopped or kept, for ``rules.may_send``."""
    return await queries.list_suppressions(session, people) if people else {}
