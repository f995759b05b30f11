"""Choose where one message goes: the whole decision as one pure function, the same for live traffic, dry run and replay.

Called by ``ingress``, ``management`` and the command line. The order of the steps is the order of the table in
docs/routing.md: words of compliance, open questions, keyword, free text, conversation, weaker spellings, default.
"""

from typing import Final, NamedTuple

from twoway_router.domain.ids import NumberId
from twoway_router.routing.answers import is_free_text
from twoway_router.routing.choose import Found, Winner, find, is_settled
from twoway_router.routing.contexts import answered, live_contexts, pick
from twoway_router.routing.decisions import (
    candidates,
    to_context,
    to_declined,
    to_default,
    to_keyword,
    to_nobody,
    to_reserved,
    to_reserved_keyword,
)
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import EXACT
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.reserved import (
    Force,
    Lead,
    Reading,
    is_made_of,
    is_plain_stop,
    opt_out_intent,
    read_lead,
    read_phrase,
    read_whole,
)
from twoway_router.routing.suggest import with_suggestion
from twoway_router.routing.text import Folded, after, fold, locate
from twoway_router.routing.types import Context, Decision, RouteOutcome, RouteRequest

_MAY_HIDE_A_STOP: Final = (RouteOutcome.KEYWORD, RouteOutcome.CONTEXT, RouteOutcome.DEFAULT)


class _Case(NamedTuple):
    """One message with everything that was found out about it."""

    table: RoutingTable
    entry: NumberEntry
    request: RouteRequest
    folded: Folded
    found: Found
    live: list[Context]

    @property
    def winner(self) -> Winner | None:
        return self.found.winner


def choose_route(table: RoutingTable, request: RouteRequest, *, explain: bool = False) -> Decision:
    """Decide where a message goes. Never fails, whatever the text holds; the same input gives the same answer.

    Explained, it also says what was looked at and what a courtesy reply may ask about (``suggest``).
    """
    entry = table.entry(request.number_id)
    if entry is None:
        return Decision(outcome=RouteOutcome.NONE, rule="unknown_number", reason="no such number")
    folded = fold(request.text)
    found = find(entry, table, request.text, folded, request.at, all_hits=explain)
    live = live_contexts(entry, request) if request.contexts else []
    decision = _decide(_Case(table, entry, request, folded, found, live))
    if explain:
        decision = with_suggestion(table, request, decision)
        return decision._replace(candidates=candidates(table, found, decision))
    return decision


def _decide(case: _Case) -> Decision:
    winner = case.winner
    is_strong = winner is not None and winner.is_strong
    is_plain = is_strong or (winner is not None and winner.hit.match_class == EXACT)
    is_alone = not case.live and not _may_be_reserved(case)
    if winner is not None and is_plain and is_alone:
        decision = _to_keyword(case, winner, "keyword_whole" if is_strong else "keyword")
        return decision if is_strong else _with_intent(case, decision)
    reading = read_whole(case.entry, case.folded, is_keyword=is_strong)
    if is_alone and winner is None and reading is None and case.found.doubt is None:
        return _with_intent(case, _default(case))
    if reading is not None and is_strong and not case.entry.is_shared and reading.outcome is not RouteOutcome.OPT_OUT:
        reading = None
    if reading is not None and reading.force is Force.ALWAYS:
        return to_reserved(case.entry, reading.outcome, reading.word, reading.rule, case.live)
    lead = read_lead(case.entry, case.folded)
    return _with_intent(case, _first_that_fits(case, reading, lead))


def _first_that_fits(case: _Case, reading: Reading | None, lead: Lead | None) -> Decision:
    return (
        _open_question(case)
        or _unless_asked(case, reading)
        or _reserved_and_keyword(case, lead)
        or _plain_stop(case, lead)
        or _keyword(case)
        or _conversation(case)
        or _weak_keyword(case)
        or _last_resort(case, reading)
        or _default(case)
    )


def _may_be_reserved(case: _Case) -> bool:
    words, tokens = case.entry.words, case.folded.tokens
    return not tokens or tokens[0] in words.openers or "".join(tokens[: case.folded.size]) in words.reserved


def _open_question(case: _Case) -> Decision | None:
    if not case.live:
        return None
    fitting = answered(case.entry, case.request.text, case.folded, case.live)
    if not fitting:
        return None
    picked = pick(case.entry, [context for context, _ in fitting])
    if picked.context is None:
        return to_nobody(picked)
    answer = next(answer for context, answer in fitting if context is picked.context)
    if picked.context.is_asked_by_number and answer == "no":
        return to_declined(picked.context)
    return to_context(picked.context, case.request.text, "open_question", answer)


def _unless_asked(case: _Case, reading: Reading | None) -> Decision | None:
    """CANCEL or NO: opts out, unless a question that takes any text is open and the word is an answer."""
    if reading is None or reading.force is not Force.UNLESS_ASKED:
        return None
    is_answer = "".join(case.folded.tokens[: case.folded.size]) in case.entry.words.no
    if is_answer and any(map(is_free_text, case.live)):
        return None
    return to_reserved(case.entry, reading.outcome, reading.word, reading.rule, case.live)


