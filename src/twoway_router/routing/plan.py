"""Choose where one message goes: the whole decision as one pure function, the same for live traffic, dry run and replay.

Called by ``ingress``, ``management`` and the command line. The order of the steps is the order of the table in
docs/routing.md: words of compliance, open questions, keyword, free text, live context, weaker matches, default.
"""

from typing import Final, NamedTuple

from twoway_router.domain.ids import NumberId
from twoway_router.routing.answers import is_free_text
from twoway_router.routing.anywhere import find_anywhere
from twoway_router.routing.choose import Found, find, find_advert, is_settled
from twoway_router.routing.contexts import answered, live_contexts, pick
from twoway_router.routing.decisions import (
    candidates,
    to_contested,
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
    may_hold_a_wish,
    read_lead,
    read_phrase,
    read_whole,
    read_wish,
)
from twoway_router.routing.suggest import with_suggestion
from twoway_router.routing.text import Folded, after, fold, locate
from twoway_router.routing.types import Context, Decision, Reason, RouteOutcome, RouteRequest, Rule

_MAY_HIDE_A_STOP: Final = (RouteOutcome.KEYWORD, RouteOutcome.CONTEXT, RouteOutcome.DEFAULT)
_AMBIGUOUS: Final = Decision(outcome=RouteOutcome.NONE, rule=Rule.AMBIGUOUS_KEYWORD, reason=Reason.SEVERAL_HOLDERS)


class _Case(NamedTuple):
    """One message with everything that was found out about it."""

    table: RoutingTable
    entry: NumberEntry
    request: RouteRequest
    folded: Folded
    found: Found
    live: list[Context]


def choose_route(table: RoutingTable, request: RouteRequest, *, explain: bool = False) -> Decision:
    """Decide where a message goes. Never fails, whatever the text holds; the same input gives the same answer.

    Explained, it also says what was looked at and what a courtesy reply may ask about (``suggest``).
    """
    entry = table.entry(request.number_id)
    if entry is None:
        return Decision(outcome=RouteOutcome.NONE, rule=Rule.UNKNOWN_NUMBER, reason=Reason.NO_SUCH_NUMBER)
    folded = fold(request.text)
    found = find(entry, table, request.text, folded, request.at, all_hits=explain)
    if found.winner is None:
        frame, tokens = entry.words.frame, folded.tokens
        # An advert holds a verb or begins with a subject (Re:); one that begins with its keyword leaves a refused match.
        if found.hits or not frame.verbs.isdisjoint(tokens) or not frame.subjects.isdisjoint(tokens[:1]):
            found = find_advert(entry, table, request.text, request.at, found)
    live = live_contexts(entry, request) if request.contexts else []
    decision = _decide(_Case(table, entry, request, folded, found, live))
    if explain:
        if (
            decision.rule is Rule.KEYWORD_ANYWHERE
            and (loose := find_anywhere(entry, table, request.text, request.at)) is not None
        ):
            found = Found(loose.winner, None, [*found.hits, loose.winner.hit])
        decision = with_suggestion(table, request, decision)
        return decision._replace(candidates=candidates(table, found, decision))
    return decision


