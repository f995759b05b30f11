"""Turns waiting messages into plans: loads what they need, one statement each, and asks ``actions.plans``. Called by ``runs``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from twoway_router.actions.context import RunMessage, RunNumber
from twoway_router.domain.ids import InboundMessageId, NumberId, TenantId
from twoway_router.executor.offering import Claimant, asked_tenants, find_sold_out, list_suggested, plan_number
from twoway_router.executor.plans import PlannedAction, plan_answer, plan_keyword, plan_sold_out, plan_window
from twoway_router.executor.queries import KeywordRow, NumberRow, TenantRow, list_numbers, list_tenants
from twoway_router.executor.revisions import Revision, RevisionBook
from twoway_router.executor.steps import Plan
from twoway_router.executor.turns import Turn, read_turns, with_turn
from twoway_router.inbound.queries.runs import WaitingMessage, find_known, list_earlier
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.routing.types import WindowState
from twoway_router.store import Session


async def plan_messages(
    session: Session, waiting: Sequence[WaitingMessage], revisions: RevisionBook, now: datetime
) -> Sequence[Plan]:
    """One plan per message, in order. Takes what the messages answer, and the places of keywords with a limit."""
    numbers = {row.id: _number(row) for row in await list_numbers(session, {each.number_id for each in waiting})}
    owners = {each.tenant_id for each in waiting if each.tenant_id is not None} | asked_tenants(waiting)
    tenants = {row.id: row for row in await list_tenants(session, owners)} if owners else {}
    languages = {number_id: number.languages for number_id, number in numbers.items()}
    turns = await read_turns(session, waiting, languages, now)
    wanted = {found for each in waiting if (found := _revision(each, turns.get(each.id)))}
    loaded = _Loaded(
        tenants=tenants,
        turns=turns,
        suggested=await list_suggested(session, waiting),
        definitions=await revisions.load(session, wanted),
        now=now,
    )
    messages = [_message(each, numbers[each.number_id], loaded) for each in waiting]
    single = [each.id for each in waiting if each.only_ordinal is not None]
    earlier = await list_earlier(session, single) if single else {}
    sold_out = await find_sold_out(session, _claimants(waiting, loaded))
    steps = [
        _sold_out_steps(each, message, loaded) if each.id in sold_out else _steps(each, message, loaded)
        for each, message in zip(waiting, messages, strict=True)
    ]
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Loaded:
    """What the batch's messages need, by id."""

    tenants: Mapping[UUID, TenantRow]
    turns: Mapping[UUID, Turn]
    suggested: Mapping[UUID, KeywordRow]
    definitions: Mapping[Revision, KeywordDefinition]
    now: datetime


def _claimants(waiting: Sequence[WaitingMessage], loaded: _Loaded) -> Sequence[Claimant]:
    """Whoever's keyword has a limit. A replay takes no second place."""
    return [
        Claimant(message_id=each.id, keyword_id=revision[0], limit=limit)
        for each in waiting
        if not each.generation
        and (revision := _revision(each, loaded.turns.get(each.id)))
        and (limit := loaded.definitions[revision].limit)
        and _serves(each, loaded, revision)
    ]


def _serves(waiting: WaitingMessage, loaded: _Loaded, revision: Revision) -> bool:
    """Whether the keyword's own steps run: it is open and its tenant active."""
    if waiting.tenant_id is None or not loaded.tenants[waiting.tenant_id].is_active:
        return False
    turn = loaded.turns.get(waiting.id)
    is_keyword = waiting.route == "keyword" or (turn is not None and turn.keyword is not None)
    return is_keyword and _window(waiting, turn, loaded.definitions[revision], loaded.now) is WindowState.OPEN


def _steps(waiting: WaitingMessage, message: RunMessage, loaded: _Loaded) -> Sequence[PlannedAction]:
    """A suspended tenant's keywords do nothing; what the number itself answers goes on."""
    if waiting.route not in ("keyword", "context"):
        return plan_number(waiting, message, loaded.tenants, loaded.suggested)
    turn = loaded.turns.get(waiting.id)
    revision = _revision(waiting, turn)
    if revision is None or waiting.tenant_id is None or not loaded.tenants[waiting.tenant_id].is_active:
        return ()
    definition = loaded.definitions[revision]
    if turn is not None and turn.question is not None:
        return plan_answer(definition, turn.question.sub_keyword, turn.question.ordinal, turn.answer)
    window = _window(waiting, turn, definition, loaded.now)
    if window is not WindowState.OPEN:
        return plan_window(definition, window, message)
    return plan_keyword(definition, None if turn else waiting.sub_keyword)


def _sold_out_steps(waiting: WaitingMessage, message: RunMessage, loaded: _Loaded) -> Sequence[PlannedAction]:
    """All places of its keyword are taken."""
    revision = _revision(waiting, loaded.turns.get(waiting.id))
    return plan_sold_out(loaded.definitions[revision], message) if revision else ()


def _window(waiting: WaitingMessage, turn: Turn | None, definition: KeywordDefinition, now: datetime) -> WindowState:
    """Where a message stood in its keyword's window when it came; one that was handed over stands there now."""
    if turn is None:
        return WindowState(waiting.details.get("window", WindowState.OPEN))
    if definition.active_from is not None and now < definition.active_from:
        return WindowState.TOO_EARLY
    if definition.active_until is not None and now >= definition.active_until:
        return WindowState.TOO_LATE
    return WindowState.OPEN


def _revision(waiting: WaitingMessage, turn: Turn | None) -> Revision | None:
    if turn is not None:
        return turn.revision
    if waiting.keyword_id is None or waiting.keyword_revision is None:
        return None
    return waiting.keyword_id, waiting.keyword_revision


def _word(waiting: WaitingMessage, loaded: _Loaded) -> str:
    """The keyword's word, also where a reserved word stood before it."""
    revision = _revision(waiting, None)
    if waiting.route in ("opt_out", "opt_in", "help") and revision is not None:
        return loaded.definitions[revision].word
    return str(waiting.details.get("word", ""))


def _number(row: NumberRow) -> RunNumber:
    return RunNumber(
        id=NumberId(row.id),
        address=row.address,
        country=row.country,
        zone=ZoneInfo(row.time_zone),
        languages=row.languages,
        texts={name: text for name, text in row.texts.items() if text},
        owner=TenantId(row.tenant_id) if row.tenant_id else None,
        conversation=timedelta(hours=row.conversation_hours),
    )


def _message(waiting: WaitingMessage, number: RunNumber, loaded: _Loaded) -> RunMessage:
    tenant = loaded.tenants[waiting.tenant_id] if waiting.tenant_id else None
    turn = loaded.turns.get(waiting.id)
    message = RunMessage(
        id=InboundMessageId(waiting.id),
        tenant_id=TenantId(tenant.id) if tenant else None,
        tenant_name=tenant.name if tenant else "",
        number=number,
        sender=waiting.sender,
        text=waiting.text,
        rest=waiting.rest,
        route=waiting.route,
        keyword_id=waiting.keyword_id,
        word=_word(waiting, loaded),
        sub_keyword=waiting.sub_keyword,
        language=str(waiting.details.get("language", "")),
        reply_token=waiting.reply_token,
        carrier_replied=waiting.carrier_replied,
        has_restored=waiting.has_restored,
        received_at=waiting.received_at,
        generation=waiting.generation,
        revision=waiting.keyword_revision,
    )
    if turn is None:
        return message
    return with_turn(message, turn, loaded.definitions.get(turn.revision) if turn.revision else None)
