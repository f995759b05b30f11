"""Looks at the MTs that jobs name and claims those that may be tried now. Called by ``sms`` in the loop's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.consent import service as consent
from twoway_router.consent.rules import Person
from twoway_router.domain.messages import MtState
from twoway_router.mts.delivery.pacing import spend, take_turns
from twoway_router.mts.jobs import add_jobs, add_successors, postpone
from twoway_router.mts.queries import delivering
from twoway_router.mts.queries.delivering import Claimed, Ended, Seen
from twoway_router.mts.queries.order import list_first
from twoway_router.mts.rules import CLOCK_SKEW, MtClass
from twoway_router.store import Session
from twoway_router.telemetry.metrics import CONSENT_BLOCKED

LOOK_AGAIN_AFTER: Final = timedelta(seconds=2)


async def claim_mts(
    session: Session, ready: Sequence[Seen], now: datetime, lease: timedelta, claimed_by: int | None
) -> tuple[Sequence[Claimed], Sequence[Ended]]:
    """What may be tried now, and what ended instead. Everybody else gets a job for later.

    Consent is asked here, once more and last: an opt-out that has committed wins, one that has not yet waits.
    """
    if not (ready := await take_turns(session, ready, now)):
        return [], []
    await consent.hold(session, [Person(number_id=each.number_id, msisdn=each.recipient) for each in ready])
    claims, ended = await delivering.claim(session, [each.id for each in ready], now, now + lease, claimed_by)
    CONSENT_BLOCKED.labels("claimed").inc(sum(each.state == MtState.SUPPRESSED for each in ended))
    await spend(session, ready, claims, now)
    await add_successors(session, {each.order_key for each in ended if each.mt_class is not MtClass.BULK}, now)
    gone = {each.id for each in claims} | {each.id for each in ended}
    moving = {each.order_key for each in ready if each.id in gone and each.mt_class is not MtClass.BULK}
    left = [each for each in ready if each.id not in gone]
    await _look_again(
        session, [each for each in left if each.mt_class is MtClass.BULK or each.order_key not in moving], now
    )
    return claims, ended


async def _look_again(session: Session, left: Sequence[Seen], now: datetime) -> None:
    """Jobs for MTs that were due and could not be claimed.

    An MT that waits for one under way, or was only locked, gets a job soon: the one that is being settled now may have
    looked for its successor too early. An MT behind a retry gets its job when that one is settled. Bulk gets no job from
    other MTs: it is due again after what it waits for.
    """
    if not left:
        return
    first = await list_first(session, {each.order_key for each in left})
    soon, again, bulk = now + LOOK_AGAIN_AFTER, dict[int, Seen](), dict[UUID, datetime]()
    for each in left:
        found = first.get(each.order_key)
        if each.mt_class is MtClass.BULK:
            is_held = found is not None and found.first_due_at <= now + CLOCK_SKEW
            bulk[each.id] = max(soon, found.due_at) if found and is_held else soon
        elif found and (found.state == MtState.CLAIMED or (found.id == each.id and found.due_at <= now + CLOCK_SKEW)):
            again.setdefault(each.order_key, each)
    await add_jobs(session, list(again.values()), [soon] * len(again))
    await postpone(session, bulk, "answers_first")