def _decide(case: _Case) -> Decision:
    """The rows of the decision table, in its order."""
    entry, words, folded, winner, live = case.entry, case.entry.words, case.folded, case.found.winner, case.live
    text, tokens = case.request.text, folded.tokens
    is_strong = winner is not None and winner.is_strong
    # Nearly all messages have no live context and do not begin as a word of compliance does. Then only the rows of
    # keywords and the default can fit, and the reading of reserved words, which costs more than the match, is left out.
    is_alone = not live and bool(tokens)
    is_alone = is_alone and tokens[0] not in words.openers and "".join(tokens[: folded.size]) not in words.reserved
    is_exact = winner is not None and winner.is_exact
    if is_alone and winner is not None and (is_strong or (is_exact and winner.is_declared)):
        return to_keyword(case.table, winner, text, folded, Rule.KEYWORD_WHOLE)
    is_alone = is_alone and not may_hold_a_wish(words, text, folded)
    if is_alone and is_exact and winner is not None:
        return to_keyword(case.table, winner, text, folded, Rule.KEYWORD)
    reading = read_whole(entry, folded, is_keyword=is_strong)
    if is_alone and winner is None and reading is None and case.found.doubt is None:
        return _keyword_anywhere(case) or to_default(entry, text)
    # The owner of a dedicated number may hold HELP or START as a keyword of its own. STOP yields to no keyword.
    if reading is not None and is_strong and not entry.is_shared and reading.outcome is not RouteOutcome.OPT_OUT:
        reading = None
    if reading is not None and reading.force is Force.ALWAYS:
        return to_reserved(entry, reading.outcome, reading.word, reading.rule, live)
    lead = read_lead(entry, folded)
    decision = (
        _open_question(case)
        or _opt_out_unless_asked(case, reading)
        or _reserved_word_and_keyword(case, lead)
        or _plain_stop(case, lead)
        or _keyword(case)
        or _live_context(case)
        or _weak_keyword_or_default(case, reading)
    )
    return _with_intent(case, decision)


def _open_question(case: _Case) -> Decision | None:
    if not case.live:
        return None
    fitting = answered(case.entry, case.table, case.request.text, case.folded, case.live)
    if not fitting:
        return None
    picked = pick(case.entry, [context for context, _ in fitting])
    if picked.context is None:
        return to_nobody(picked)
    answer = next(answer for context, answer in fitting if context is picked.context)
    if picked.context.is_asked_by_number and answer == "no":
        return to_declined(picked.context)
    return to_context(picked.context, case.request.text, Rule.OPEN_QUESTION, answer)


def _opt_out_unless_asked(case: _Case, reading: Reading | None) -> Decision | None:
    """CANCEL: opts out, as no question expects it."""
    if reading is None or reading.force is not Force.UNLESS_ASKED:
        return None
    return to_reserved(case.entry, reading.outcome, reading.word, reading.rule, case.live)


def _reserved_word_and_keyword(case: _Case, lead: Lead | None) -> Decision | None:
    """STOP PIZZA, HELP PIZZA, START PIZZA: that keyword's tenant only."""
    winner = case.found.winner
    # HELP DESK may be a keyword itself, and then it is meant. A keyword never begins with an opt-out word.
    if lead is None or (lead.outcome is not RouteOutcome.OPT_OUT and winner is not None and winner.is_strong):
        return None
    text = case.request.text
    rest = after(text, locate(text, case.folded.tokens[: lead.tokens])[1])
    folded = fold(rest)
    named = find(case.entry, case.table, rest, folded, case.request.at).winner
    if named is None:
        return None
    # Nothing but courtesy may follow: STOP PIZZA PLEASE is about PIZZA, "stop pizza is too cold" is a sentence.
    behind = folded.tokens[named.hit.tokens : folded.size]
    if not named.hit.is_whole and (folded.is_long or not is_made_of(behind, case.entry.words.polite)):
        return None
    # Where others hold the word at other times, the sender may mean what one of them sent: the stop is for everyone.
    if lead.outcome is RouteOutcome.OPT_OUT and len({case.table.tenant_of(row) for row in named.hit.rows}) > 1:
        return to_reserved(case.entry, lead.outcome, lead.word, Rule.OPT_OUT_PHRASE, case.live)
    return to_reserved_keyword(case.table, lead.outcome, lead.word, named.keyword, rest)


def _plain_stop(case: _Case, lead: Lead | None) -> Decision | None:
    """STOP PLEASE, STOP TEXTING ME: what any reasonable reader takes for an opt-out."""
    if lead is not None and is_plain_stop(case.entry, case.folded, lead):
        return to_reserved(case.entry, RouteOutcome.OPT_OUT, lead.word, Rule.OPT_OUT_PHRASE, case.live)
    if case.found.winner is not None and case.found.winner.is_strong:
        return None
    phrase = read_phrase(case.entry, case.folded)
    # Behind a keyword a sentence is that keyword's text.
    if phrase is None and (case.found.winner is None or case.found.winner.hit.match_class != EXACT):
        wish = read_wish(case.entry, case.request.text, case.folded)
        phrase = wish.word if wish is not None and wish.is_plain else None
    if phrase is None:
        return None
    return to_reserved(case.entry, RouteOutcome.OPT_OUT, phrase, Rule.OPT_OUT_PHRASE, case.live)


