"""Keywords: claim, change, suspend, resume, release. Called by the API; every change is in the audit log and in the change feed.

A claim locks its number, so claims on one number are judged one after the other; the exclusion of overlapping windows
has the last word. A definition never changes: an update is a new revision, and messages run the one they matched.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from twoway_router.actions.checks import check_references
from twoway_router.domain.errors import FieldError, RouterError
from twoway_router.domain.ids import KeywordId, NumberId, TenantId, new_id
from twoway_router.domain.messages import Sharing
from twoway_router.events.news import News
from twoway_router.keywords import queries
from twoway_router.keywords.choices import ChoiceFinding, check_choices, choice_keys, list_taken
from twoway_router.keywords.resting import free_spellings, resting_time, retire
from twoway_router.keywords.rules import (
    AnyWordTaken,
    DefinitionNotAcceptable,
    Judgement,
    KeywordClaim,
    KeywordExists,
    KeywordNotFound,
    KeywordReleased,
    KeywordTaken,
    MatchNotAllowed,
    NumberNotAllowed,
    NumberNotFound,
    OverrideUnconfirmed,
    Spelling,
    check_expiry,
    claims_problem,
    holder_problem,
    is_overtaken,
    judge,
    judgement_problem,
    spellings_of,
)
from twoway_router.keywords.states import RELEASED, REQUESTED, ApprovalNeeded, action_of, check_step, first_state
from twoway_router.keywords.tables import Keywords
from twoway_router.numbers.rules import keyword_limit
from twoway_router.numbers.service import (
    explain_absence,
    find_number,
    is_open_to,
    list_claims,
    list_routed_numbers,
)
from twoway_router.numbers.tables import Numbers
from twoway_router.routing.alternatives import alternatives
from twoway_router.routing.barred_words import NO_BARRED_WORDS
from twoway_router.routing.claims import Claim, VerdictKind, are_apart, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import KeywordRules, MatchMode
from twoway_router.store import Session, audit, changes
from twoway_router.store.audit import SYSTEM, Actor

# What other packages may ask of these tables.
KeywordRow = queries.KeywordRow
list_by_ids = queries.list_by_ids
list_current = queries.list_current
list_held = queries.list_held
list_holders = queries.list_holders
list_revisions = queries.list_revisions
note_uses = queries.note_uses
list_rules_of_number = queries.list_rules_of_number
take_places = queries.take_places


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A keyword with what was said of its word and of its choices, and what other tenants hear of it."""

    keyword: Keywords
    judgement: Judgement
    choices: Sequence[ChoiceFinding] = ()
    news: News = field(default_factory=News)


async def claim(
    session: Session,
    tenant_id: TenantId,
    wanted: KeywordClaim,
    *,
    now: datetime,
    table: RoutingTable | None = None,
    by: Actor = SYSTEM,
) -> Claimed:
    """Hold a keyword. Of claims of one word at the same time one wins; the others get ``KeywordTaken``.

    ``table`` is the process's routing table; without it the number's keywords are read from the database.
    """
    number = await usable_number(session, wanted.number_id, tenant_id, lock=True)
    if errors := [*check_expiry(wanted, now), *await check_references(session, tenant_id, wanted.actions)]:
        raise DefinitionNotAcceptable(errors=errors)
    tables = await _tables(session, wanted.number_id, table)
    choices = await check_choices(session, tenant_id, wanted, tables)
    spellings = spellings_of(wanted.word, wanted.aliases)
    keyword_id = KeywordId(new_id())
    judgement = await _admit(session, number, tenant_id, wanted, spellings, keyword_id, now=now, tables=tables)
    if (problem := await claims_problem_of(session, number, tenant_id)) is not None:
        raise problem
    definition = dict(wanted.definition)
    state = first_state(needs_approval=needs_approval(number), is_operators=by.tenant_id is None)
    own = {"id": keyword_id, "tenant_id": tenant_id, "state": state, "revision": 1, "definition": definition}
    own |= {name: getattr(wanted, name) for name in ("number_id", "word", "active_from", "active_until", "expires_at")}
    own["choice_keys"] = choice_keys(wanted.actions)
    await queries.insert_keyword(session, {**own, "created_at": now, "updated_at": now})
    await queries.insert_revision(session, keyword_id, tenant_id, 1, definition, now=now)
    if not await queries.insert_spellings(session, number.id, tenant_id, keyword_id, spellings, wanted.window):
        raise KeywordTaken
    said = {"word": wanted.word, "state": state, "is_override": wanted.is_override, "verdict": judgement.code}
    said |= {"moves": list(judgement.moves)} if judgement.moves else {}
    await audit.record(session, "keyword.claimed", keyword_id, by=by, now=now, tenant_id=tenant_id, details=said)
    await changes.record(session, "keyword", keyword_id)
    news = await _news(session, wanted.number_id, tenant_id, keyword_id, spellings, tables)
    keyword = await get_keyword(session, keyword_id, tenant_id)
    return Claimed(keyword=keyword, judgement=judgement, choices=choices, news=news)


