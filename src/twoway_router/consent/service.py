"""Opt-outs, opt-ins and who is suppressed. Called by ``messages`` (STOP, every MT) and ``actions`` (START).

A STOP and the claims of MTs to the same person exclude each other: once the STOP has committed, no claim commits.
"""

from collections.abc import Sequence
from datetime import datetime

from twoway_router.consent import queries
from twoway_router.consent.rules import ConsentChange, Person, Recipient, SuppressionReason
from twoway_router.store import Session


async def opt_out(
    session: Session,
    changes: Sequence[ConsentChange],
    now: datetime,
    *,
    reason: SuppressionReason = SuppressionReason.WORD,
) -> set[Recipient]:
    """Suppress people for every tenant on their number, or for the one that a change names. Returns who is new there."""
    if not changes:
        return set()
    await queries.lock(session, [change.person for change in changes], is_shared=False)
    stopped = await queries.find(session, [change.recipient for change in changes])
    await queries.stop(session, changes, reason, now)
    return {change.recipient for change in changes} - stopped


async def opt_in(session: Session, changes: Sequence[ConsentChange], now: datetime) -> set[Recipient]:
    """Lift suppressions, but none that is newer than its START. Returns those that something was lifted for.

    With a tenant only that tenant's messages are restored. Without one, what is stopped for the whole number is; where
    nothing is, the one tenant that was stopped. Of several nothing is restored without a name.
    """
    await reserve(session, [change.person for change in changes])
    named = [change for change in changes if change.tenant_id is not None]
    bare = [change for change in changes if change.tenant_id is None]
    lifted = await queries.lift_tenants(session, named, now) if named else set()
    if bare:
        lifted |= (of_numbers := await queries.lift_numbers(session, bare))
        if left := [change for change in bare if change.recipient not in of_numbers]:
            lifted |= await queries.lift_only_tenants(session, left)
    return lifted


async def reserve(session: Session, people: Sequence[Person]) -> None:
    """Make other changes of these people's consent wait until this transaction ends, before it locks anything else."""
    if people:
        await queries.lock(session, people, is_shared=False)


async def find_suppressed(session: Session, recipients: Sequence[Recipient]) -> set[Recipient]:
    """Which of these must not be written to by these tenants."""
    return await queries.find(session, recipients) if recipients else set()


async def hold(session: Session, people: Sequence[Person]) -> None:
    """Make opt-outs of these people wait until this transaction ends. Called before their MTs are claimed."""
    if people:
        await queries.lock(session, people, is_shared=True)
