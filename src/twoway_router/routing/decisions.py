"""Decisions as values: one function a kind of ending. Called by ``plan``, which knows the order."""

from collections.abc import Mapping

from twoway_router.domain.ids import KeywordId
from twoway_router.routing.choose import Found, Winner, span_and_rest
from twoway_router.routing.contexts import Picked
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import Hit
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.sub_keywords import find_sub_keyword
from twoway_router.routing.text import Folded, after
from twoway_router.routing.types import (
    AskChoice,
    Candidate,
    Context,
    Decision,
    LostBecause,
    Reason,
    RouteOutcome,
    Rule,
    WindowState,
)
from twoway_router.routing.words import ReservedWord


def to_keyword(
    table: RoutingTable, winner: Winner, text: str, folded: Folded, rule: Rule, *, stands: tuple[int, int] | None = None
) -> Decision:
    """A keyword won; its window says whether it may act. ``stands``: where, if it is not at the start of the text."""
    columns = table.columns
    keyword = winner.keyword
    if winner.span:
        # What stands around a keyword in an advert is no text of the sender's.
        span, rest = winner.span, winner.sub_keyword
    else:
        span, rest = (stands, after(text, stands[1])) if stands else span_and_rest(text, folded, winner.hit)
    sub = find_sub_keyword(table, keyword, rest)
    first = columns.first[keyword]
    return Decision(
        outcome=RouteOutcome.KEYWORD,
        rule=rule,
        tenant_id=table.tenants[columns.tenant[keyword]],
        keyword_id=KeywordId(columns.keyword_id(keyword)),
        revision=columns.revision[keyword],
        word=columns.display(first),
        sub_keyword=sub.name if sub else None,
        # Behind a whole message stand only signs and emoji, which are no text; behind a glued match stand its digits.
        rest=sub.rest if sub else "" if winner.hit.is_whole and not winner.hit.stem else rest,
        window=winner.window,
        match_class=winner.hit.match_class,
        span=span,
        key=winner.hit.key,
        reason=None if winner.window is WindowState.OPEN else Reason(winner.window),
        details={} if winner.spelling == first else {"spelling": columns.display(winner.spelling)},
    )


def to_context(context: Context, text: str, rule: Rule, answer: str | None = None) -> Decision:
    """The message belongs to an open question or a recent exchange."""
    return Decision(
        outcome=RouteOutcome.CONTEXT,
        rule=rule,
        tenant_id=context.tenant_id,
        keyword_id=context.keyword_id,
        rest=text.strip(),
        context_id=context.context_id,
        language=context.language,
        details={} if answer is None else {"answer": answer},
    )


def to_declined(context: Context) -> Decision:
    """The sender says no to what the number asked: the tenant that was named gets nothing, not even the no."""
    rule, reason = Rule.OFFER_DECLINED, Reason.DECLINED
    return Decision(outcome=RouteOutcome.NONE, rule=rule, context_id=context.context_id, reason=reason)


def to_nobody(picked: Picked) -> Decision:
    """Several tenants may be meant and the number does not guess."""
    if picked.asks:
        return Decision(outcome=RouteOutcome.NONE, rule=Rule.ASK, reason=Reason.SENDER_ASKED, asks=picked.asks)
    return Decision(outcome=RouteOutcome.NONE, rule=Rule.QUARANTINE, reason=Reason.SEVERAL_QUESTIONS)


def to_reserved(
    entry: NumberEntry, outcome: RouteOutcome, word: ReservedWord, rule: Rule, live: list[Context]
) -> Decision:
    """A word of compliance without a keyword. A bare STOP on a shared number names no tenant: it is everyone's on it."""
    tenants = {context.tenant_id for context in live if not context.is_asked_by_number}
    # Nobody but this tenant is in touch with the sender: it answers a HELP, and a STOP tells whose messages it ended.
    single = tenants.pop() if len(tenants) == 1 else None
    tenant = entry.rules.owner if not entry.is_shared else single if outcome is RouteOutcome.HELP else None
    details: Mapping[str, str] = {"conversation_tenant": str(single)} if single else {}
    return Decision(
        outcome=outcome, rule=rule, tenant_id=tenant, word=word.word, language=word.language, details=details
    )


