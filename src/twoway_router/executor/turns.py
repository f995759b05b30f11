"""What messages of a conversation bring: answers taken once, messages handed over that waited for an answer, bindings.

Called by ``planning`` before anything runs and by ``runs`` after it, inside the transaction of the batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from twoway_router.actions.context import RunMessage
from twoway_router.contexts import service as conversations
from twoway_router.contexts.rules import OFFERS, Answer, Binding, StoredContext, Talk
from twoway_router.domain.ids import TenantId
from twoway_router.executor.queries import KeywordRow, list_keywords
from twoway_router.executor.revisions import Revision
from twoway_router.executor.steps import Plan
from twoway_router.inbound.queries.reassigning import Handing, Original, hand_over, list_originals
from twoway_router.inbound.queries.runs import FinishedRun, WaitingMessage
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.routing.answers import is_free_text, read_answer
from twoway_router.routing.text import fold
from twoway_router.routing.words import vocabulary
from twoway_router.store import Session

_SENDS = frozenset(("reply", "ask"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One message in its conversation.

    ``question`` is the tenant's question that it answers, with the ``answer``. ``original`` is the message that waited
    for the sender's word and is run now; ``keyword`` the one that it turned out to mean.
    """

    question: StoredContext | None = None
    answer: str = ""
    original: Original | None = None
    keyword: KeywordRow | None = None

    @property
    def revision(self) -> Revision | None:
        """The keyword revision whose steps run."""
        if self.keyword is not None:
            return self.keyword.id, self.keyword.revision
        asked = self.question
        if asked is None or asked.keyword_id is None or asked.keyword_revision is None:
            return None
        return asked.keyword_id, asked.keyword_revision


async def read_turns(
    session: Session, waiting: Sequence[WaitingMessage], languages: Mapping[UUID, Sequence[str]], now: datetime
) -> Mapping[UUID, Turn]:
    """What each message answers. A question is answered once; later messages are just talk to the same tenant."""
    named = {each.id: UUID(str(found)) for each in waiting if (found := each.details.get("context_id"))}
    talking = [each for each in waiting if each.route == "context" and each.id in named]
    if not talking:
        return {}
    contexts = await conversations.list_contexts(session, {named[each.id] for each in talking})
    given = {
        each.id: Answer(context_id=context.id, inbound_message_id=each.id, answer=answer)
        for each in talking
        if (context := contexts.get(named[each.id])) and (answer := _answer(each, context)) is not None
    }
    taken = await conversations.take_answers(session, list(given.values()), now=now)
    turns: dict[UUID, Turn] = {}
    offers: dict[UUID, StoredContext] = {}
    for message_id in taken:
        context = contexts[given[message_id].context_id]
        if context.origin in OFFERS:
            offers[message_id] = context
        else:
            turns[message_id] = Turn(question=context, answer=given[message_id].answer)
    return turns | (await _accept_offers(session, offers, languages, now) if offers else {})


def _answer(message: WaitingMessage, context: StoredContext) -> str | None:
    """What a message answers to a question, in a plain form; None when it is only talk."""
    if context.kind != "question":
        return None
    answer = message.details.get("answer")
    if answer is not None:
        return str(answer)
    return message.text.strip() if is_free_text(context.as_context(message.received_at)) else None


