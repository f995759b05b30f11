"""Turns waiting messages into plans: loads what they need, one statement each, and asks ``actions.plans``. Called by ``runs``."""

from collections.abc import Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from twoway_router.actions.context import RunMessage, RunNumber
from twoway_router.actions.plans import PlannedAction, plan_keyword, plan_notice, plan_window
from twoway_router.actions.waves import Plan
from twoway_router.domain.ids import InboundMessageId, NumberId, TenantId
from twoway_router.executor.queries import NumberRow, TenantRow, list_numbers, list_tenants
from twoway_router.executor.revisions import Revision, RevisionBook
from twoway_router.keywords.schemas import KeywordDefinition
from twoway_router.messages.queries.runs import WaitingMessage, find_known, list_earlier
from twoway_router.routing.types import WindowState
from twoway_router.store import Session


async def plan_messages(session: Session, waiting: Sequence[WaitingMessage], revisions: RevisionBook) -> Sequence[Plan]:
    """One plan per message, in order."""
    numbers = {row.id: _number(row) for row in await list_numbers(session, {each.number_id for each in waiting})}
    owners = {each.tenant_id for each in waiting if each.tenant_id is not None}
    tenants = {row.id: row for row in await list_tenants(session, owners)} if owners else {}
    definitions = await revisions.load(session, {found for each in waiting if (found := _revision(each))})
    messages = [_message(each, numbers[each.number_id], tenants) for each in waiting]
    single = [each.id for each in waiting if each.only_ordinal is not None]
    earlier = await list_earlier(session, single) if single else {}
    steps = [_steps(each, message, tenants, definitions) for each, message in zip(waiting, messages, strict=True)]
    asking = [each for each, actions in zip(waiting, steps, strict=True) if any(step.condition for step in actions)]
    known = await find_known(session, asking) if asking else set()
    return [
        Plan(
            message=message,
            actions=actions,
            is_sender_known=message.id in known,
            only=each.only_ordinal,
            earlier=earlier.get(each.id, {}),
        )
        for each, message, actions in zip(waiting, messages, steps, strict=True)
    ]


def _steps(
    waiting: WaitingMessage,
    message: RunMessage,
    tenants: Mapping[UUID, TenantRow],
    definitions: Mapping[Revision, KeywordDefinition],
) -> Sequence[PlannedAction]:
    """A suspended tenant's keywords do nothing; what the number itself answers goes on."""
    if waiting.route != "keyword":
        return plan_notice(message)
    revision = _revision(waiting)
    if revision is None or waiting.tenant_id is None or not tenants[waiting.tenant_id].is_active:
        return ()
    window = WindowState(waiting.details.get("window", WindowState.OPEN))
    if window is not WindowState.OPEN:
        return plan_window(definitions[revision], window, message)
    return plan_keyword(definitions[revision], waiting.sub_keyword)


def _revision(waiting: WaitingMessage) -> Revision | None:
    if waiting.keyword_id is None or waiting.keyword_revision is None:
        return None
    return waiting.keyword_id, waiting.keyword_revision


def _number(row: NumberRow) -> RunNumber:
    return RunNumber(
        id=NumberId(row.id),
        address=row.address,
        country=row.country,
        zone=ZoneInfo(row.time_zone),
        languages=row.languages,
        texts={name: str(text) for name, text in row.texts.items() if text},
        owner=TenantId(row.tenant_id) if row.tenant_id else None,
    )


def _message(waiting: WaitingMessage, number: RunNumber, tenants: Mapping[UUID, TenantRow]) -> RunMessage:
    tenant = tenants[waiting.tenant_id] if waiting.tenant_id else None
    return RunMessage(
        id=InboundMessageId(waiting.id),
        tenant_id=TenantId(tenant.id) if tenant else None,
        tenant_name=tenant.name if tenant else "",
        number=number,
        sender=waiting.sender,
        text=waiting.text,
        rest=waiting.rest,
        route=waiting.route,
        keyword_id=waiting.keyword_id,
        word=str(waiting.details.get("word", "")),
        sub_keyword=waiting.sub_keyword,
        language=str(waiting.details.get("language", "")),
        reply_token=waiting.reply_token,
        received_at=waiting.received_at,
        generation=waiting.generation,
    )
