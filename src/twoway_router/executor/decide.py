"""What each message of a batch does: pure, from what ``load`` has read to plans that ``apply`` carries out.

A plan asks for what others may have taken: a question that it answers, a place of its keyword. It brings with it what
is done instead, so that whoever did not get it needs no second decision.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from twoway_router.actions.context import PlannedAction, RunMessage
from twoway_router.actions.notices import (
    plan_closed,
    plan_courtesy,
    plan_help,
    plan_opt_in,
    plan_opt_out,
    plan_released,
)
from twoway_router.actions.questions import Choice, Suggestion, plan_choose, plan_did_you_mean
from twoway_router.actions.registry import plan_actions, plan_answer
from twoway_router.consent.rules import Person
from twoway_router.contexts.rules import NUMBER_QUESTIONS, Answer, Recent, StoredContext
from twoway_router.domain.ids import InboundMessageId, TenantId
from twoway_router.executor.revisions import Revision
from twoway_router.inbound.service import EarlierRun, FinishedRun, Original, Reassignment, WaitingMessage
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.service import KeywordRow
from twoway_router.numbers.rules import RunNumber
from twoway_router.routing.answers import is_free_text, read_answer
from twoway_router.routing.text import fold
from twoway_router.routing.types import Rule, WindowState
from twoway_router.routing.words import vocabulary
from twoway_router.tenants.service import NamedTenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the batch's messages need, by id, as it stands when the batch begins.

    ``contexts`` are those that messages answer and those that choices lead to; ``originals`` the messages that waited
    for an answer; ``known`` and ``earlier`` belong to the messages with these ids.
    """

    now: datetime
    numbers: Mapping[UUID, RunNumber]
    tenants: Mapping[UUID, NamedTenant] = field(default_factory=dict)
    contexts: Mapping[UUID, StoredContext] = field(default_factory=dict)
    originals: Mapping[UUID, Original] = field(default_factory=dict)
    keywords: Mapping[UUID, KeywordRow] = field(default_factory=dict)
    definitions: Mapping[Revision, KeywordDefinition] = field(default_factory=dict)
    known: Set[UUID] = frozenset()
    earlier: Mapping[UUID, Mapping[int, EarlierRun]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One of the first so many messages of a keyword, and the steps of those who come too late for one."""

    keyword_id: UUID
    limit: int
    sold_out: tuple[PlannedAction, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taking:
    """A question that a message answers, and its plan if the question was answered meanwhile."""

    answer: Answer
    otherwise: "Plan"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A message with its steps in order, and what it takes first: questions one after the other, then a place.

    ``reassigns`` gives the message that waited for the sender's answer to its tenant. ``only`` is the ordinal of a
    single step to be run again, with the values of ``earlier`` runs.
    """

    message: RunMessage
    steps: tuple[PlannedAction, ...]
    takes: tuple[Taking, ...] = ()
    place: Place | None = None
    reassigns: Reassignment | None = None
    closes_choices: bool = False
    is_sender_known: bool = False
    only: int | None = None
    earlier: Mapping[int, EarlierRun] = field(default_factory=dict)

    @property
    def person(self) -> Person:
        return Person(number_id=self.message.number.id, msisdn=self.message.sender)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """What a message answers.

    ``question`` is the tenant's question, with the ``answer`` to it. ``original`` is the message that waited for the
    sender's word and is run now; ``keyword`` the one that it turned out to mean, with the ``sub_keyword`` and the ``rest``.
    """

    question: StoredContext | None = None
    answer: str = ""
    original: Original | None = None
    keyword: KeywordRow | None = None
    sub_keyword: str | None = None
    rest: str = ""

    @property
    def revision(self) -> Revision | None:
        """The keyword revision whose steps run."""
        if self.keyword is not None:
            return self.keyword.id, self.keyword.revision
        return self.question.revision if self.question else None


def decide(waiting: Sequence[WaitingMessage], facts: Facts) -> Sequence[Plan]:
    """One plan per message, in order. A question is answered once: later messages belong to the tenant and answer nothing.

    So do those that choose another number after a choice was made: the message that waited goes to one tenant.
    """
    plans: list[Plan] = []
    answered: set[UUID] = set()
    for each in waiting:
        plan = _plan_one(each, facts, answered)
        answered |= {taking.answer.context_id for taking in plan.takes}
        if plan.closes_choices:
            choices = (one for one in facts.contexts.values() if one.origin == "choose" and one.person == plan.person)
            answered |= {one.id for one in choices}
        plans.append(plan)
    return plans


def _plan_one(waiting: WaitingMessage, facts: Facts, answered: Set[UUID]) -> Plan:
    """What a message answers, if anything, decides its plan."""
    plain = _plan(waiting, None, facts)
    context = facts.contexts.get(waiting.context_id) if waiting.context_id else None
    if context is None or context.kind != "question":
        return plain
    answer = waiting.details.answer
    if answer is None and is_free_text(context.as_context(waiting.received_at)):
        answer = waiting.text.strip()
    if answer is None or not _is_open(context, waiting.id, answered):
        return plain
    taking = Taking(answer=Answer(context_id=context.id, inbound_message_id=waiting.id, answer=answer), otherwise=plain)
    if context.origin not in NUMBER_QUESTIONS:
        return replace(_plan(waiting, Turn(question=context, answer=answer), facts), takes=(taking,))
    return _answer_to_number(waiting, context, taking, facts, answered)


def _answer_to_number(
    waiting: WaitingMessage, asked: StoredContext, taking: Taking, facts: Facts, answered: Set[UUID]
) -> Plan:
    """The answer to a question of the number's: the message that waited goes to the tenant that its sender has named."""
    original = facts.originals.get(asked.inbound_message_id) if asked.inbound_message_id else None
    keyword = facts.keywords.get(asked.keyword_id) if asked.keyword_id else None
    is_choice = asked.origin == "choose"
    if original is None or (asked.keyword_id is not None and not (keyword and keyword.is_active)):
        return replace(taking.otherwise, takes=(taking,), closes_choices=is_choice)

    def plan(turn: Turn, *takes: Taking) -> Plan:
        reassigns = Reassignment(
            message_id=original.id,
            tenant_id=asked.tenant_id,
            route="keyword" if turn.keyword else "context",
            rule=Rule.CHOSEN if is_choice else Rule.DID_YOU_MEAN,
            keyword_id=turn.revision[0] if turn.revision else None,
            revision=turn.keyword.revision if turn.keyword else None,
            answered_by=waiting.id,
            sub_keyword=turn.sub_keyword,
            rest=turn.rest if turn.keyword else None,
        )
        planned = _plan(waiting, turn, facts)
        return replace(planned, takes=takes, reassigns=reassigns, closes_choices=is_choice)

    meant = next((each for each in original.asks if keyword and each.keyword_id == keyword.id), None)
    sub_keyword, rest = (meant.sub_keyword, meant.rest) if meant else (None, "")
    without_question = plan(Turn(original=original, keyword=keyword, sub_keyword=sub_keyword, rest=rest), taking)
    question = facts.contexts.get(asked.target_id) if asked.target_id else None
    if question is None or question.kind != "question" or not _is_open(question, original.id, answered):
        return without_question
    # The chosen tenant's own question, if what was written before answers it.
    languages = tuple(facts.numbers[waiting.number_id].languages)
    as_asked = question.as_context(question.last_at)
    answer = read_answer(as_asked, original.text, fold(original.text), vocabulary(languages))
    if answer is None and is_free_text(as_asked):
        answer = original.text.strip()
    if answer is None:
        return without_question
    second = Taking(
        answer=Answer(context_id=question.id, inbound_message_id=original.id, answer=answer), otherwise=without_question
    )
    return plan(Turn(original=original, question=question, answer=answer), taking, second)


def _is_open(question: StoredContext, message_id: UUID, answered: Set[UUID]) -> bool:
    """Whether this message may answer it: nobody has, or it did so itself and is replayed."""
    return question.id not in answered and question.answered_by in (None, message_id)


def _plan(waiting: WaitingMessage, turn: Turn | None, facts: Facts) -> Plan:
    """A message's steps, and the place that they need. A suspended tenant's keywords do nothing; the number goes on."""
    message = _message(waiting, turn, facts)
    plan = Plan(
        message=message,
        steps=(),
        is_sender_known=waiting.id in facts.known,
        only=waiting.only_ordinal,
        earlier=facts.earlier.get(waiting.id, {}),
    )
    if waiting.route not in ("keyword", "context"):
        return replace(plan, steps=_plan_number(waiting, message, facts))
    revision = turn.revision if turn else waiting.revision
    if revision is None or waiting.tenant_id is None or not facts.tenants[waiting.tenant_id].is_active:
        return plan
    definition = facts.definitions[revision]
    if turn is not None and turn.question is not None:
        asking, ordinal = definition.actions_of(turn.question.sub_keyword), turn.question.ordinal
        is_there = ordinal is not None and ordinal < len(asking)
        return replace(plan, steps=plan_answer(asking[ordinal or 0], turn.answer) if is_there else ())
    window = _window(waiting, turn, definition, facts.now)
    message = replace(message, window=window)
    plan = replace(plan, message=message)
    match window:
        case WindowState.TOO_EARLY:
            return replace(plan, steps=plan_closed(message, "too_early", definition.too_early_text))
        case WindowState.TOO_LATE:
            return replace(plan, steps=plan_closed(message, "too_late", definition.too_late_text))
        case WindowState.OPEN:
            steps = plan_actions(definition.actions_of(turn.sub_keyword if turn else waiting.sub_keyword))
        case closed:
            return replace(plan, steps=plan_released(message, is_released=closed is WindowState.RELEASED))
    is_keyword = waiting.route == "keyword" or (turn is not None and turn.keyword is not None)
    if definition.limit is None or not is_keyword or waiting.generation:  # a replay takes no second place
        return replace(plan, steps=steps)
    sold_out = plan_closed(message, "sold_out", definition.sold_out_text)
    return replace(plan, steps=steps, place=Place(keyword_id=revision[0], limit=definition.limit, sold_out=sold_out))


_NOTICES: Final[Mapping[str, Callable[[RunMessage], tuple[PlannedAction, ...]]]] = {
    "opt_out": plan_opt_out,
    "opt_in": plan_opt_in,
    "help": plan_help,
    "default": plan_courtesy,
}


def _plan_number(waiting: WaitingMessage, message: RunMessage, facts: Facts) -> tuple[PlannedAction, ...]:
    """What the number itself asks or answers."""
    choices = _choices(waiting, facts)
    is_about_keywords = any(each.keyword_id for each in waiting.asks)
    if len(choices) > 1 or (choices and not is_about_keywords):
        return plan_choose(message, choices)
    if is_about_keywords:
        return plan_courtesy(message)
    keyword = facts.keywords.get(waiting.details.suggestion) if waiting.details.suggestion else None
    if waiting.route == "default" and keyword and keyword.is_active and message.number.owner is None:
        suggestion = Suggestion(
            tenant_id=TenantId(keyword.tenant_id), keyword_id=keyword.id, revision=keyword.revision, word=keyword.word
        )
        return plan_did_you_mean(message, suggestion)
    plan = _NOTICES.get(waiting.route)
    return plan(message) if plan else ()


def _choices(waiting: WaitingMessage, facts: Facts) -> Sequence[Choice]:
    """Between whom the sender is asked to choose: tenants and keywords that are still active."""
    choices: list[Choice] = []
    for asked in waiting.asks:
        tenant = facts.tenants.get(asked.tenant_id)
        if tenant is None or not tenant.is_active:
            continue
        name, revision = tenant.name, None
        if asked.keyword_id is not None:
            keyword = facts.keywords.get(asked.keyword_id)
            if keyword is None or not keyword.is_active or keyword.tenant_id != tenant.id:
                continue
            name, revision = f"{keyword.word} ({tenant.name})", keyword.revision
        choices.append(
            Choice(
                tenant_id=TenantId(tenant.id),
                name=name,
                context_id=asked.context_id,
                keyword_id=asked.keyword_id,
                revision=revision,
            )
        )
    return choices


def _window(waiting: WaitingMessage, turn: Turn | None, definition: KeywordDefinition, now: datetime) -> WindowState:
    """Where a message stood in its keyword's window when it came; one that waited for an answer stands there now."""
    if turn is None:
        # A replay asks for no place, so it does not matter that there was none.
        return WindowState.OPEN if waiting.details.window is WindowState.SOLD_OUT else waiting.details.window
    if definition.active_from is not None and now < definition.active_from:
        return WindowState.TOO_EARLY
    if definition.active_until is not None and now >= definition.active_until:
        return WindowState.TOO_LATE
    return WindowState.OPEN


def _message(waiting: WaitingMessage, turn: Turn | None, facts: Facts) -> RunMessage:
    """The message as its steps and its event see it: with what it answers, or as the one that waited for its answer."""
    tenant = facts.tenants[waiting.tenant_id] if waiting.tenant_id else None
    word = waiting.details.word or ""
    if waiting.route in ("opt_out", "opt_in", "help") and waiting.revision is not None:
        word = facts.definitions[waiting.revision].word  # behind the reserved word that decided
    message = RunMessage(
        id=InboundMessageId(waiting.id),
        tenant_id=TenantId(tenant.id) if tenant else None,
        tenant_name=tenant.name if tenant else "",
        number=facts.numbers[waiting.number_id],
        sender=waiting.sender,
        text=waiting.text,
        rest=waiting.rest,
        route=waiting.route,
        keyword_id=waiting.keyword_id,
        word=word,
        sub_keyword=waiting.sub_keyword,
        language=waiting.details.language or "",
        reply_token=waiting.reply_token,
        carrier_replied=waiting.carrier_replied,
        has_restored=waiting.has_restored,
        received_at=waiting.received_at,
        generation=waiting.generation,
        revision=waiting.keyword_revision,
    )
    if turn is None:
        return message
    if turn.original is not None:
        rest = turn.rest if turn.keyword else turn.original.text.strip()
        message = replace(message, original_id=turn.original.id, text=turn.original.text, rest=rest)
        message = replace(message, sub_keyword=turn.sub_keyword)
    if turn.keyword is not None:
        message = replace(message, route="keyword")
    if turn.question is not None:
        message = replace(message, answer=turn.answer, sub_keyword=turn.question.sub_keyword)
    if (revision := turn.revision) is not None:
        word = facts.definitions[revision].word
        message = replace(message, keyword_id=revision[0], revision=revision[1], word=word)
    return message


def after_answers(plans: Sequence[Plan], turn: int, taken: Set[UUID]) -> Sequence[Plan]:
    """The plans after their ``turn``-th questions were taken, those of ``taken`` for sure."""
    return [
        plan if turn >= len(plan.takes) or plan.takes[turn].answer.context_id in taken else plan.takes[turn].otherwise
        for plan in plans
    ]


def places_wanted(plans: Sequence[Plan]) -> Mapping[UUID, tuple[int, int]]:
    """How many places of each keyword are wanted, and its limit."""
    wanted: dict[UUID, tuple[int, int]] = {}
    for place in (plan.place for plan in plans if plan.place):
        count, limit = wanted.get(place.keyword_id, (0, place.limit))
        wanted[place.keyword_id] = (count + 1, limit)
    return wanted


def after_places(plans: Sequence[Plan], granted: Mapping[UUID, int]) -> Sequence[Plan]:
    """The plans after places were given to the first messages of each keyword; the others are told that it is sold out."""
    left, settled = dict(granted), list[Plan]()
    for plan in plans:
        if plan.place is None:
            settled.append(plan)
            continue
        is_granted = left[plan.place.keyword_id] > 0
        left[plan.place.keyword_id] -= 1
        message = plan.message if is_granted else replace(plan.message, window=WindowState.SOLD_OUT)
        settled.append(replace(plan, message=message, steps=plan.steps if is_granted else plan.place.sold_out))
    return settled


def windows_to_note(plans: Sequence[Plan]) -> Mapping[UUID, WindowState]:
    """Where messages stand in their keyword's window, as far as their routes cannot say it: by places, or by an answer."""
    return {
        plan.message.original_id or plan.message.id: plan.message.window
        for plan in plans
        if plan.message.window is WindowState.SOLD_OUT
        or (plan.message.original_id is not None and plan.message.window is not WindowState.OPEN)
    }


def recent_contexts(plans: Sequence[Plan], finished: Sequence[FinishedRun]) -> Sequence[Recent]:
    """Who was answered on a shared number, or wrote to a tenant there, stays in touch with that tenant for a while."""
    answered = {run.key for run in finished if run.values.get("message_id")}
    return [
        Recent(person=plan.person, tenant_id=plan.message.tenant_id, lifetime=plan.message.number.conversation)
        for plan in plans
        if plan.message.tenant_id is not None
        and plan.message.number.owner is None
        and plan.message.number.conversation
        and (
            plan.message.route == "context"
            or any(step.is_exchange and plan.message.key(place) in answered for place, step in enumerate(plan.steps))
        )
    ]
