"""Replays of inbound messages: a new generation with another route or the same one, or of one action. Called by ``replays``.

A replayed message waits for its run like a new one, under the same locks and ledger: its order with the sender's other
messages holds, its earlier effects stay, and an action that issues a coupon finds the code that it issued before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from twoway_router.consent.rules import ConsentChange, ConsentKind, Person, scope_of
from twoway_router.contexts import service as contexts
from twoway_router.contexts.rules import NUMBER_QUESTIONS, StoredContext
from twoway_router.domain.errors import Conflict, RouterError, Unprocessable
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.domain.messages import SenderKind
from twoway_router.events.news import Listener, News
from twoway_router.inbound.rules import CORRECTED_TEXT, RUN_TEXT
from twoway_router.inbound.service import (
    begin_generation,
    copy_of,
    list_original_routes,
    list_run_ordinals,
    mark_restored,
    take_route,
)
from twoway_router.inbound.tables import InboundMessages
from twoway_router.keywords.tables import Keywords
from twoway_router.mts import service as messaging
from twoway_router.routing.answers import is_free_text, read_answer
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.route_details import RouteDetails
from twoway_router.routing.suggest import with_suggestion
from twoway_router.routing.text import fold
from twoway_router.routing.types import ContextKind, Decision, Reason, RouteOutcome, RouteRequest, Rule
from twoway_router.routing.words import vocabulary
from twoway_router.store import Session, audit, outbox
from twoway_router.store.audit import Actor, Entry
from twoway_router.store.outbox import order_key

Rules = Literal["current", "original"]


class MessageWaits(Conflict):
    """The message waits for its run already."""

    code = "message_waits"
    title = "Message waits"


class ReplayLeavesTenant(Conflict):
    """By the current rules this message would not be yours any more. Only an operator may replay it like that."""

    code = "replay_leaves_tenant"
    title = "Replay leaves tenant"


class NeedsConversation(Conflict):
    """This message belonged to a conversation that is not stored any more. Replay it with its original route."""

    code = "replay_needs_conversation"
    title = "Replay needs a conversation"


class NumberUnknown(Conflict):
    """The message came to an address that is none of our numbers."""

    code = "replay_number_unknown"
    title = "Number unknown"


class ActionUnknown(Unprocessable):
    """The message has no such action."""

    code = "replay_action_unknown"
    title = "Action unknown"


class QuestionUnknown(Unprocessable):
    """The tenant had no such question open with this sender, or another message has answered it."""

    code = "replay_question_unknown"
    title = "Question unknown"


class NoAnswer(Unprocessable):
    """The text is none of the answers that the question expects. Correct it."""

    code = "replay_is_no_answer"
    title = "No answer"


class CorrectionOptsIn(Conflict):
    """A corrected text is not the sender's own, so it cannot opt them in."""

    code = "replay_correction_opts_in"
    title = "Correction opts in"


class KeywordElsewhere(Unprocessable):
    """The keyword is not active on the number that the message came to."""

    code = "replay_keyword_elsewhere"
    title = "Keyword elsewhere"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """How to replay: by which rules, or one action only, or as a message of one keyword, or as the answer to a question.

    ``text`` is what the message should have said. A dry run changes nothing.
    """

    rules: Rules = "current"
    ordinal: int | None = None
    keyword: Keywords | None = None
    answer_to: UUID | None = None
    text: str | None = None
    is_dry_run: bool = False

    @property
    def is_anew(self) -> bool:
        """Whether the messages are routed as if they came now."""
        return self.rules == "current" and self.ordinal is None and self.keyword is None and self.answer_to is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """One message, as it is after its replay or would be, and why it was not replayed, if it was not."""

    message: InboundMessages
    problem: RouterError | None = None


