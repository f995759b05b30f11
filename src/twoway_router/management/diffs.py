"""``/v1/route-diffs``: the last days' messages under a draft of the keywords, by the function that routes live traffic.

Nothing is stored. Messages are read in pages and compared outside the event loop, newest first, up to a bound.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from twoway_router.contexts.rules import StoredContext
from twoway_router.contexts.service import list_past
from twoway_router.domain.errors import FieldError, Forbidden, NotFound, RouterError, Unprocessable
from twoway_router.domain.ids import KeywordId, NumberId, TenantId, new_id
from twoway_router.inbound.service import RoutedText, list_routed_texts
from twoway_router.keywords.drafts import Draft
from twoway_router.keywords.resting import resting_time
from twoway_router.keywords.rules import KeywordClaim, KeywordNotFound, OperatorNeeded, show_collision
from twoway_router.keywords.schemas import CollisionOut
from twoway_router.keywords.service import list_by_ids, list_holders, list_rules_of_number
from twoway_router.management.diff_schemas import ChangeOut, DiffIn, DiffOut, DraftKeyword, DraftVerdict, SideOut
from twoway_router.management.previews import show
from twoway_router.numbers.service import find_number, list_routed_numbers
from twoway_router.routing.claims import VerdictKind
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.text import fold
from twoway_router.routing.types import ClaimState, Decision, KeywordRules, RouteOutcome, RouteRequest, WindowState
from twoway_router.rulesets.diff import RouteChange, diff_routes
from twoway_router.store import Session
from twoway_router.web.auth import CurrentPrincipal
from twoway_router.web.context import CurrentTable, DbSession, Now
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
    """The tables of now and of the draft, the verdicts on the draft's words, and which keywords rest from now on."""

    before: RoutingTable
    after: RoutingTable
    verdicts: list[DraftVerdict]
    resting: frozenset[KeywordId]


@router.post("")
async def diff_routes_of_draft(
    body: DiffIn, caller: CurrentPrincipal, session: DbSession, now: Now, table: CurrentTable
) -> DiffOut:
    """Compare a draft with the rules of now on the messages of the last days. Tenants: on their own messages.

    What the draft gives back rests, as it would: its messages are still its former holder's, and say so.
    """
    number_id, viewer = NumberId(body.number_id), caller.tenant_id
    row = await find_number(session, number_id, usable_by=viewer)
    if row is None:
        raise NotFound
    quarantine = resting_time(row)
    (number,) = [each.rules for each in await list_routed_numbers(session, [number_id])]
    current = await list_rules_of_number(session, number_id)
    held = {keyword.keyword_id: keyword for keyword in current}
    removed = frozenset(_held(held.get(KeywordId(each)), viewer).keyword_id for each in body.remove)
    put = _put(body, held, viewer)
    named = [held[keyword_id] for keyword_id in {*removed, *(put.keys() & held.keys())}]
    keys = {fold(text).key for rules in (*named, *(rules for _, rules in put.values())) for text in rules.spellings}
    holders = await list_holders(session, number_id, keys)
    after = Draft(number, current, holders, barred_words=table.barred_words, quarantine=quarantine, now=now)
    sides = await asyncio.to_thread(_build, RoutingTable.build([number], current), after, held, put, removed)
    found: list[RouteChange[RoutedText]] = []
    examined = in_conversation = 0
    within = viewer or (TenantId(body.tenant_id) if body.tenant_id else None)
    async for page in _pages(session, number_id, within, since_days=body.days, now=now):
        contexts = await list_past(session, [row.id for row in page])
        compared = [row for row in page if row.route != RouteOutcome.CONTEXT or row.id in contexts]
        examined, in_conversation = examined + len(compared), in_conversation + len(page) - len(compared)
        found += await asyncio.to_thread(_compare, sides, number_id, compared, contexts)
    shown = found[: body.limit]
    given_back = {
        each.keyword_id
        for change in shown
        for each in (change.before, change.after)
        if each.window is WindowState.RELEASED and each.keyword_id is not None
    }
    rows = await list_by_ids(session, given_back - sides.resting, tenant_id=None) if quarantine else ()
    rests = {KeywordId(each.id): each.updated_at + quarantine for each in rows}
    rests |= dict.fromkeys(sides.resting, now + quarantine) if quarantine else {}
    return DiffOut(
        verdicts=sides.verdicts,
        examined=examined,
        in_conversation=in_conversation,
        changed=len(found),
        is_complete=examined + in_conversation < MOST_MESSAGES,
        changes=[_change(each, number_id, viewer, sides, rests) for each in shown],
    )


