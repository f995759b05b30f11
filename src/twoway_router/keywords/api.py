"""``/v1/keywords``: claim, look, change, suspend, release, and ask whether a word can be had.

A tenant acts for itself. An operator sees every tenant's keywords and names the tenant that a claim is for.
"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Response

from twoway_router.actions.checks import check_facilities
from twoway_router.actions.kind import MAIL
from twoway_router.domain.errors import FieldError, Forbidden, Unprocessable
from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.keywords import administration, queries, service, states
from twoway_router.keywords.checks import check_definition
from twoway_router.keywords.rules import DefinitionNotAcceptable, KeywordClaim
from twoway_router.keywords.schemas import (
    Availability,
    HistoryOut,
    KeywordClaimed,
    KeywordIn,
    KeywordOut,
    KeywordPut,
)
from twoway_router.keywords.tables import Keywords
from twoway_router.store import Session, audit
from twoway_router.tenants.service import get_tenant
from twoway_router.web.auth import CurrentPrincipal, Principal, actor_of
from twoway_router.web.context import Context, CurrentTable, DbSession, Now
from twoway_router.web.etags import IfMatch, tagged
from twoway_router.web.paging import Page, Pages
from twoway_router.web.problems import may_answer
from twoway_router.web.route import api_router
from twoway_router.web.schemas import Moment

router = api_router("/keywords", resource="keywords", tag="Keywords")

KeywordState = Literal["requested", "approved", "active", "suspended", "released"]


class TenantNeeded(Unprocessable):
    """An operator must say which tenant this is for."""

    code = "tenant_needed"


class OverrideIsOperators(Forbidden):
    """Only an operator may override what is refused, or act for another tenant."""

    code = "override_is_operators"


@router.post("", status_code=201)
async def claim_keyword(
    body: KeywordIn,
    principal: CurrentPrincipal,
    session: DbSession,
    now: Now,
    table: CurrentTable,
    context: Context,
    response: Response,
) -> KeywordClaimed:
    """Claim a keyword with its aliases, sub-keywords, activity window and actions."""
    tenant_id = await _tenant(session, principal, body.tenant_id, is_override=body.is_override)
    _check(body, can_mail=context.is_mail_possible)
    wanted = body.to_claim(NumberId(body.number_id), is_override=body.is_override)
    claimed = await service.claim(session, tenant_id, wanted, now=now, table=table, by=actor_of(principal))
    await context.tell(session, claimed.news, now)
    response.headers["Location"] = f"/v1/keywords/{claimed.keyword.id}"
    shown = KeywordClaimed.claimed(claimed.keyword, claimed.judgement, claimed.choices)
    return tagged(response, _version(claimed.keyword), shown)


@router.get("")
async def list_keywords(
    principal: CurrentPrincipal,
    session: DbSession,
    pages: Pages,
    number_id: UUID | None = None,
    state: Annotated[KeywordState | None, Query(description="Without it, all but the released.")] = None,
    tenant_id: Annotated[UUID | None, Query(description="Operators only.")] = None,
) -> Page[KeywordOut]:
    """List your keywords, newest first; an operator sees everybody's."""
    owner = principal.tenant_id or tenant_id
    rows = await queries.list_keywords(
        session, tenant_id=owner, number_id=number_id, state=state, after=pages.after, limit=pages.fetch
    )
    return pages.page(rows, KeywordOut.of)


@router.get("/availability", responses=may_answer(404))
async def get_keyword_availability(
    number_id: UUID,
    word: Annotated[str, Query(min_length=1, max_length=64, examples=["PIZZA"])],
    principal: CurrentPrincipal,
    session: DbSession,
    now: Now,
    table: CurrentTable,
    tenant_id: Annotated[UUID | None, Query(description="Operators only: for whom.")] = None,
    active_from: Moment | None = None,
    active_until: Moment | None = None,
) -> Availability:
    """Ask whether you could claim a word: the verdict, what it would collide with, and what it would catch."""
    tenant = await _tenant(session, principal, tenant_id)
    wanted = KeywordClaim(
        number_id=NumberId(number_id),
        word=word,
        aliases=(),
        definition={},
        active_from=active_from,
        active_until=active_until,
    )
    judgement, problem = await service.preview(session, tenant, wanted, now=now, table=table)
    return Availability.of(word, judgement, problem)


@router.get("/{keyword_id}")
async def get_keyword(
    keyword_id: UUID, principal: CurrentPrincipal, session: DbSession, response: Response
) -> KeywordOut:
    """Read a keyword."""
    keyword = await service.get_keyword(session, KeywordId(keyword_id), principal.tenant_id)
    return tagged(response, _version(keyword), KeywordOut.of(keyword))