async def replay(
    session: Session,
    messages: Sequence[InboundMessages],
    wish: Wish,
    table: RoutingTable,
    *,
    within: TenantId | None,
    by: Actor,
    now: datetime,
    tell: Listener,
) -> Sequence[Replayed]:
    """Begin a new generation of those locked messages that may be replayed; one result a message, in order.

    A dry run answers the same and begins none.
    """
    ids = [message.id for message in messages]
    originals = await list_original_routes(session, ids) if wish.rules == "original" else {}
    ordinals = await list_run_ordinals(session, ids) if wish.ordinal is not None else {}
    open_then = await contexts.list_past(session, ids if wish.is_anew or wish.answer_to else ())
    people = {_person(message) for message in messages} if wish.answer_to else set()
    open_now = await contexts.load(session, people, now)
    results: list[Replayed] = []
    entries: list[Entry] = []
    changes: list[ConsentChange] = []
    for message in messages:
        before = message.route
        try:
            if wish.ordinal is not None and wish.ordinal not in ordinals[message.id]:
                raise ActionUnknown
            conversation = [*open_then.get(message.id, ()), *open_now.get(_person(message), ())]
            route = _route(message, wish, table, originals, conversation, within)
        except RouterError as problem:
            results.append(Replayed(message=message, problem=problem))
            continue
        if wish.is_dry_run:
            would_be = copy_of(message)
            take_route(would_be, route, only=wish.ordinal)
            results.append(Replayed(message=would_be))
            continue
        begin_generation(session, message, route, only=wish.ordinal, now=now)
        if change := _consent_change(message, before, table):
            changes.append(change)
        entries.append(_entry(message, wish, before))
        results.append(Replayed(message=message))
    if wish.is_dry_run:
        return results
    await session.flush()
    obeyed = await messaging.obey(session, changes, now=now)
    await mark_restored(session, obeyed.restored_by)
    await tell(session, News(moved=obeyed.moved), now)
    await audit.record_all(session, "message.replayed", entries, by=by, now=now)
    waiting = [each.message for each in results if each.problem is None and each.message.state == "accepted"]
    lanes = [outbox.lane_of(message.order_key) for message in waiting]
    await outbox.add(session, "message.run", [message.id for message in waiting], lanes)
    return results


def _route(
    message: InboundMessages,
    wish: Wish,
    table: RoutingTable,
    originals: Mapping[UUID, Mapping[str, Any]],
    open_then: Sequence[StoredContext],
    within: TenantId | None,
) -> Mapping[str, Any] | None:
    """The columns that change; None when the message goes where it went. Raises when it may not be replayed so."""
    if message.state == "accepted":
        raise MessageWaits
    if message.number_id is None:
        raise NumberUnknown
    if wish.ordinal is not None:
        return None
    extra = {name: fact for name, fact in message.extra.items() if name != RUN_TEXT}
    words = wish.text or text_of(message)
    if wish.keyword is not None:
        route = _assigned(message, words, wish.keyword)
    elif wish.answer_to is not None:
        route = _answered(message, words, wish.answer_to, table, open_then, within)
    elif wish.rules == "original" or message.rule == Rule.CARRIER_OPT_OUT:
        words, route = message.text, originals.get(message.id, {})
    else:
        route = _routed(message, words, table, open_then)
    if within is not None and route.get("tenant_id", message.tenant_id) != within:
        raise ReplayLeavesTenant
    if words == message.text:
        return {**route, "extra": extra}
    if route["route"] == ConsentKind.OPT_IN:
        raise CorrectionOptsIn
    return {**route, "extra": {**extra, CORRECTED_TEXT: words, RUN_TEXT: words}}


def text_of(message: InboundMessages) -> str:
    """What a message says, with parts that came late or as it was corrected."""
    return str(message.extra.get(CORRECTED_TEXT) or message.text)


def _assigned(message: InboundMessages, words: str, keyword: Keywords) -> Mapping[str, Any]:
    if keyword.number_id != message.number_id or keyword.state != "active":
        raise KeywordElsewhere
    return {
        "tenant_id": keyword.tenant_id,
        "order_key": order_key(keyword.tenant_id, message.sender),
        "route": "keyword",
        "rule": Rule.ASSIGNED.value,
        "keyword_id": keyword.id,
        "keyword_revision": keyword.revision,
        "sub_keyword": None,
        "rest": words.strip(),
        "route_details": RouteDetails(word=keyword.word, reason=Reason.ASSIGNED).write(),
    }