def to_reserved_keyword(
    table: RoutingTable, outcome: RouteOutcome, word: ReservedWord, keyword: int, rest: str
) -> Decision:
    """A word of compliance with a keyword behind it: that keyword's tenant only."""
    columns = table.columns
    return Decision(
        outcome=outcome,
        rule=Rule(f"{outcome.value}_keyword"),
        tenant_id=table.tenants[columns.tenant[keyword]],
        keyword_id=KeywordId(columns.keyword_id(keyword)),
        revision=columns.revision[keyword],
        word=word.word,
        rest=rest,
        language=word.language,
        details={"keyword": columns.display(columns.first[keyword])},
    )


def to_default(entry: NumberEntry, text: str) -> Decision:
    """Nothing fits: the owner's default, or on a shared number the courtesy reply, which belongs to no tenant."""
    rest, owner = text.strip(), entry.rules.owner
    if not entry.is_shared and owner is None:
        return Decision(outcome=RouteOutcome.NONE, rule=Rule.NO_OWNER, reason=Reason.NO_OWNER, rest=rest)
    rule, tenant = (Rule.COURTESY, None) if entry.is_shared else (Rule.OWNER_DEFAULT, owner)
    reason = Reason.NO_KEYWORD
    return Decision(outcome=RouteOutcome.DEFAULT, rule=rule, tenant_id=tenant, reason=reason, rest=rest)


def to_contested(entry: NumberEntry, table: RoutingTable, found: Found, text: str, folded: Folded) -> Decision:
    """The text is one tenant's keyword with text behind it, and as a whole another's: nobody's, and the sender is asked.

    Where there is nothing to choose from, it is the default.
    """
    reason = Reason.SEVERAL_KEYWORDS
    if not entry.is_shared or len(found.rivals) < 2:
        return to_default(entry, text)._replace(rule=Rule.AMBIGUOUS_KEYWORD, reason=reason)
    meant = [to_keyword(table, rival, text, folded, Rule.CHOSEN) for rival in found.rivals]
    asks = tuple(
        AskChoice(
            tenant_id=table.tenant_of(rival.spelling),
            keyword_id=one.keyword_id,
            word=one.word,
            sub_keyword=one.sub_keyword,
            rest=one.rest,
        )
        for rival, one in zip(found.rivals, meant, strict=True)
    )
    return Decision(outcome=RouteOutcome.NONE, rule=Rule.AMBIGUOUS_KEYWORD, reason=reason, rest=text.strip(), asks=asks)


def candidates(table: RoutingTable, found: Found, decision: Decision) -> tuple[Candidate, ...]:
    """Every keyword that was looked at and why it lost, in an order that does not depend on the table's."""
    looked_at = [
        Candidate(
            tenant_id=table.tenant_of(row),
            keyword_id=KeywordId(table.columns.keyword_id(table.columns.keyword[row])),
            word=table.columns.display(row),
            match_class=hit.match_class,
            lost_because=_why_lost(table, row, hit, found, decision),
        )
        for hit in found.hits
        for row in hit.rows
    ]
    looked_at.sort(key=lambda one: (bool(one.lost_because), one.match_class, one.word, one.keyword_id.bytes))
    return tuple(looked_at)


def _why_lost(table: RoutingTable, row: int, hit: Hit, found: Found, decision: Decision) -> LostBecause | None:
    if hit.refusal:
        return hit.refusal
    winner = found.winner
    if winner is None:
        return LostBecause.SEVERAL_HOLDERS
    if hit is not winner.hit:
        is_weaker = hit.match_class != winner.hit.match_class
        return LostBecause.WEAKER_CLASS if is_weaker else LostBecause.LONGER_KEYWORD
    if row != winner.spelling:
        return LostBecause.OTHER_SPELLING
    return None if decision.outcome is RouteOutcome.KEYWORD else LostBecause.DECIDED_BEFORE