def _keyword(case: _Case) -> Decision | None:
    """A whole message beats an open free-text question; a keyword with text after it only if it is that tenant's.

    A declared sub-keyword is part of the keyword: REPARAR BAÑO is a whole message.
    """
    winner, doubt, text = case.found.winner, case.found.doubt, case.request.text
    if winner is not None and (winner.is_strong or winner.is_declared):
        return to_keyword(case.table, winner, text, case.folded, Rule.KEYWORD_WHOLE)
    if case.found.is_contested:
        return to_contested(case.entry, case.table, case.found, text, case.folded)
    if doubt is not None and is_settled(doubt):
        return _AMBIGUOUS
    questions = [context for context in case.live if is_free_text(context)]
    askers = {context.tenant_id for context in questions}
    if questions and (winner is None or case.table.tenant_of(winner.spelling) not in askers):
        picked = pick(case.entry, questions)
        return (
            to_nobody(picked) if picked.context is None else to_context(picked.context, text, Rule.FREE_TEXT_QUESTION)
        )
    if winner is not None and winner.is_exact:
        return to_keyword(case.table, winner, text, case.folded, Rule.KEYWORD)
    return _AMBIGUOUS if doubt is not None and doubt.match_class == EXACT else None


def _live_context(case: _Case) -> Decision | None:
    """The tenant that has a question open with the sender, or was last in touch. The number's own questions are none."""
    contexts = [context for context in case.live if not context.is_asked_by_number]
    if not contexts:
        return None
    picked = pick(case.entry, contexts)
    if picked.context is None:
        return to_nobody(picked)
    return to_context(picked.context, case.request.text, Rule.CONVERSATION)


def _weak_keyword_or_default(case: _Case, reading: Reading | None) -> Decision:
    """What is left: a weaker match, a word of compliance in a language that the number does not have, the default."""
    if case.found.doubt is not None:
        return _AMBIGUOUS
    if case.found.winner is not None:
        return to_keyword(case.table, case.found.winner, case.request.text, case.folded, Rule.KEYWORD_WEAK)
    if reading is not None and reading.force is Force.LAST_RESORT:
        return to_reserved(case.entry, reading.outcome, reading.word, reading.rule, case.live)
    return _keyword_anywhere(case) or to_default(case.entry, case.request.text)


def _keyword_anywhere(case: _Case) -> Decision | None:
    """On a dedicated number: a keyword that may stand anywhere, or takes any text."""
    loose = find_anywhere(case.entry, case.table, case.request.text, case.request.at)
    if loose is None:
        return None
    text, span = case.request.text, loose.span
    return to_keyword(case.table, loose.winner, text, case.folded, Rule.KEYWORD_ANYWHERE, stands=span)


def _with_intent(case: _Case, decision: Decision) -> Decision:
    """What may be a wish for an end, inside a longer text, changes nothing, but somebody should read it."""
    if decision.outcome not in _MAY_HIDE_A_STOP:
        return decision
    text, folded, winner = case.request.text, case.folded, case.found.winner
    if decision.outcome is RouteOutcome.KEYWORD and winner is not None:
        text = after(text, locate(text, folded.tokens[: winner.hit.tokens])[1])
        folded = fold(text)
    wish = read_wish(case.entry, text, folded)
    if wish is None:
        return decision
    return decision._replace(details={**decision.details, "opt_out_intent": wish.word.word})


def needs_contexts(table: RoutingTable, number_id: NumberId, text: str, *, may_have_choices: bool = True) -> bool:
    """Whether the decision can depend on the sender's contexts, so that they must be loaded.

    ``may_have_choices=False``: no question on this number expects one of a set of words. Then a message that is a keyword
    as it stands needs no contexts either.
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
