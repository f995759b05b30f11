"""``/v1/route-diffs``: the last days' messages under a draft of the keywords, by the function that routes live traffic.

Nothing is stored. Messages are read in pages and compared outside the event loop, newest first, up to a bound.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from twoway_router.contexts.rules import StoredContext
from twoway_router.contexts.service import list_past
from twoway_router.domain.errors import FieldError, Forbidden, NotFound, Unprocessable
from twoway_router.domain.ids import KeywordId, NumberId, TenantId, new_id
from twoway_router.inbound.service import RoutedText, list_routed_texts
from twoway_router.keywords.rules import KeywordNotFound, show_collision
from twoway_router.keywords.schemas import CollisionOut
from twoway_router.keywords.service import list_rules_of_number
from twoway_router.management.diff_schemas import ChangeOut, DiffIn, DiffOut, DraftKeyword, DraftVerdict, SideOut
from twoway_router.management.previews import show
from twoway_router.numbers.service import find_number, list_routed_numbers
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import KeywordRules, NumberRules, RouteOutcome, RouteRequest
from twoway_router.rulesets.diff import RouteChange, diff_routes, drafted
from twoway_router.store import Session
from twoway_router.web.auth import CurrentPrincipal
from twoway_router.web.context import DbSession, Now
from twoway_router.web.route import api_router

router = api_router("/route-diffs", resource="routes", tag="Routes", always="read")

MOST_MESSAGES: Final = 50_000
PAGE: Final = 1_000


class DraftTenantNeeded(Unprocessable):
    """An operator must say whose a new keyword of the draft would be."""

    code = "draft_tenant_needed"


class DraftTenantForeign(Forbidden):
    """A tenant drafts keywords for itself only."""

    code = "draft_tenant_foreign"


class _Sides(NamedTuple):
    """The tables of now and of the draft, and the verdicts on the draft's words."""

    before: RoutingTable
    after: RoutingTable
    verdicts: list[DraftVerdict]


@router.post("")
async def diff_routes_of_draft(body: DiffIn, caller: CurrentPrincipal, session: DbSession, now: Now) -> DiffOut:
    """Compare a draft with the rules of now on the messages of the last days. Tenants: on their own messages."""
    number_id, viewer = NumberId(body.number_id), caller.tenant_id
    if await find_number(session, number_id, usable_by=viewer) is None:
        raise NotFound
    (number,) = [each.rules for each in await list_routed_numbers(session, [number_id])]
    current = await list_rules_of_number(session, number_id)
    held = {keyword.keyword_id: keyword for keyword in current}
    removed = frozenset(_held(held.get(KeywordId(each)), viewer).keyword_id for each in body.remove)
    sides = await asyncio.to_thread(_build, number, current, _put(body, held, viewer), removed)
    found: list[RouteChange[RoutedText]] = []
    examined = in_conversation = 0
    within = viewer or (TenantId(body.tenant_id) if body.tenant_id else None)
    async for page in _pages(session, number_id, within, since_days=body.days, now=now):
        contexts = await list_past(session, [row.id for row in page])
        compared = [row for row in page if row.route != RouteOutcome.CONTEXT or row.id in contexts]
        examined, in_conversation = examined + len(compared), in_conversation + len(page) - len(compared)
        found += await asyncio.to_thread(_compare, sides, number_id, compared, contexts)
    return DiffOut(
        verdicts=sides.verdicts,
        examined=examined,
        in_conversation=in_conversation,
        changed=len(found),
        is_complete=examined + in_conversation < MOST_MESSAGES,
        changes=[_change(each, number_id, viewer) for each in found[: body.limit]],
    )


def _put(
    body: DiffIn, held: Mapping[KeywordId, KeywordRules], viewer: TenantId | None
) -> dict[KeywordId, KeywordRules]:
    found: dict[KeywordId, KeywordRules] = {}
    for place, draft in enumerate(body.put):
        if draft.keyword_id is None:
            keyword_id, tenant_id = KeywordId(new_id()), _tenant(draft, place, viewer)
        else:
            keyword_id = KeywordId(draft.keyword_id)
            tenant_id = _held(held.get(keyword_id), viewer).tenant_id
        found[keyword_id] = draft.to_rules(keyword_id, tenant_id, NumberId(body.number_id))
    return found


def _tenant(draft: DraftKeyword, place: int, viewer: TenantId | None) -> TenantId:
    if viewer is not None:
        if draft.tenant_id not in (None, viewer):
            raise DraftTenantForeign
        return viewer
    if draft.tenant_id is None:
        raise DraftTenantNeeded(errors=[FieldError(pointer=f"/put/{place}/tenant_id", detail="Whose would it be?")])
    return TenantId(draft.tenant_id)


def _held(keyword: KeywordRules | None, viewer: TenantId | None) -> KeywordRules:
    if keyword is None or viewer not in (None, keyword.tenant_id):
        raise KeywordNotFound
    return keyword


def _build(
    number: NumberRules,
    current: Sequence[KeywordRules],
    put: dict[KeywordId, KeywordRules],
    removed: frozenset[KeywordId],
) -> _Sides:
    before = RoutingTable.build([number], current)
    verdicts: list[DraftVerdict] = []
    compared: dict[KeywordId, KeywordRules] = {}
    for keyword_id, keyword in put.items():
        claim = Claim(
            number_id=number.number_id,
            tenant_id=keyword.tenant_id,
            spellings=keyword.spellings,
            keyword_id=keyword_id,
            active_from=keyword.active_from,
            active_until=keyword.active_until,
        )
        verdict = judge_claim(before, claim)
        is_compared = verdict.kind is not VerdictKind.REFUSE
        if is_compared:
            compared[keyword_id] = keyword
        verdicts.append(
            DraftVerdict(
                word=keyword.spellings[0],
                verdict=verdict.kind,
                code=verdict.code,
                detail=verdict.detail,
                is_compared=is_compared,
                collisions=[CollisionOut.model_validate(show_collision(each)) for each in verdict.collisions],
            )
        )
    return _Sides(before, RoutingTable.build([number], drafted(current, compared, removed)), verdicts)


async def _pages(
    session: Session, number_id: NumberId, within: TenantId | None, *, since_days: int, now: Now
) -> AsyncIterator[Sequence[RoutedText]]:
    after: UUID | None = None
    for _ in range(MOST_MESSAGES // PAGE):
        page = await list_routed_texts(
            session, number_id, within=within, since=now - timedelta(days=since_days), after=after, limit=PAGE
        )
        if page:
            yield page
        if len(page) < PAGE:
            return
        after = page[-1].id


def _compare(
    sides: _Sides, number_id: NumberId, rows: Sequence[RoutedText], contexts: Mapping[UUID, Sequence[StoredContext]]
) -> list[RouteChange[RoutedText]]:
    """Both sides with the contexts that were open when a message came in."""
    requests = (
        (
            row,
            RouteRequest(
                number_id=number_id,
                sender=row.sender,
                text=row.text,
                at=row.received_at,
                contexts=tuple(each.as_context(row.received_at) for each in contexts.get(row.id, ())),
            ),
        )
        for row in rows
    )
    return list(diff_routes(sides.before, sides.after, requests))


def _change(change: RouteChange[RoutedText], number_id: NumberId, viewer: TenantId | None) -> ChangeOut:
    return ChangeOut(
        inbound_message_id=change.name.id,
        received_at=change.name.received_at,
        text=change.name.text,
        before=SideOut.of(show(change.before, number_id, viewer)),
        after=SideOut.of(show(change.after, number_id, viewer)),
    )
