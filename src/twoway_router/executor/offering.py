"""What the number itself asks when it does not know who is meant, and who still gets a place. Called by ``planning``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from twoway_router.actions.context import RunMessage
from twoway_router.actions.offers import Choice, Suggestion, plan_choose, plan_did_you_mean
from twoway_router.actions.plans import PlannedAction, plan_notice
from twoway_router.domain.ids import TenantId
from twoway_router.executor.queries import KeywordRow, TenantRow, list_keywords, take_places
from twoway_router.messages.queries.runs import WaitingMessage
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimant:
    """A message of a keyword with a limit."""

    message_id: UUID
    keyword_id: UUID
    limit: int


def asked_tenants(waiting: Sequence[WaitingMessage]) -> set[UUID]:
    """The tenants between which senders are to choose."""
    return {UUID(choice["tenant_id"]) for each in waiting for choice in _asks(each)}


async def list_suggested(session: Session, waiting: Sequence[WaitingMessage]) -> Mapping[UUID, KeywordRow]:
    """The keywords that misspelt messages may mean, if they are still active."""
    wanted = {UUID(str(found)) for each in waiting if (found := each.details.get("suggestion"))}
    return {row.id: row for row in await list_keywords(session, wanted) if row.is_active} if wanted else {}


def plan_number(
    waiting: WaitingMessage,
    message: RunMessage,
    tenants: Mapping[UUID, TenantRow],
    suggested: Mapping[UUID, KeywordRow],
) -> Sequence[PlannedAction]:
    """What the number answers or asks itself."""
    choices = [
        Choice(tenant_id=TenantId(tenant.id), name=tenant.name, context_id=UUID(choice["context_id"]))
        for choice in _asks(waiting)
        if (tenant := tenants.get(UUID(choice["tenant_id"]))) and tenant.is_active
    ]
    if choices:
        return plan_choose(message, choices)
    keyword = suggested.get(UUID(str(waiting.details["suggestion"]))) if waiting.details.get("suggestion") else None
    if waiting.route == "default" and keyword is not None and message.number.owner is None:
        suggestion = Suggestion(
            tenant_id=TenantId(keyword.tenant_id), keyword_id=keyword.id, revision=keyword.revision, word=keyword.word
        )
        return plan_did_you_mean(message, suggestion)
    return plan_notice(message)


async def find_sold_out(session: Session, claimants: Sequence[Claimant]) -> set[UUID]:
    """Those for whom no place is left, in the order of the messages; everybody else has got one."""
    by_keyword: dict[UUID, list[Claimant]] = {}
    for each in claimants:
        by_keyword.setdefault(each.keyword_id, []).append(each)
    if not by_keyword:
        return set()
    wanted = {keyword_id: (len(group), group[0].limit) for keyword_id, group in by_keyword.items()}
    granted = await take_places(session, wanted)
    return {each.message_id for keyword_id, group in by_keyword.items() for each in group[granted[keyword_id] :]}


def _asks(waiting: WaitingMessage) -> Sequence[Mapping[str, Any]]:
    return waiting.details.get("asks", ()) if waiting.route == "none" else ()
