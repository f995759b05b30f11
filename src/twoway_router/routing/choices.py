"""Which choices of a question may not be answered by their words: those that are another tenant's keyword, or end messages.

Called when a keyword is saved (``keywords.choices``) and again for every answer (``contexts``), because words are claimed later.
Pure; it names no tenant.
"""

from collections.abc import Iterable
from enum import StrEnum

from twoway_router.domain.ids import TenantId
from twoway_router.routing.answers import names_place, plain_key
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.match import direct_hits
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.reserved import Force, is_plain_stop, read_lead, read_phrase, read_whole, read_wish
from twoway_router.routing.text import Folded, after, fold, locate
from twoway_router.routing.types import Context, RouteOutcome
from twoway_router.routing.weaker_matches import weak_hits
from twoway_router.routing.word_faults import look_alikes_of


class ChoiceFault(StrEnum):
    """What is wrong with a choice on a number. A tenant's own keyword is only a warning."""

    IS_KEYWORD = "choice_is_keyword"
    RESERVED = "choice_reserved"
    AMBIGUOUS = "choice_ambiguous"
    IS_OWN_KEYWORD = "choice_is_own_keyword"


def fault_of_choice(
    table: RoutingTable, entry: NumberEntry, tenant_id: TenantId, choice: str, folded: Folded | None = None
) -> ChoiceFault | None:
    """What a choice would take as an answer: a word of compliance, or what reaches a keyword, in any class."""
    folded = folded or fold(choice)
    if not folded.tokens:
        return None
    if _is_reserved(table, entry, choice, folded):
        return ChoiceFault.RESERVED
    holders = _holders(table, entry, folded)
    if holders - {tenant_id}:
        return ChoiceFault.IS_KEYWORD
    return ChoiceFault.IS_OWN_KEYWORD if holders else None


def _holders(table: RoutingTable, entry: NumberEntry, folded: Folded) -> set[TenantId]:
    hits = (*direct_hits(entry, table, folded), *weak_hits(entry, table, folded))
    return {table.tenant_of(row) for hit in hits if not hit.refusal for row in hit.rows}


def _is_reserved(table: RoutingTable, entry: NumberEntry, choice: str, folded: Folded) -> bool:
    """A word that counts before any question, or a wish for an end that the question would hide.

    CANCEL and its kin yield to a question, so they may be a choice; on a number of the United States or Canada they do not.
    """
    reading = read_whole(entry, folded, is_keyword=False)
    if reading is not None:
        return reading.force is Force.ALWAYS
    lead = read_lead(entry, folded)
    if lead is not None and lead.outcome is RouteOutcome.OPT_OUT:
        behind = fold(after(choice, locate(choice, folded.tokens[: lead.tokens])[1]))
        if is_plain_stop(entry, folded, lead) or _holders(table, entry, behind):
            return True
    wish = read_wish(entry, choice, folded)
    return read_phrase(entry, folded) is not None or (wish is not None and wish.is_plain)


def is_inert(table: RoutingTable, entry: NumberEntry, context: Context, answer: str, text: str, folded: Folded) -> bool:
    """Whether a choice's word is no answer (any more), though its index or letter is. Who holds it gets the message."""
    if not context.choices or context.is_asked_by_number:
        return False
    key = plain_key(folded, entry.words)
    if key.isdecimal() and names_place(key, context.choices):
        return False
    said = fault_of_choice(table, entry, context.tenant_id, text, folded)
    chosen = None if names_place(key, context.choices) else fault_of_choice(table, entry, context.tenant_id, answer)
    return not {said, chosen} <= {None, ChoiceFault.IS_OWN_KEYWORD}


def twice_meant(entry: NumberEntry, choices: Iterable[str]) -> list[str]:
    """The choices that say yes, no or an end where one before them does."""
    words, seen, found = entry.words, set[int](), list[str]()
    for choice in choices:
        key = fold(choice).key
        meant = {place for place, known in enumerate((words.yes, words.no, words.opt_out_unless_asked)) if key in known}
        if meant & seen:
            found.append(choice)
        seen |= meant
    return found


def keys_of_choices(choices: Iterable[str]) -> frozenset[str]:
    """The keys of keywords that would meet one of these choices: all its first words, in every disguise."""
    keys = set[str]()
    for choice in choices:
        tokens = fold(choice).tokens
        for count in range(1, len(tokens) + 1):
            keys |= look_alikes_of(Folded(tokens[:count], count, 0, False))
    return frozenset(keys)