async def change(
    session: Session,
    keyword: Keywords,
    wanted: KeywordClaim,
    *,
    now: datetime,
    table: RoutingTable | None = None,
    by: Actor = SYSTEM,
) -> Claimed:
    """A new revision of a locked keyword, judged as a claim of its words and window. Spellings that it gives up rest."""
    if keyword.state == RELEASED:
        raise KeywordReleased
    tenant_id, keyword_id = TenantId(keyword.tenant_id), KeywordId(keyword.id)
    number = await usable_number(session, NumberId(keyword.number_id), tenant_id, lock=True)
    if errors := [*check_expiry(wanted, now), *await check_references(session, tenant_id, wanted.actions)]:
        raise DefinitionNotAcceptable(errors=errors)
    tables = await _tables(session, wanted.number_id, table)
    choices = await check_choices(session, tenant_id, wanted, tables)
    spellings = spellings_of(wanted.word, wanted.aliases)
    held = {keyword.word, *keyword.definition.get("aliases", ())}
    if {wanted.word, *wanted.aliases} <= held and wanted.window == (keyword.active_from, keyword.active_until):
        # What an operator has allowed once is not asked again for each change of an action.
        wanted = replace(wanted, is_override=True, confirmed_moves=None)
    judgement = await _admit(session, number, tenant_id, wanted, spellings, keyword_id, now=now, tables=tables)
    kept = {spelling.key for spelling in spellings}
    own = await queries.list_keys_of(session, keyword_id)
    if needs_approval(number) and by.tenant_id is not None and not kept <= own:
        raise ApprovalNeeded
    if not kept <= own and not is_open_to(number, tenant_id):
        raise NumberNotAllowed
    # The senders of a spelling that is given up still use it, so it rests like the word of a released keyword.
    if dropped := own - kept:
        await retire(session, keyword, dropped, now=now)
    await queries.delete_spellings(session, keyword_id, own & kept)
    if not await queries.insert_spellings(session, number.id, tenant_id, keyword_id, spellings, wanted.window):
        raise KeywordTaken
    keyword.word, keyword.definition = wanted.word, dict(wanted.definition)
    keyword.active_from, keyword.active_until = wanted.active_from, wanted.active_until
    if keyword.expires_at != wanted.expires_at:  # what its tenant was notified of holds no more
        keyword.expires_at, keyword.releases_at = wanted.expires_at, None
    keyword.choice_keys = choice_keys(wanted.actions)
    keyword.revision += 1
    keyword.updated_at = now
    await session.flush()
    await queries.insert_revision(session, keyword_id, tenant_id, keyword.revision, keyword.definition, now=now)
    said = {"word": wanted.word, "revision": keyword.revision, "verdict": judgement.code}
    await audit.record(session, "keyword.changed", keyword_id, by=by, now=now, tenant_id=tenant_id, details=said)
    await changes.record(session, "keyword", keyword_id)
    added = [spelling for spelling in spellings if spelling.key not in own]
    news = await _news(session, wanted.number_id, tenant_id, keyword_id, added, tables)
    return Claimed(keyword=keyword, judgement=judgement, choices=choices, news=news)


