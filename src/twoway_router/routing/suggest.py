"""The keyword that a courtesy reply may ask about ("did you mean PIZZA?"). Called for messages that reached nobody.

It costs ten times as much as the decision, so it stands apart: ``ingress`` and replays ask for it, route diffs do not.
"""

from typing import Final

from twoway_router.domain.ids import KeywordId
from twoway_router.routing.choose import window_of
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.text import HEAD, fold
from twoway_router.routing.types import Decision, RouteRequest, Rule, WindowState
from twoway_router.routing.weaker_matches import one_edit_away

_MOST_WORDS: Final = 3


def with_suggestion(table: RoutingTable, request: RouteRequest, decision: Decision) -> Decision:
    """The same decision; if it leads to the courtesy reply, with the one keyword that the sender may have meant."""
    if decision.rule is not Rule.COURTESY or len(decision.rest) > HEAD or decision.rest.count(" ") > _MOST_WORDS:
        return decision
    entry, folded = table.entry(request.number_id), fold(request.text)
    if entry is None or folded.is_long or not 0 < folded.size <= _MOST_WORDS:
        return decision
    tokens = folded.tokens[: folded.size]
    if all(map(entry.words.is_common, tokens)):
        return decision
    rows = one_edit_away(entry, table, "".join(tokens))
    keyword = table.columns.keyword[rows[0]] if rows else None
    if keyword is None or window_of(table, keyword, request.at) is not WindowState.OPEN:
        return decision
    return decision._replace(suggestion=KeywordId(table.columns.keyword_id(keyword)))
