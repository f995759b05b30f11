"""``/v1/rule-versions``: changes of many keywords, all or none, and the versions that they come to.

A tenant changes its own keywords. An operator changes every tenant's, and has versions of its own.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated
from uuid import UUID

from fastapi import Query

from twoway_router.actions.checks import check_facilities
from twoway_router.actions.kind import MAIL
from twoway_router.domain.errors import FieldError, RouterError
from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.keywords.api import OverrideIsOperators, TenantNeeded
from twoway_router.keywords.bulk import Alteration, Creation, Release, Step
from twoway_router.keywords.checks import check_definition
from twoway_router.keywords.rules import DefinitionNotAcceptable, show_collision
from twoway_router.keywords.schemas import CollisionOut
from twoway_router.keywords.service import list_by_ids, list_revisions
from twoway_router.routing.claims import VerdictKind
from twoway_router.rulesets import queries, service
from twoway_router.rulesets.rules import Extent, Origin, VersionNotFound
from twoway_router.rulesets.schemas import (
    ChangesIn,
    ChangeStep,
    CreateStep,
    JudgementOut,
    RefusalOut,
    ReleaseStep,
    VersionKeywordOut,
    VersionOut,
    WarningOut,
)
from twoway_router.rulesets.service import ChangeSet
from twoway_router.web.auth import CurrentPrincipal, Principal, actor_of
from twoway_router.web.context import Context, CurrentTable, DbSession, Now
from twoway_router.web.paging import Page, Pages
from twoway_router.web.route import api_router

router = api_router("/rule-versions", resource="keywords", tag="Rules")
previews = api_router("/rule-previews", resource="keywords", tag="Rules", always="read")


@previews.post("")
async def preview_rules(
    body: ChangesIn, principal: CurrentPrincipal, session: DbSession, now: Now, table: CurrentTable, context: Context
) -> JudgementOut:
    """Ask what a set of changes would be answered. Nothing is stored."""
    wanted = _change_set(body, principal, can_mail=context.is_mail_possible)
    judged = await service.judge(session, wanted, by=actor_of(principal), now=now, barred_words=table.barred_words)
    warnings = [
        WarningOut(
            step=place,
            word=service.word_of(wanted.steps[place]),
            code=each.code,
            detail=each.detail,
            collisions=[CollisionOut.model_validate(show_collision(one)) for one in each.collisions],
        )
        for place, each in sorted(judged.judgements.items())
        if each.kind is VerdictKind.WARN
    ]
    refusals = [RefusalOut.model_validate(each) for each in service.refusals_of(wanted.steps, judged)]
    return JudgementOut(refusals=refusals, warnings=warnings)


@router.post("", status_code=201)
async def apply_rules(
    body: ChangesIn, principal: CurrentPrincipal, session: DbSession, now: Now, table: CurrentTable, context: Context
) -> VersionOut:
    """Make all changes, or none: then `refusals` of the problem `rules_refused` lists every change that is refused."""
    wanted = _change_set(body, principal, can_mail=context.is_mail_possible)
    by = actor_of(principal)
    version, news = await service.apply(session, wanted, by=by, now=now, barred_words=table.barred_words)
    await context.tell(session, news, now)
    return VersionOut.model_validate(version)


@router.get("")
async def list_rule_versions(
    principal: CurrentPrincipal,
    session: DbSession,
    pages: Pages,
    version: Annotated[int | None, Query(ge=1, description="Only this one.")] = None,
    tenant_id: Annotated[UUID | None, Query(description="For operators: this tenant's, not their own.")] = None,
) -> Page[VersionOut]:
    """List versions, newest first."""
    owner = principal.tenant_id or tenant_id
    rows = await queries.list_versions(session, owner, version=version, after=pages.after, limit=pages.fetch)
    return pages.page(rows, VersionOut.model_validate)


@router.get("/{version_id}/keywords")
async def list_keywords_of_version(
    version_id: UUID, principal: CurrentPrincipal, session: DbSession, pages: Pages
) -> Page[VersionKeywordOut]:
    """List the keywords of a version as they were then."""
    version = await queries.find_version(session, version_id, tenant_id=principal.tenant_id)
    if version is None:
        raise VersionNotFound
    held = zip(version.keyword_ids, version.revisions, version.states, strict=True)
    after = pages.after
    then = {each[0]: each for each in islice((each for each in held if after is None or each[0] > after), pages.fetch)}
    rows = await list_by_ids(session, then, tenant_id=principal.tenant_id)
    revisions = await list_revisions(session, [(keyword_id, revision) for keyword_id, revision, _ in then.values()])
    keywords = [
        VersionKeywordOut(
            **revisions[row.id, then[row.id][1]],
            id=row.id,
            tenant_id=row.tenant_id,
            number_id=row.number_id,
            revision=then[row.id][1],
            state=then[row.id][2],
        )
        for row in rows
    ]
    return pages.page(keywords, lambda keyword: keyword)


def _change_set(body: ChangesIn, principal: Principal, *, can_mail: bool) -> ChangeSet:
    """The steps, with what is wrong with each by itself, and what the version will be about."""
    steps: list[Step] = []
    problems: dict[int, RouterError] = {}
    for place, given in enumerate(body.steps):
        try:
            _check(given, principal, can_mail=can_mail)
        except RouterError as problem:
            problems[place] = problem
        steps.append(_step(given, principal))
    numbers = {*body.number_ids, *(step.number_id for step in body.steps if not isinstance(step, ReleaseStep))}
    claimants = {step.tenant_id for step in steps if isinstance(step, Creation)}
    tenants: Sequence[UUID] = sorted({*body.tenant_ids, *claimants})
    return ChangeSet(
        steps=steps,
        problems=problems,
        extent=Extent(
            number_ids=tuple(sorted(numbers)),
            tenant_ids=tuple(tenants) if principal.tenant_id is None else (principal.tenant_id,),
        ),
        origin=Origin(source_digest=body.source_digest, restores=body.restores),
    )


def _check(given: CreateStep | ChangeStep | ReleaseStep, principal: Principal, *, can_mail: bool) -> None:
    """Raises what the change by itself would be refused for before any keyword is looked at."""
    if isinstance(given, ReleaseStep):
        return
    if principal.tenant_id is not None:
        is_foreign = isinstance(given, CreateStep) and given.tenant_id not in (None, principal.tenant_id)
        if given.is_override or is_foreign:
            raise OverrideIsOperators
    elif isinstance(given, CreateStep) and given.tenant_id is None:
        raise TenantNeeded(errors=[FieldError(pointer="/tenant_id", detail="Which tenant is it for?")])
    if given.definition is None:
        return
    if errors := check_definition(given.definition):
        raise DefinitionNotAcceptable(errors=errors)
    check_facilities(given.definition.placed_actions(), {MAIL} if can_mail else ())


def _step(given: CreateStep | ChangeStep | ReleaseStep, principal: Principal) -> Step:
    match given:
        case CreateStep():
            owner = principal.tenant_id or given.tenant_id or UUID(int=0)  # refused by ``_check`` without one
            return Creation(
                tenant_id=TenantId(owner),
                wanted=given.definition.to_claim(NumberId(given.number_id), is_override=given.is_override),
                is_suspended=given.state == "suspended",
            )
        case ChangeStep(definition=definition):
            number_id = NumberId(given.number_id)
            return Alteration(
                keyword_id=KeywordId(given.keyword_id),
                seen_at=given.updated_at,
                wanted=None if definition is None else definition.to_claim(number_id, is_override=given.is_override),
                state=given.state,
            )
        case ReleaseStep():
            return Release(keyword_id=KeywordId(given.keyword_id), seen_at=given.updated_at)