async def _accept_offers(
    session: Session, offers: Mapping[UUID, StoredContext], languages: Mapping[UUID, Sequence[str]], now: datetime
) -> dict[UUID, Turn]:
    """Hand the messages over that waited, each to the tenant that its sender has named."""
    originals = await list_originals(session, {each.inbound_message_id for each in offers.values()})
    targets = await conversations.list_contexts(session, {each.target_id for each in offers.values() if each.target_id})
    wanted = {each.keyword_id for each in offers.values() if each.origin == "did_you_mean" and each.keyword_id}
    keywords = {row.id: row for row in await list_keywords(session, wanted) if row.is_active} if wanted else {}
    turns: dict[UUID, Turn] = {}
    for message_id, offer in offers.items():
        original = originals.get(offer.inbound_message_id) if offer.inbound_message_id else None
        if original is None:
            continue
        if offer.origin == "choose":
            target = targets.get(offer.target_id) if offer.target_id else None
            turns[message_id] = _chosen(original, target, languages.get(offer.number_id, ()))
        elif offer.keyword_id in keywords:
            turns[message_id] = Turn(original=original, keyword=keywords[offer.keyword_id])
    await hand_over(session, [_handing(message_id, turn, offers[message_id]) for message_id, turn in turns.items()])
    asked = {
        turn.question.id: Answer(context_id=turn.question.id, inbound_message_id=turn.original.id, answer=turn.answer)
        for turn in turns.values()
        if turn.question and turn.original
    }
    taken = await conversations.take_answers(session, list(asked.values()), now=now)
    await conversations.close_choices(
        session, {each.talk for each in offers.values() if each.origin == "choose"}, now=now
    )
    return {
        message_id: turn if turn.question is None or (turn.original and turn.original.id in taken) else _talk(turn)
        for message_id, turn in turns.items()
    }


def _talk(turn: Turn) -> Turn:
    """Its question was answered before."""
    return replace(turn, question=None, answer="")


def _chosen(original: Original, target: StoredContext | None, languages: Sequence[str]) -> Turn:
    """The chosen tenant's question, if what was written before answers it."""
    if target is None or target.kind != "question":
        return Turn(original=original)
    context = target.as_context(target.last_at)
    answer = read_answer(context, original.text, fold(original.text), vocabulary(tuple(languages)))
    if answer is None and is_free_text(context):
        answer = original.text.strip()
    return Turn(original=original) if answer is None else Turn(original=original, question=target, answer=answer)


def _handing(message_id: UUID, turn: Turn, offer: StoredContext) -> Handing:
    assert turn.original is not None
    keyword = turn.keyword
    return Handing(
        message_id=turn.original.id,
        tenant_id=offer.tenant_id,
        route="context" if keyword is None else "keyword",
        rule="chosen" if keyword is None else "did_you_mean",
        keyword_id=keyword.id if keyword else turn.question.keyword_id if turn.question else None,
        revision=keyword.revision if keyword else None,
        answered_by=message_id,
    )


def with_turn(message: RunMessage, turn: Turn, definition: KeywordDefinition | None) -> RunMessage:
    """The message as its steps and its event shall see it."""
    revision = turn.revision
    changed = message
    if turn.original is not None:
        text = turn.original.text
        changed = replace(
            changed,
            original_id=turn.original.id,
            text=text,
            rest="" if turn.keyword else text.strip(),
            sub_keyword=None,
        )
    if turn.keyword is not None:
        changed = replace(changed, route="keyword")
    if turn.question is not None:
        changed = replace(changed, answer=turn.answer, sub_keyword=turn.question.sub_keyword)
    if revision is not None and definition is not None:
        changed = replace(changed, keyword_id=revision[0], revision=revision[1], word=definition.word)
    return changed


async def refresh_bindings(
    session: Session, plans: Sequence[Plan], finished: Sequence[FinishedRun], now: datetime
) -> None:
    """Who was answered on a shared number, or wrote to a tenant there, goes on talking to that tenant for a while."""
    answered = {run.key.cause.id for run in finished if run.kind in _SENDS and run.values.get("message_id")}
    bindings = [
        Binding(
            talk=Talk(message.number.id, message.sender),
            tenant_id=TenantId(message.tenant_id),
            lifetime=message.number.conversation,
        )
        for message in (plan.message for plan in plans)
        if message.tenant_id is not None
        and message.number.owner is None
        and message.number.conversation
        and (message.route == "context" or message.id in answered)
    ]
    await conversations.bind(session, bindings, now=now)
