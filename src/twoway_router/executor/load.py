"""Reads what the decisions about a batch of messages need: a few statements for all of them. Called by ``runs``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from twoway_router.contexts.rules import NUMBER_QUESTIONS, StoredContext
from twoway_router.contexts.service import list_contexts
from twoway_router.executor.decide import Facts
from twoway_router.executor.revisions import Revision, RevisionBook
from twoway_router.inbound.service import WaitingMessage, find_known, list_earlier, list_originals
from twoway_router.keywords.service import KeywordRow, list_current
from twoway_router.numbers.service import list_of_runs
from twoway_router.store import Session
from twoway_router.tenants.service import list_named


async def load(session: Session, waiting: Sequence[WaitingMessage], revisions: RevisionBook, now: datetime) -> Facts:
    """What these messages may do is decided from this alone. What no message of the batch needs is not asked for."""
    tenant_ids = {each.tenant_id for each in waiting if each.tenant_id is not None} | {
        choice.tenant_id for each in waiting for choice in each.asks
    }
    contexts = dict(await list_contexts(session, {each.context_id for each in waiting if each.context_id}))
    asked = [context for context in contexts.values() if context.origin in NUMBER_QUESTIONS]
    contexts |= await list_contexts(session, {context.target_id for context in asked if context.target_id})
    meant = {context.keyword_id for context in asked if context.keyword_id}
    suggested = {each.details.suggestion for each in waiting if each.details.suggestion}
    offered = {choice.keyword_id for each in waiting for choice in each.asks if choice.keyword_id}
    keywords = await list_current(session, meant | suggested | offered)
    wanted = {each.id: _revisions(each, contexts, keywords) for each in waiting}
    definitions = await revisions.load(session, {revision for found in wanted.values() for revision in found})
    conditional = {
        revision
        for revision, definition in definitions.items()
        if any(action.condition for _, action in definition.placed_actions())
    }
    single = [each.id for each in waiting if each.only_ordinal is not None]
    return Facts(
        now=now,
        numbers=await list_of_runs(session, {each.number_id for each in waiting}),
        tenants=await list_named(session, tenant_ids),
        contexts=contexts,
        originals=await list_originals(
            session, {context.inbound_message_id for context in asked if context.inbound_message_id}
        ),
        keywords=keywords,
        definitions=definitions,
        known=await find_known(session, [each for each in waiting if wanted[each.id] & conditional]),
        earlier=await list_earlier(session, single),
    )


def _revisions(
    waiting: WaitingMessage, contexts: Mapping[UUID, StoredContext], keywords: Mapping[UUID, KeywordRow]
) -> set[Revision]:
    """Every revision whose steps a message may run: its own, a question's, and what the answer to the number leads to."""
    context = contexts.get(waiting.context_id) if waiting.context_id else None
    target = contexts.get(context.target_id) if context and context.target_id else None
    keyword = keywords.get(context.keyword_id) if context and context.keyword_id else None
    found = (
        waiting.revision,
        context.revision if context else None,
        target.revision if target else None,
        (keyword.id, keyword.revision) if keyword else None,
    )
    return {revision for revision in found if revision}