@router.put("/{keyword_id}")
async def change_keyword(
    keyword_id: UUID,
    body: KeywordPut,
    principal: CurrentPrincipal,
    session: DbSession,
    now: Now,
    table: CurrentTable,
    context: Context,
    expected: IfMatch,
    response: Response,
) -> KeywordClaimed:
    """Give a keyword a new definition. Messages already accepted run the one they matched."""
    keyword = await service.get_keyword(session, KeywordId(keyword_id), principal.tenant_id, for_update=True)
    expected.check(_version(keyword))
    administration.check_held(keyword, actor_of(principal))
    _check(body, can_mail=context.is_mail_possible)
    wanted = body.to_claim(NumberId(keyword.number_id), is_override=principal.tenant_id is None)
    changed = await service.change(session, keyword, wanted, now=now, table=table, by=actor_of(principal))
    await context.tell(session, changed.news, now)
    shown = KeywordClaimed.claimed(changed.keyword, changed.judgement, changed.choices)
    return tagged(response, _version(changed.keyword), shown)


@router.delete("/{keyword_id}", status_code=204)
async def release_keyword(
    keyword_id: UUID, principal: CurrentPrincipal, session: DbSession, now: Now, expected: IfMatch
) -> None:
    """Give a keyword back. It rests before another tenant may have it; you may claim it again at any time."""
    keyword = await service.get_keyword(session, KeywordId(keyword_id), principal.tenant_id, for_update=True)
    expected.check(_version(keyword))
    administration.check_held(keyword, actor_of(principal))
    await service.set_state(session, keyword, states.RELEASED, now=now, by=actor_of(principal))


@router.post("/{keyword_id}/suspension")
async def suspend_keyword(keyword_id: UUID, principal: CurrentPrincipal, session: DbSession, now: Now) -> KeywordOut:
    """Suspend a keyword: it stays yours, but its actions do not run."""
    keyword = await service.get_keyword(session, KeywordId(keyword_id), principal.tenant_id, for_update=True)
    return KeywordOut.of(await administration.suspend(session, keyword, by=actor_of(principal), now=now))


@router.delete("/{keyword_id}/suspension")
async def resume_keyword(keyword_id: UUID, principal: CurrentPrincipal, session: DbSession, now: Now) -> KeywordOut:
    """Let a suspended keyword run again. What an operator has suspended only an operator resumes."""
    keyword = await service.get_keyword(session, KeywordId(keyword_id), principal.tenant_id, for_update=True)
    return KeywordOut.of(await administration.activate(session, keyword, by=actor_of(principal), now=now))


@router.post("/{keyword_id}/activation")
async def activate_keyword(keyword_id: UUID, principal: CurrentPrincipal, session: DbSession, now: Now) -> KeywordOut:
    """Put an approved keyword into service."""
    keyword = await service.get_keyword(session, KeywordId(keyword_id), principal.tenant_id, for_update=True)
    return KeywordOut.of(await administration.activate(session, keyword, by=actor_of(principal), now=now))


@router.get("/{keyword_id}/history")
async def list_keyword_history(
    keyword_id: UUID, principal: CurrentPrincipal, session: DbSession, pages: Pages
) -> Page[HistoryOut]:
    """List what was done to a keyword, by whom and when; newest first."""
    keyword = await service.get_keyword(session, KeywordId(keyword_id), principal.tenant_id)
    rows = await audit.list_entries(session, keyword.id, after=pages.after, limit=pages.fetch)
    return pages.page(rows, lambda row: HistoryOut.of(row, principal.tenant_id))


async def _tenant(session: Session, principal: Principal, named: UUID | None, *, is_override: bool = False) -> TenantId:
    """For whom the caller acts: a tenant for itself only, an operator for the tenant it names."""
    if principal.tenant_id is not None:
        if is_override or named not in (None, principal.tenant_id):
            raise OverrideIsOperators
        return principal.tenant_id
    if named is None:
        raise TenantNeeded(errors=[FieldError(pointer="/tenant_id", detail="Which tenant is it for?")])
    return TenantId((await get_tenant(session, named)).id)


def _check(definition: KeywordPut, *, can_mail: bool) -> None:
    if errors := check_definition(definition):
        raise DefinitionNotAcceptable(errors=errors)
    check_facilities(definition.placed_actions(), {MAIL} if can_mail else ())


def _version(keyword: Keywords) -> int:
    """What the ETag is made of: a change of state counts, too."""
    return int(keyword.updated_at.timestamp() * 1_000_000)
