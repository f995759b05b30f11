"""What an operator does with keywords: approve, reject, suspend, hold, end a rest, hand to another tenant. Called by the API.

Every change is in the audit log. What a keyword's messages did stays with the tenant that held it then.
"""

from datetime import datetime

from twoway_router.domain.ids import KeywordId, NumberId, TenantId, new_id
from twoway_router.keywords import queries
from twoway_router.keywords.resting import free_spellings
from twoway_router.keywords.rules import KeywordExists, KeywordReleased, NumberNotFound
from twoway_router.keywords.service import claims_problem_of, get_keyword, set_state
from twoway_router.keywords.states import ACTIVE, APPROVED, RELEASED, REQUESTED, SUSPENDED, KeywordHeld, StateNotAllowed
from twoway_router.keywords.tables import Keywords
from twoway_router.numbers.service import find_number
from twoway_router.store import Session, audit, changes
from twoway_router.store.audit import Actor


async def approve(
    session: Session, keyword: Keywords, *, is_activated: bool, note: str | None, by: Actor, now: datetime
) -> Keywords:
    """Let a requested keyword be. Its tenant may activate it itself, if it is not done here."""
    await set_state(session, keyword, APPROVED, now=now, by=by, note=note)
    return await set_state(session, keyword, ACTIVE, now=now, by=by) if is_activated else keyword


async def reject(session: Session, keyword: Keywords, *, note: str | None, by: Actor, now: datetime) -> Keywords:
    """Refuse a requested keyword. Its word never was in use, so it is free at once."""
    if keyword.state != REQUESTED:
        raise StateNotAllowed(f"A keyword that is {keyword.state} cannot be rejected.")
    said = {"note": note} if note else {}
    await audit.record(
        session, "keyword.rejected", keyword.id, by=by, now=now, tenant_id=keyword.tenant_id, details=said
    )
    return await set_state(session, keyword, RELEASED, now=now, by=by)


async def suspend(session: Session, keyword: Keywords, *, by: Actor, now: datetime) -> Keywords:
    """Stop a keyword's actions. What an operator suspends only an operator resumes."""
    keyword.is_operators_suspension = keyword.is_operators_suspension or by.tenant_id is None
    return await set_state(session, keyword, SUSPENDED, now=now, by=by)


async def activate(session: Session, keyword: Keywords, *, by: Actor, now: datetime) -> Keywords:
    """Put an approved keyword into service, or a suspended one again."""
    check_held(keyword, by)
    keyword.is_operators_suspension = False
    return await set_state(session, keyword, ACTIVE, now=now, by=by)


def check_held(keyword: Keywords, by: Actor) -> None:
    """Raises for a tenant whose keyword is held back: released and claimed again, it would be free of the hold."""
    if by.tenant_id is not None and keyword.is_held:
        raise KeywordHeld


async def end_rest(session: Session, keyword: Keywords, *, by: Actor, now: datetime) -> Keywords:
    """Free the words of a released keyword at once. Whoever sends them no longer hears that they were given back."""
    if keyword.state != RELEASED:
        raise StateNotAllowed(f"A keyword that is {keyword.state} does not rest.")
    await queries.delete_spellings(session, keyword.id, await queries.list_keys_of(session, keyword.id))
    await _note(session, "keyword.rest_ended", keyword, by=by, now=now, details={})
    return keyword


async def hold(session: Session, keyword: Keywords, note: str, *, by: Actor, now: datetime) -> Keywords:
    """Keep a keyword from acting until the hold is lifted. The note, such as a dispute, is for operators."""
    if keyword.state == RELEASED:
        raise KeywordReleased
    if keyword.hold_note != note:
        keyword.hold_note, keyword.updated_at = note, now
        await _note(session, "keyword.held", keyword, by=by, now=now, details={"internal_note": note})
    return keyword


async def lift(session: Session, keyword: Keywords, *, by: Actor, now: datetime) -> Keywords:
    """End a hold; the keyword goes on in the state that it had."""
    if keyword.hold_note is not None:
        keyword.hold_note, keyword.updated_at = None, now
        await _note(session, "keyword.hold_lifted", keyword, by=by, now=now, details={})
    return keyword


async def transfer(
    session: Session, keyword: Keywords, tenant_id: TenantId, *, note: str | None, by: Actor, now: datetime
) -> Keywords:
    """Hand a locked keyword's words to another tenant, as a keyword of its own that waits to be activated.

    The former tenant keeps the old keyword, released, with its messages and revisions. Actions stay behind too: they name
    pools and endpoints of the former tenant.
    """
    if keyword.state == RELEASED:
        raise KeywordReleased
    if keyword.tenant_id == tenant_id:
        raise StateNotAllowed("The keyword is this tenant's already.")
    number = await find_number(session, NumberId(keyword.number_id), usable_by=tenant_id, lock=True)
    if number is None:
        raise NumberNotFound("The tenant cannot use this number.")
    if (problem := await claims_problem_of(session, number, tenant_id)) is not None:
        raise problem
    await _make_room(session, keyword, tenant_id)
    successor_id = KeywordId(new_id())
    subs = [{**sub, "actions": []} for sub in keyword.definition.get("sub_keywords", ())]
    definition = {**keyword.definition, "actions": [], "sub_keywords": subs, "expires_at": None}
    copied = ("number_id", "word", "active_from", "active_until")
    values: dict[str, object] = {name: getattr(keyword, name) for name in copied}
    values |= {"id": successor_id, "tenant_id": tenant_id, "state": APPROVED, "revision": 1, "definition": definition}
    await queries.insert_keyword(session, values | {"created_at": now, "updated_at": now})
    await queries.insert_revision(session, successor_id, tenant_id, 1, definition, now=now)
    await queries.hand_over_spellings(session, keyword.id, successor_id, tenant_id)
    keyword.state, keyword.updated_at = RELEASED, now
    said = {"note": note} if note else {}
    given = {**said, "to_tenant": str(tenant_id), "to_keyword": str(successor_id)}
    await _note(session, "keyword.transferred_away", keyword, by=by, now=now, details=given)
    successor = await get_keyword(session, successor_id, tenant_id)
    taken = {**said, "from_tenant": str(keyword.tenant_id), "from_keyword": str(keyword.id)}
    await _note(session, "keyword.transferred_in", successor, by=by, now=now, details=taken)
    return successor


async def _make_room(session: Session, keyword: Keywords, tenant_id: TenantId) -> None:
    """End the rest of what the successor gave back earlier; raise for a word that it holds at another time."""
    holders = await queries.list_holders(session, keyword.number_id, await queries.list_keys_of(session, keyword.id))
    own = [holder for holder in holders if holder.tenant_id == tenant_id]
    if held := next((holder for holder in own if not holder.is_released), None):
        known = {"keyword_id": str(held.keyword_id), "word": held.word}
        raise KeywordExists(f"The tenant holds {held.word!r} on this number already.", extra=known)
    await free_spellings(session, own)


async def _note(
    session: Session, action: str, keyword: Keywords, *, by: Actor, now: datetime, details: dict[str, str]
) -> None:
    await session.flush()
    await audit.record(session, action, keyword.id, by=by, now=now, tenant_id=keyword.tenant_id, details=details)
    await changes.record(session, "keyword", keyword.id)
