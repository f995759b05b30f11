"""Stores a batch of arrivals in one transaction: route each message, insert what is new, obey STOP and START, apply receipts.

Called by the group commit of ``app``; only after it has committed are the carriers acknowledged. A STOP or START is in
force from the same commit: what is acknowledged is already obeyed. Its run only confirms it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from twoway_router.consent.rules import ConsentChange, ConsentKind, scope_of
from twoway_router.domain.ids import ConnectionId
from twoway_router.domain.messages import InboundMessage, SenderKind, Sharing
from twoway_router.events.news import Listener, News
from twoway_router.inbound.rules import CARRIER_REPLIED, REUSES_ID_OF
from twoway_router.inbound.service import find_others_of_id, insert_messages_once, mark_restored
from twoway_router.ingress.arrivals import Arrival, Stored, id_of_reuse
from twoway_router.ingress.open_contexts import OpenContexts
from twoway_router.ingress.queries import insert_quarantined
from twoway_router.keywords.follower import RoutingCache
from twoway_router.mts import service as mts
from twoway_router.routing.plan import choose_route
from twoway_router.routing.route_details import RouteDetails
from twoway_router.routing.suggest import with_suggestion
from twoway_router.routing.types import Decision, NumberRules, Reason, RouteOutcome, RouteRequest, Rule
from twoway_router.store.outbox import order_key
from twoway_router.store.transaction import Session
from twoway_router.telemetry.metrics import MESSAGE_IDS_REUSED, ROUTED

_UNKNOWN_NUMBER: Final = Decision(outcome=RouteOutcome.NONE, rule=Rule.UNKNOWN_NUMBER, reason=Reason.NO_SUCH_NUMBER)
_HEADLESS: Final = Decision(outcome=RouteOutcome.NONE, rule=Rule.FIRST_PART_MISSING, reason=Reason.FIRST_PART_MISSING)

_ANSWERED_BY_CARRIERS: Final = (RouteOutcome.OPT_OUT, RouteOutcome.OPT_IN, RouteOutcome.HELP)
_CONSENT: Final = (RouteOutcome.OPT_OUT, RouteOutcome.OPT_IN)


def decide(
    cache: RoutingCache, arrival: Arrival, message: InboundMessage, open_contexts: OpenContexts
) -> tuple[NumberRules | None, Decision]:
    """Find the number by connection and address, then choose the route. Pure over the cached table and what is open."""
    number = cache.find_number(arrival.connection_id, message.recipient)
    if number is None:
        return None, _UNKNOWN_NUMBER
    if message.carrier_opted_out:
        return number, Decision(
            outcome=RouteOutcome.OPT_OUT,
            rule=Rule.CARRIER_OPT_OUT,
            tenant_id=number.owner,
            reason=Reason.SAID_BY_CARRIER,
        )
    if 1 in message.missing_parts and number.sharing is Sharing.SHARED:
        return number, _HEADLESS
    request = RouteRequest(
        number_id=number.number_id,
        sender=message.sender,
        text=message.text,
        at=arrival.received_at,
        contexts=open_contexts.of(number, message, arrival.received_at),
    )
    return number, with_suggestion(cache.table, request, choose_route(cache.table, request))


def _row(
    message_id: UUID,
    arrival: Arrival,
    message: InboundMessage,
    number: NumberRules | None,
    decision: Decision,
    version: int,
) -> tuple[Any, ...]:
    """One row of inbound_messages, in the order of ``inbound.queries.accepting``."""
    owner = decision.tenant_id or (number.number_id if number else arrival.connection_id)
    extra = dict(message.extra)
    if message.carrier_replied and decision.outcome in _ANSWERED_BY_CARRIERS:
        extra[CARRIER_REPLIED] = "true"  # so that our own answer is not sent too
    return (
        message_id,
        arrival.connection_id,
        message.carrier_message_id,
        number.number_id if number else None,
        decision.tenant_id,
        message.sender,
        message.sender_kind.value,
        message.recipient,
        message.text,
        "stored" if decision.outcome is RouteOutcome.NONE and not decision.asks else "accepted",
        order_key(owner, message.sender),
        decision.outcome.value,
        decision.rule.value,
        decision.keyword_id,
        decision.revision,
        decision.sub_keyword,
        decision.rest,
        orjson.dumps(RouteDetails.of(decision).write()).decode(),
        version,
        message.carrier_time,
        message.operator,
        message.reply_token,
        orjson.dumps(extra).decode() if extra else "{}",
        arrival.received_at,
    )


async def accept(
    session: Session,
    arrivals: Sequence[Arrival],
    cache: RoutingCache,
    new_id: Callable[[], UUID],
    now: datetime,
    tell: Listener,
) -> Sequence[Stored]:
    """Store the batch; one result per arrival, in order."""
    rows: list[tuple[Any, ...]] = []
    ids: list[list[UUID]] = [[] for _ in arrivals]
    changes: dict[UUID, ConsentChange] = {}
    arrived = [(cache.find_number(each.connection_id, mo.recipient), mo) for each in arrivals for mo in each.messages]
    open_contexts = await OpenContexts.load(session, cache, arrived, now)
    for position, arrival in enumerate(arrivals):
        for message in arrival.messages:
            number, decision = decide(cache, arrival, message, open_contexts)
            if not arrival.is_sandbox:
                ROUTED.labels(decision.outcome.value, decision.match_class or "").inc()
            message_id = new_id()
            ids[position].append(message_id)
            rows.append(_row(message_id, arrival, message, number, decision, cache.table.version))
            if number:
                open_contexts.note(message_id, number, message, decision)
            if number and decision.outcome in _CONSENT and message.sender_kind is SenderKind.MSISDN:
                changes[message_id] = ConsentChange(
                    kind=ConsentKind(decision.outcome),
                    number_id=number.number_id,
                    msisdn=message.sender,
                    tenant_id=scope_of(decision, number),
                    inbound_message_id=message_id,
                )
    inserted = await insert_messages_once(session, rows) if rows else frozenset()
    put_aside: frozenset[UUID] = frozenset()
    if len(inserted) < len(rows):
        put_aside = await _put_aside_reuses(session, arrivals, cache, open_contexts, rows, inserted)
    if said := [change for message_id, change in changes.items() if message_id in inserted]:
        obeyed = await mts.obey(session, said, now=now)
        await mark_restored(session, obeyed.restored_by)
        await tell(session, News(moved=obeyed.moved), now)
    await open_contexts.close(session, inserted, now)
    receipts = [(arrival.connection_id, receipt) for arrival in arrivals for receipt in arrival.receipts]
    if receipts:
        await tell(session, await mts.apply_receipts(session, receipts, now=now), now)
    await _quarantine(session, arrivals, new_id)
    return [
        _result(arrival, message_ids, inserted, put_aside) for arrival, message_ids in zip(arrivals, ids, strict=True)
    ]


async def _put_aside_reuses(
    session: Session,
    arrivals: Sequence[Arrival],
    cache: RoutingCache,
    open_contexts: OpenContexts,
    rows: Sequence[tuple[Any, ...]],
    inserted: frozenset[UUID],
) -> frozenset[UUID]:
    """Of what was not inserted: repeats are dropped, messages whose id another one had are put aside, each once.

    They belong to nobody on a shared number, and do nothing: which of the two the carrier meant, nobody can say. A STOP
    among them is marked for somebody to read.
    """
    others = await find_others_of_id(session, [row for row in rows if row[0] not in inserted])
    if not others:
        return frozenset()
    given = ((arrival, message) for arrival in arrivals for message in arrival.messages)
    again: list[tuple[Any, ...]] = []
    for row, (arrival, message) in zip(rows, given, strict=True):
        if row[0] not in others:
            continue
        number, meant = decide(cache, arrival, message, open_contexts)
        facts = {**message.extra, REUSES_ID_OF: str(others[row[0]])}
        reuse = replace(message, carrier_message_id=id_of_reuse(message), extra=facts)
        decision = Decision(
            outcome=RouteOutcome.NONE,
            rule=Rule.MESSAGE_ID_REUSED,
            tenant_id=number.owner if number else None,
            reason=Reason.MESSAGE_ID_REUSED,
            rest=message.text.strip(),
            details={"opt_out_intent": meant.word or message.text} if meant.outcome is RouteOutcome.OPT_OUT else {},
        )
        again.append(_row(row[0], arrival, reuse, number, decision, cache.table.version))
    put_aside = await insert_messages_once(session, again)
    MESSAGE_IDS_REUSED.inc(len(put_aside))
    return put_aside


def _result(arrival: Arrival, ids: Sequence[UUID], inserted: frozenset[UUID], put_aside: frozenset[UUID]) -> Stored:
    is_all_put_aside = bool(ids) and inserted.isdisjoint(ids)
    if is_all_put_aside and not put_aside.isdisjoint(ids):
        return Stored.QUARANTINED
    if not arrival.messages and not arrival.receipts and arrival.rejects:
        return Stored.QUARANTINED
    return Stored.DUPLICATE if is_all_put_aside else Stored.STORED


async def _quarantine(session: Session, arrivals: Sequence[Arrival], new_id: Callable[[], UUID]) -> None:
    kept = [(arrival, reject) for arrival in arrivals for reject in arrival.rejects]
    if kept:
        connections: list[ConnectionId] = [arrival.connection_id for arrival, _ in kept]
        await insert_quarantined(
            session,
            {
                "id": [new_id() for _ in kept],
                "connection_id": list(connections),
                "kind": [reject.kind for _, reject in kept],
                "reason": [reject.reason for _, reject in kept],
                "method": [reject.method for _, reject in kept],
                "query": [reject.query for _, reject in kept],
                "headers": [orjson.dumps(dict(reject.headers)).decode() for _, reject in kept],
                "body": [reject.body for _, reject in kept],
                "received_at": [arrival.received_at for arrival, _ in kept],
            },
        )