async def set_state(
    session: Session, keyword: Keywords, state: str, *, now: datetime, by: Actor = SYSTEM, note: str | None = None
) -> Keywords:
    """Bring a locked keyword to a state; nothing happens if it is there already. Raises when the step is not allowed."""
    if keyword.state == state:
        return keyword
    check_step(keyword.state, state)
    said = {"from": keyword.state, **({"note": note} if note else {})}
    action = action_of(keyword.state, state)
    if (keyword.state, state) == (REQUESTED, RELEASED):
        await queries.delete_spellings(session, keyword.id, await queries.list_keys_of(session, keyword.id))
    elif state == RELEASED:
        await queries.rest_spellings(session, keyword.id)
    keyword.state = state
    keyword.updated_at = now
    await session.flush()
    await audit.record(session, action, keyword.id, by=by, now=now, tenant_id=keyword.tenant_id, details=said)
    await changes.record(session, "keyword", keyword.id)
    return keyword


async def preview(
    session: Session,
    tenant_id: TenantId,
    wanted: KeywordClaim,
    *,
    now: datetime,
    table: RoutingTable | None = None,
) -> tuple[Judgement, RouterError | None]:
    """What a claim would be answered, without making it: the judgement, and the error if it would fail."""
    number = await usable_number(session, wanted.number_id, tenant_id)
    spellings = spellings_of(wanted.word, wanted.aliases)
    tables = await _tables(session, wanted.number_id, table)
    asked = as_asked(tenant_id, wanted, None)
    judgement = judge_beside(tables, asked)
    holders = await queries.list_holders(session, number.id, [spelling.key for spelling in spellings])
    quarantine = resting_time(number)
    problem = holder_problem(
        holders,
        tenant_id,
        keyword_id=None,
        window=wanted.window,
        quarantine=quarantine,
        now=now,
        own_keys=judgement.own_keys,
    )
    problem = problem or judgement_problem(judgement)
    problem = problem and _naming_alternatives(problem, tables, asked)
    return judgement, problem or await claims_problem_of(session, number, tenant_id)


async def claims_problem_of(session: Session, number: Numbers, tenant_id: TenantId) -> RouterError | None:
    """Why a tenant cannot hold one more keyword on a number, whatever its word is. Exact on a locked number: claims wait."""
    if is_open_to(number, tenant_id) and keyword_limit(number.options, tenant_id) is None:
        return None  # nothing has to be counted
    return claims_problem((await list_claims(session, [number], tenant_id))[number.id])


async def get_keyword(
    session: Session, keyword_id: KeywordId, tenant_id: TenantId | None, *, for_update: bool = False
) -> Keywords:
    """A tenant's keyword, or any one without a tenant; raises ``KeywordNotFound``."""
    keyword = await queries.find_keyword(session, keyword_id, tenant_id=tenant_id, for_update=for_update)
    if keyword is None:
        raise KeywordNotFound
    return keyword


async def usable_number(session: Session, number_id: NumberId, tenant_id: TenantId, *, lock: bool = False) -> Numbers:
    """A number that the tenant may hold keywords on; raises an error that says why it may not."""
    number = await find_number(session, number_id, usable_by=tenant_id, lock=lock)
    if number is None:
        raise await explain_absence(session, number_id, tenant_id) or NumberNotFound()
    return number


async def _admit(
    session: Session,
    number: Numbers,
    tenant_id: TenantId,
    wanted: KeywordClaim,
    spellings: Sequence[Spelling],
    keyword_id: KeywordId,
    *,
    now: datetime,
    tables: Sequence[RoutingTable],
) -> Judgement:
    """Let the claim in or raise; keys of released keywords that it takes over are free afterwards."""
    await _check_match(session, number, wanted, keyword_id)
    asked = as_asked(tenant_id, wanted, keyword_id)
    judgement = judge_beside(tables, asked)
    own_keys = judgement.own_keys
    holders = await queries.list_holders(session, number.id, [spelling.key for spelling in spellings])
    quarantine = resting_time(number)
    problem = holder_problem(
        holders,
        tenant_id,
        keyword_id=keyword_id,
        window=wanted.window,
        quarantine=quarantine,
        now=now,
        own_keys=own_keys,
    )
    problem = problem or judgement_problem(judgement, confirmed_moves=wanted.confirmed_moves)
    if problem is not None:
        raise _naming_alternatives(problem, tables, asked)
    overtaken = [
        each for each in holders if is_overtaken(each, tenant_id, quarantine=quarantine, now=now, own_keys=own_keys)
    ]
    await free_spellings(session, overtaken)
    return judgement


