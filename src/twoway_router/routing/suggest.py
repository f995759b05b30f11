"""The keyword that a courtesy reply may ask about ("did you mean PIZZA?"). Called for messages that reached nobody.

Apart from the decision because it costs ten times as much, and only a message that may be answered needs it: ``ingress``
and replays ask for it, comparisons of many messages do not.
"""

from typing import Final

from twoway_router.domain.ids import KeywordId
from twoway_router.routing.choose import window_of
from twoway_router.routing.decisions import COURTESY
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.number_entries import NumberEntry
from twoway_router.routing.text import HEAD, Folded, fold
from twoway_router.routing.types import Decision, RouteRequest, WindowState
from twoway_router.routing.weaker_matches import one_edit_away

_MOST_WORDS: Final = 3


def with_suggestion(table: RoutingTable, request: RouteRequest, decision: Decision) -> Decision:
    """The same decision; if it leads to the courtesy reply, with the one keyword that the sender may have meant."""
    if decision.rule != COURTESY or len(decision.rest) > HEAD or decision.rest.count(" ") > _MOST_WORDS:
        return decision
    entry = table.entry(request.number_id)
    if entry is None:
        return decision
    suggestion = _suggestion(table, entry, fold(request.text), request)
    return decision if suggestion is None else decision._replace(suggestion=suggestion)


def _suggestion(table: RoutingTable, entry: NumberEntry, folded: Folded, request: RouteRequest) -> KeywordId | None:
    """The one keyword that a misspelt message may mean; only ever asked about, never acted on."""
    if folded.is_long or not 0 < folded.size <= _MOST_WORDS:
        return None
    tokens = folded.tokens[: folded.size]
    if all(map(entry.words.is_common, tokens)):
        return None
    rows = one_edit_away(entry, table, "".join(tokens))
    if not rows:
        return None
    keyword = table.columns.keyword[rows[0]]
    is_open = window_of(table, keyword, request.at) is WindowState.OPEN
    return KeywordId(table.columns.keyword_id(keyword)) if is_open else None