def _answered(
    message: InboundMessages,
    words: str,
    question_id: UUID,
    table: RoutingTable,
    conversation: Sequence[StoredContext],
    within: TenantId | None,
) -> Mapping[str, Any]:
    """As the answer to a tenant's question that was open with the sender when the message came in, or is now."""
    questions = [each for each in conversation if each.id == question_id and each.kind == ContextKind.QUESTION]
    question = questions[0] if questions else None
    if question is None or question.origin in NUMBER_QUESTIONS or within not in (None, question.tenant_id):
        raise QuestionUnknown
    if question.answered_by not in (None, message.id):
        raise QuestionUnknown
    asked = question.as_context(question.last_at)
    number = table.number(NumberId(question.number_id))
    answer = read_answer(asked, words, fold(words), vocabulary(number.languages if number else ()))
    if answer is None and is_free_text(asked):
        answer = words.strip()
    if not answer:
        raise NoAnswer
    details = RouteDetails(context_id=question.id, answer=answer, language=question.language, reason=Reason.ASSIGNED)
    return {
        "tenant_id": question.tenant_id,
        "order_key": order_key(question.tenant_id, message.sender),
        "route": RouteOutcome.CONTEXT.value,
        "rule": Rule.ASSIGNED.value,
        "keyword_id": question.keyword_id,
        "keyword_revision": None,
        "sub_keyword": None,
        "rest": words.strip(),
        "route_details": details.write(),
    }


def _routed(
    message: InboundMessages, words: str, table: RoutingTable, open_then: Sequence[StoredContext]
) -> Mapping[str, Any]:
    """Route anew, with the contexts that were open when it came in. Raises when the one that decided is gone."""
    decided_by = RouteDetails.read(message.route_details).context_id
    if message.route == "context" and decided_by not in {context.id for context in open_then}:
        raise NeedsConversation
    decision = decide(message, words, table, open_then)
    return {
        "tenant_id": decision.tenant_id,
        "order_key": order_key(decision.tenant_id or UUID(str(message.number_id)), message.sender),
        "route": decision.outcome.value,
        "rule": decision.rule.value,
        "keyword_id": decision.keyword_id,
        "keyword_revision": decision.revision,
        "sub_keyword": decision.sub_keyword,
        "rest": decision.rest,
        "route_details": RouteDetails.of(decision).write(),
        "rules_version": table.version,
    }


def decide(
    message: InboundMessages,
    words: str,
    table: RoutingTable,
    open_then: Sequence[StoredContext],
    *,
    explain: bool = False,
) -> Decision:
    """Where a stored message would go by a table if these were its words, with what was open when it came in."""
    request = RouteRequest(
        number_id=NumberId(message.number_id or message.connection_id),
        sender=message.sender,
        text=words,
        at=message.received_at,
        contexts=tuple(each.as_context(message.received_at) for each in open_then),
    )
    return with_suggestion(table, request, choose_route(table, request, explain=explain))


def _person(message: InboundMessages) -> Person:
    return Person(number_id=message.number_id or message.connection_id, msisdn=message.sender)


def _consent_change(message: InboundMessages, before: str, table: RoutingTable) -> ConsentChange | None:
    """The STOP that a message has become, or the START that it is: a STOP is obeyed once, a START every time."""
    is_said = message.route == ConsentKind.OPT_IN or (message.route == ConsentKind.OPT_OUT and before != message.route)
    if not is_said or message.sender_kind != SenderKind.MSISDN or message.number_id is None:
        return None
    return ConsentChange(
        kind=ConsentKind(message.route),
        number_id=message.number_id,
        msisdn=message.sender,
        tenant_id=scope_of(message, table.number(NumberId(message.number_id))),
        inbound_message_id=message.id,
    )


def _entry(message: InboundMessages, wish: Wish, before: str) -> Entry:
    said: dict[str, Any] = {"generation": message.generation, "from": before, "to": message.route}
    if wish.ordinal is not None:
        said["ordinal"] = wish.ordinal
    elif wish.keyword is not None:
        said["assigned_to"] = str(wish.keyword.id)
    elif wish.answer_to is not None:
        said["answer_to"] = str(wish.answer_to)
    else:
        said["rules"] = wish.rules
    if wish.text is not None:
        said["is_corrected"] = True
    return Entry(subject_id=message.id, tenant_id=message.tenant_id, details=said)
