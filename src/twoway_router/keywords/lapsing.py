"""Keywords that are given back by themselves: their date of expiry has come, or no message came for long. For ``scheduler``.

Every step moves a bounded number of keywords, and may be repeated or done by several schedulers at once. What an operator
holds back stays as it is: given back, it would be free of the hold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.ids import TenantId, new_id
from twoway_router.events.catalogue import KeywordExpiring
from twoway_router.events.news import Event, News
from twoway_router.keywords import queries
from twoway_router.numbers.service import list_idle_terms, list_of_runs
from twoway_router.store import Session, audit, changes
from twoway_router.store.audit import SYSTEM, Entry

Reason = Literal["expired", "idle"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lapsed:
    """What a look over all keywords came to, with the news of it. ``moved`` counts all rows that changed."""

    idle: int
    notified: int
    moved: int
    news: News


async def release_expired(session: Session, now: datetime, limit: int) -> int:
    """Give back the keywords whose date of expiry has come; how many."""
    released = await queries.release_expired(session, now, limit)
    await _record(session, released, "expired", now)
    return len(released)


async def look_over(session: Session, now: datetime, notice: timedelta, limit: int) -> Lapsed:
    """Withdraw notices that are for nothing, give back what is idle and was notified, notify whoever is next."""
    terms = await list_idle_terms(session)
    withdrawn = await queries.withdraw_notices(session, terms, limit)
    released = await queries.release_idle(session, terms, now, limit) if terms else ()
    await _record(session, released, "idle", now)
    events = await _notices(session, await queries.mark_expiring(session, now + notice, limit), "expired", now)
    if terms:
        idle = await queries.mark_idle(session, terms, now + notice, limit)
        events += await _notices(session, idle, "idle", now)
    moved = withdrawn + len(released) + len(events)
    return Lapsed(idle=len(released), notified=len(events), moved=moved, news=News(events=tuple(events)))


async def _record(session: Session, released: Sequence[Any], reason: Reason, now: datetime) -> None:
    entries = [
        Entry(subject_id=row.id, tenant_id=row.tenant_id, details={"from": row.state, "reason": reason})
        for row in released
    ]
    await audit.record_all(session, "keyword.released", entries, by=SYSTEM, now=now)
    await changes.record_all(session, "keyword", [row.id for row in released])


async def _notices(session: Session, rows: Sequence[Any], reason: Reason, now: datetime) -> list[Event]:
    numbers = await list_of_runs(session, {row.number_id for row in rows}) if rows else {}
    events: list[Event] = []
    entries: list[Entry] = []
    for row in rows:
        number = numbers[row.number_id]
        data = KeywordExpiring(
            keyword_id=row.id,
            keyword=row.word,
            number=number.address,
            country=number.country,
            releases_at=row.releases_at,
            reason=reason,
            last_message_on=row.last_on,
        )
        key = EffectKey(cause=Cause(kind=CauseKind.OCCURRENCE, id=new_id()))
        events.append(Event(tenant_id=TenantId(row.tenant_id), type="keyword.expiring", data=data, key=key))
        said = {"reason": reason, "releases_at": row.releases_at.isoformat()}
        entries.append(Entry(subject_id=row.id, tenant_id=row.tenant_id, details=said))
    await audit.record_all(session, "keyword.expiring", entries, by=SYSTEM, now=now)
    return events
