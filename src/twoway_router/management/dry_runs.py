"""What a replay would do: the steps of messages as they would be after it. Called by ``replays``; nothing is changed.

The executor decides about conditions, places and MTs when it runs; a dry run names the steps that it would come to.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from twoway_router.actions.registry import plan_actions, plan_answer
from twoway_router.contexts.rules import StoredContext
from twoway_router.contexts.service import list_contexts
from twoway_router.inbound.tables import InboundMessages
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.service import list_revisions
from twoway_router.routing.route_details import RouteDetails
from twoway_router.routing.types import RouteOutcome, WindowState
from twoway_router.store import Session
from twoway_router.tenants.service import list_named

_NOTICES: Final = (RouteOutcome.OPT_OUT, RouteOutcome.OPT_IN, RouteOutcome.HELP)


async def list_steps(session: Session, messages: Sequence[InboundMessages]) -> Mapping[UUID, Mapping[int, str]]:
    """The kinds of their steps by ordinal, by message. The number's own notices are steps too."""
    details = {message.id: RouteDetails.read(message.route_details) for message in messages}
    asked = {
        message.id: details[message.id].context_id for message in messages if message.route == RouteOutcome.CONTEXT
    }
    contexts = await list_contexts(session, {each for each in asked.values() if each})
    own = {(message.keyword_id, message.keyword_revision) for message in messages}
    wanted = {
        (keyword_id, revision)
        for keyword_id, revision in own | {each.revision or (None, None) for each in contexts.values()}
        if keyword_id and revision
    }
    found = await list_revisions(session, list(wanted)) if wanted else {}
    definitions = {revision: KeywordDefinition.model_validate(stored) for revision, stored in found.items()}
    tenants = await list_named(session, {message.tenant_id for message in messages if message.tenant_id})
    steps: dict[UUID, Mapping[int, str]] = {}
    for message in messages:
        tenant = tenants.get(message.tenant_id) if message.tenant_id else None
        is_active = tenant is None or tenant.is_active
        question = contexts.get(asked[message.id] or message.id) if message.id in asked else None
        kinds = _kinds(message, details[message.id], question, definitions) if is_active else ()
        only = message.only_ordinal
        steps[message.id] = {place: kind for place, kind in enumerate(kinds) if only in (None, place)}
    return steps


def _kinds(
    message: InboundMessages,
    details: RouteDetails,
    question: StoredContext | None,
    definitions: Mapping[tuple[UUID, int], KeywordDefinition],
) -> Sequence[str]:
    if message.route in _NOTICES:
        return (message.route,)
    if message.route == RouteOutcome.DEFAULT:
        return ("did_you_mean" if details.suggestion else "courtesy",)
    if message.route == RouteOutcome.NONE:
        return ("choose",) if details.asks else ()
    if question is not None and question.revision is not None and details.answer is not None:
        asking = definitions[question.revision].actions_of(question.sub_keyword)
        is_there = question.ordinal is not None and question.ordinal < len(asking)
        planned = plan_answer(asking[question.ordinal or 0], details.answer) if is_there else ()
    elif message.keyword_id is None or message.keyword_revision is None:
        return ()
    elif details.window not in (WindowState.OPEN, WindowState.SOLD_OUT):  # a replay asks for no place
        return ("window",)
    else:
        planned = plan_actions(
            definitions[message.keyword_id, message.keyword_revision].actions_of(message.sub_keyword)
        )
    return [step.kind for step in planned]