def _put(
    body: DiffIn, held: Mapping[KeywordId, KeywordRules], viewer: TenantId | None
) -> dict[KeywordId, tuple[KeywordClaim, KeywordRules]]:
    found: dict[KeywordId, tuple[KeywordClaim, KeywordRules]] = {}
    number_id = NumberId(body.number_id)
    for place, draft in enumerate(body.put):
        if draft.keyword_id is None:
            keyword_id, tenant_id = KeywordId(new_id()), _tenant(draft, place, viewer)
        else:
            keyword_id = KeywordId(draft.keyword_id)
            tenant_id = _held(held.get(keyword_id), viewer).tenant_id
        rules = draft.to_rules(keyword_id, tenant_id, number_id)
        # A keyword that is suspended stays so.
        rules = replace(rules, state=held[keyword_id].state) if keyword_id in held else rules
        found[keyword_id] = draft.to_claim(number_id), rules
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
    before: RoutingTable,
    draft: Draft,
    held: Mapping[KeywordId, KeywordRules],
    put: Mapping[KeywordId, tuple[KeywordClaim, KeywordRules]],
    removed: frozenset[KeywordId],
) -> _Sides:
    """Give-ups first, as when rules are applied; then every word is judged as a claim, and let in unless it is refused."""
    retired: dict[KeywordId, KeywordId] = {}
    for keyword_id in removed:
        rules = held[keyword_id]
        keys = {fold(text).key for text in rules.spellings}
        draft.release(keyword_id, keys, is_to_rest=rules.state is not ClaimState.REQUESTED)
    for keyword_id in put.keys() & held.keys():
        dropped = {fold(text).key for text in held[keyword_id].spellings}
        dropped -= {fold(text).key for text in put[keyword_id][1].spellings}
        if dropped:
            retired[keyword_id] = KeywordId(new_id())
            draft.give_up(keyword_id, dropped, retired[keyword_id])
    verdicts: list[DraftVerdict] = []
    for keyword_id, (wanted, rules) in put.items():
        collisions: Any = ()
        try:
            judgement, _ = draft.admit(rules.tenant_id, wanted, rules)
        except RouterError as error:
            verdict, code, detail = VerdictKind.REFUSE, str(error.extra.get("reason", error.code)), error.detail
            collisions = error.extra.get("collisions", ())
            if isinstance(error, OperatorNeeded):
                verdict = VerdictKind.OVERRIDE_NEEDED
                allowed = replace(wanted, is_override=True, confirmed_moves=None)
                draft.admit(rules.tenant_id, allowed, rules)  # as if an operator allowed it
            elif keyword_id in retired:
                draft.leave_out(held[keyword_id], retired.pop(keyword_id))
        else:
            verdict, code, detail = judgement.kind, judgement.code, judgement.detail
            collisions = [show_collision(each) for each in judgement.collisions]
        verdicts.append(
            DraftVerdict(
                word=wanted.word,
                verdict=verdict,
                code=code,
                detail=detail,
                is_compared=verdict is not VerdictKind.REFUSE,
                collisions=[CollisionOut.model_validate(each) for each in collisions],
            )
        )
    return _Sides(before, draft.table, verdicts, removed | frozenset(retired.values()))


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


def _change(
    change: RouteChange[RoutedText],
    number_id: NumberId,
    viewer: TenantId | None,
    sides: _Sides,
    rests: Mapping[KeywordId, datetime],
) -> ChangeOut:
    def side(decision: Decision, table: RoutingTable) -> SideOut:
        keyword_id = decision.keyword_id
        keyword = None if keyword_id is None else table.keyword(keyword_id)
        rest = None if keyword_id is None else rests.get(keyword_id)
        return SideOut.of(show(decision, number_id, viewer), keyword, rest)

    return ChangeOut(
        inbound_message_id=change.name.id,
        received_at=change.name.received_at,
        text=change.name.text,
        before=side(change.before, sides.before),
        after=side(change.after, sides.after),
    )
