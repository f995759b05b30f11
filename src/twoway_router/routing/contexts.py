"""Which open question or recent exchange of this sender a text belongs to. Called by ``plan``."""

from collections.abc import Sequence
from typing import NamedTuple

from twoway_router.routing.answers import read_answer
from twoway_router.routing.choices import is_inert
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.text import Folded
from twoway_router.routing.types import AmbiguityPolicy, AskChoice, Context, ContextKind, RouteRequest


class Picked(NamedTuple):
    """The context that won; None with ``asks`` filled when several tenants may be meant and the number does not guess."""

    context: Context | None
    asks: tuple[AskChoice, ...] = ()


def live_contexts(entry: NumberEntry, request: RouteRequest) -> list[Context]:
    """Contexts within their lifetime, the latest first; on a dedicated number only its owner's."""
    owner = None if entry.is_shared else entry.rules.owner
    live = [
        context
        for context in request.contexts
        if 0 <= context.age_seconds < context.lifetime_seconds and (owner is None or context.tenant_id == owner)
    ]
    live.sort(key=_latest_first)
    return live


def _latest_first(context: Context) -> tuple[float, bool, str]:
    return context.age_seconds, context.kind is not ContextKind.QUESTION, context.context_id


def answered(
    entry: NumberEntry, table: RoutingTable, text: str, folded: Folded, live: Sequence[Context]
) -> list[tuple[Context, str]]:
    """The open questions whose expected set holds the text, with the answer. A choice that is another's keyword holds nothing."""
    answers = ((context, read_answer(context, text, folded, entry.words)) for context in live)
    return [
        (context, answer)
        for context, answer in answers
        if answer is not None and not is_inert(table, entry, context, answer, text, folded)
    ]


def pick(entry: NumberEntry, fitting: Sequence[Context]) -> Picked:
    """One of the fitting contexts, by the number's policy where they are of several tenants.

    A number that asks does not ask about its own questions: what may answer one of them or a tenant's is put aside.
    """
    tenants = {context.tenant_id for context in fitting}
    policy = entry.rules.ambiguity
    if len(tenants) == 1 or policy is AmbiguityPolicy.LATEST:
        return Picked(fitting[0])
    if policy is AmbiguityPolicy.QUARANTINE or any(context.is_asked_by_number for context in fitting):
        return Picked(None)
    first_of_each = {context.tenant_id: context for context in reversed(fitting)}
    ordered = sorted(first_of_each.values(), key=_latest_first)
    return Picked(
        None,
        tuple(AskChoice(context_id=context.context_id, tenant_id=context.tenant_id) for context in ordered),
    )
