"""How words rest: given up spellings, the end of a rest, and how long it is. Called by ``service`` and ``administration``."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from twoway_router.domain.ids import new_id
from twoway_router.keywords import queries
from twoway_router.keywords.rules import QUARANTINE_DAYS, Holder
from twoway_router.keywords.states import RELEASED
from twoway_router.keywords.tables import Keywords
from twoway_router.numbers.tables import Numbers
from twoway_router.store import Session, changes


async def free_spellings(session: Session, holders: Sequence[Holder]) -> None:
    """Take their keys from released keywords."""
    for former in sorted({holder.keyword_id for holder in holders}):
        keys = [holder.key for holder in holders if holder.keyword_id == former]
        await queries.delete_spellings(session, former, keys)
        await changes.record(session, "keyword", former)


async def retire(session: Session, keyword: Keywords, keys: frozenset[str], *, now: datetime) -> None:
    """Spellings that a keyword gives up become a released keyword of their own, so that they rest."""
    retired = new_id()
    word = min(keys)
    values: dict[str, object] = {
        "id": retired,
        "tenant_id": keyword.tenant_id,
        "number_id": keyword.number_id,
        "word": word,
        "state": RELEASED,
        "revision": 1,
        "definition": {"word": word},
        "active_from": keyword.active_from,
        "active_until": keyword.active_until,
        "created_at": now,
        "updated_at": now,
    }
    await queries.insert_keyword(session, values)
    await queries.insert_revision(session, retired, keyword.tenant_id, 1, {"word": word}, now=now)
    await queries.move_spellings(session, keyword.id, keys, retired)
    await queries.rest_spellings(session, retired)
    await changes.record(session, "keyword", retired)


def resting_time(number: Numbers) -> timedelta:
    """How long a released word rests; on a dedicated number not at all."""
    if number.sharing == "dedicated":
        return timedelta(0)
    days = number.options.get("quarantine_days", QUARANTINE_DAYS)
    return timedelta(days=days if isinstance(days, int) else QUARANTINE_DAYS)