def _reserved_and_keyword(case: _Case, lead: Lead | None) -> Decision | None:
    """STOP PIZZA, HELP PIZZA, START PIZZA: that keyword's tenant only.

    Where others hold the word at other times, a stop may be meant for what one of them sent: it is for everyone.
    """
    if lead is None or (lead.outcome is not RouteOutcome.OPT_OUT and case.winner is not None and case.winner.is_strong):
        return None
    text = case.request.text
    rest = after(text, locate(text, case.folded.tokens[: lead.tokens])[1])
    folded = fold(rest)
    found = find(case.entry, case.table, rest, folded, case.request.at)
    winner = found.winner
    if winner is None:
        return None
    behind = folded.tokens[winner.hit.tokens : folded.size]
    if not winner.hit.is_whole and (folded.is_long or not is_made_of(behind, case.entry.words.polite)):
        return None
    if lead.outcome is RouteOutcome.OPT_OUT and len({case.table.tenant_of(row) for row in winner.hit.rows}) > 1:
        return to_reserved(case.entry, lead.outcome, lead.word, "opt_out_phrase", case.live)
    return to_reserved_keyword(case.table, lead.outcome, lead.word, winner.keyword, rest)


def _plain_stop(case: _Case, lead: Lead | None) -> Decision | None:
    """STOP PLEASE, STOP TEXTING ME: what any reasonable reader takes for an opt-out."""
    if lead is not None and is_plain_stop(case.entry, case.folded, lead):
        return to_reserved(case.entry, RouteOutcome.OPT_OUT, lead.word, "opt_out_phrase", case.live)
    if case.winner is not None and case.winner.is_strong:
        return None
    phrase = read_phrase(case.entry, case.folded)
    if phrase is None:
        return None
    return to_reserved(case.entry, RouteOutcome.OPT_OUT, phrase, "opt_out_phrase", case.live)


def _keyword(case: _Case) -> Decision | None:
    """A whole message beats an open free-text question; a keyword with text after it only if it is that tenant's."""
    winner, doubt = case.winner, case.found.doubt
    if winner is not None and winner.is_strong:
        return _to_keyword(case, winner, "keyword_whole")
    if doubt is not None and is_settled(doubt):
        return _nobodys_word()
    questions = [context for context in case.live if is_free_text(context)]
    askers = {context.tenant_id for context in questions}
    if questions and (winner is None or case.table.tenant_of(winner.spelling) not in askers):
        picked = pick(case.entry, questions)
        if picked.context is None:
            return to_nobody(picked)
        return to_context(picked.context, case.request.text, "free_text_question")
    if winner is not None and winner.hit.match_class == EXACT:
        return _to_keyword(case, winner, "keyword")
    return _nobodys_word() if doubt is not None and doubt.match_class == EXACT else None


def _to_keyword(case: _Case, winner: Winner, rule: str) -> Decision:
    return to_keyword(case.table, winner, case.request.text, case.folded, rule)


def _conversation(case: _Case) -> Decision | None:
    talks = [context for context in case.live if not context.is_asked_by_number]
    if not talks:
        return None
    picked = pick(case.entry, talks)
    if picked.context is None:
        return to_nobody(picked)
    return to_context(picked.context, case.request.text, "conversation")


def _weak_keyword(case: _Case) -> Decision | None:
    if case.found.doubt is not None:
        return _nobodys_word()
    return None if case.winner is None else _to_keyword(case, case.winner, "keyword_weak")


def _nobodys_word() -> Decision:
    reason = "several tenants hold this word"
    return Decision(outcome=RouteOutcome.NONE, rule="ambiguous_keyword", reason=reason)


def _last_resort(case: _Case, reading: Reading | None) -> Decision | None:
    """A word of compliance in a language that the number does not have, when nothing else fits."""
    if reading is None or reading.force is not Force.LAST_RESORT:
        return None
    return to_reserved(case.entry, reading.outcome, reading.word, reading.rule, case.live)


def _default(case: _Case) -> Decision:
    return to_default(case.entry, case.request.text)


def _with_intent(case: _Case, decision: Decision) -> Decision:
    """A strong opt-out word inside a longer text changes nothing, but somebody should read it."""
    if decision.outcome not in _MAY_HIDE_A_STOP:
        return decision
    tokens = case.folded.tokens
    if decision.outcome is RouteOutcome.KEYWORD and case.winner is not None:
        tokens = tokens[case.winner.hit.tokens :]
    intent = opt_out_intent(case.entry, tokens)
    if intent is None:
        return decision
    return decision._replace(details={**decision.details, "opt_out_intent": intent.word})


def needs_contexts(table: RoutingTable, number_id: NumberId, text: str, *, may_have_choices: bool = True) -> bool:
    """Whether the decision can depend on open questions or conversations, so that they must be loaded.

    ``may_have_choices=False`` says that no open question on this number offers a set of words: then a message that is
    a keyword as it stands needs none either.
    """
    entry = table.entry(number_id)
    if entry is None:
        return False
    folded = fold(text)
    key = "".join(folded.tokens[: folded.size])
    if not folded.is_long and key in entry.words.opt_out:
        return False
    if may_have_choices or folded.is_long:
        return True
    row = entry.index.get(key)
    is_plain = isinstance(row, int) and row >= 0 and table.columns.masks[row] == folded.mask
    return not is_plain or key.isdigit() or key in entry.words.yes or key in entry.words.no