async def _check_match(session: Session, number: Numbers, wanted: KeywordClaim, keyword_id: KeywordId) -> None:
    """Raises for a match mode that the number, or another keyword that takes any text, does not allow."""
    if wanted.match is MatchMode.START:
        return
    if number.sharing == Sharing.SHARED:
        raise MatchNotAllowed(errors=[FieldError(pointer="/match", detail=MatchNotAllowed().detail)])
    if wanted.match is MatchMode.ANY_WORD:
        for other in await queries.list_any_word(session, number.id, but=keyword_id):
            if not are_apart(wanted.window, (other.active_from, other.active_until)):
                raise AnyWordTaken(extra={"keyword_id": str(other.id), "word": other.word})


def as_asked(tenant_id: TenantId, wanted: KeywordClaim, keyword_id: KeywordId | None) -> Claim:
    """A claim, or a change of ``keyword_id``, as routing judges it."""
    return Claim(
        number_id=wanted.number_id,
        tenant_id=tenant_id,
        spellings=(wanted.word, *wanted.aliases),
        is_override=wanted.is_override,
        keyword_id=keyword_id,
        active_from=wanted.active_from,
        active_until=wanted.active_until,
        is_beside_holders=True,
        sub_keywords=tuple(
            text for sub in wanted.definition.get("sub_keywords", ()) for text in (sub["word"], *sub.get("aliases", ()))
        ),
    )


def judge_beside(tables: Sequence[RoutingTable], asked: Claim, *, has_catches: bool = True) -> Judgement:
    """The gravest verdict beside the keywords of several tables, and which word it is about."""
    judgement = judge([judge_claim(each, asked, has_catches=has_catches) for each in tables])
    is_refused = judgement.kind is VerdictKind.REFUSE
    return replace(judgement, pointer=_place(tables, asked, judgement.code)) if is_refused else judgement


async def _tables(session: Session, number_id: NumberId, table: RoutingTable | None) -> Sequence[RoutingTable]:
    """What a claim is judged against: the process's table, and keywords of the number that changed after it was loaded."""
    known = table if table is not None and table.number(number_id) is not None else None
    version = None if known is None else known.version
    numbers = [each.rules for each in await list_routed_numbers(session, [number_id])]
    fresh = RoutingTable.build(
        numbers,
        await queries.list_rules_of_number(session, number_id, newer_than=version),
        barred_words=NO_BARRED_WORDS if table is None else table.barred_words,
    )
    return [fresh] if known is None else [known, fresh]


async def _news(
    session: Session,
    number_id: NumberId,
    tenant_id: TenantId,
    keyword_id: KeywordId,
    spellings: Sequence[Spelling],
    tables: Sequence[RoutingTable],
) -> News:
    """What the tenants whose questions offer these spellings hear."""
    texts = tuple(spelling.text for spelling in spellings)
    rules = KeywordRules(keyword_id=keyword_id, tenant_id=tenant_id, number_id=number_id, spellings=texts)
    return News(events=tuple(await list_taken(session, rules, tables[-1])))


def _place(tables: Sequence[RoutingTable], asked: Claim, code: str) -> str:
    """Which of a refused claim's words would be refused for the same reason if it were the only one."""
    for place, spelling in enumerate(asked.spellings):
        alone = replace(asked, spellings=(spelling,))
        if any(judge_claim(table, alone).code == code for table in tables):
            return f"/aliases/{place - 1}" if place else "/word"
    return "/word"


def _naming_alternatives(problem: RouterError, tables: Sequence[RoutingTable], asked: Claim) -> RouterError:
    """A refusal of a word that also names some near it that are free."""
    if not isinstance(problem, KeywordExists | OverrideUnconfirmed):
        problem.extra["alternatives"] = list(alternatives(tables, replace(asked, is_beside_holders=False)))
    return problem


def needs_approval(number: Numbers) -> bool:
    """Whether a tenant's claim on the number waits for an operator."""
    return number.options.get("needs_approval") is True
