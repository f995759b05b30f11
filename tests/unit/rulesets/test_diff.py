"""Drafts and what they would change, as pure functions."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.domain.messages import Sharing
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import KeywordRules, NumberRules, RouteRequest
from twoway_router.rulesets.diff import diff_routes

NUMBER = NumberRules(number_id=NumberId(UUID(int=1)), country="IT", address="12345", sharing=Sharing.SHARED)
PIZZA = KeywordRules(
    keyword_id=KeywordId(UUID(int=2)),
    tenant_id=TenantId(UUID(int=3)),
    number_id=NUMBER.number_id,
    spellings=("PIZZA",),
)
CALZONE = replace(PIZZA, keyword_id=KeywordId(UUID(int=4)), spellings=("CALZONE",))


def request(text: str) -> RouteRequest:
    return RouteRequest(number_id=NUMBER.number_id, sender="+391", text=text, at=datetime(2027, 3, 1, tzinfo=UTC))


def test_only_messages_that_go_elsewhere_are_changes() -> None:
    before = RoutingTable.build([NUMBER], [PIZZA])
    after = RoutingTable.build([NUMBER], [PIZZA, CALZONE])

    changes = list(diff_routes(before, after, [(text, request(text)) for text in ("PIZZA due", "CALZONE", "boh")]))

    assert [(change.name, change.after.keyword_id) for change in changes] == [("CALZONE", CALZONE.keyword_id)]


def test_the_same_rules_change_nothing() -> None:
    table = RoutingTable.build([NUMBER], [PIZZA, CALZONE])

    assert list(diff_routes(table, table, [("PIZZA", request("PIZZA")), ("", request(""))])) == []
