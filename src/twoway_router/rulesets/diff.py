"""What a draft of a number's keywords would change: the same messages by both tables. Pure; called by ``management.diffs``."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import Decision, RouteRequest

Name = TypeVar("Name")

_COMPARED = ("outcome", "tenant_id", "keyword_id", "sub_keyword", "rest", "window")


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteChange(Generic[Name]):
    """One message that would go elsewhere."""

    name: Name
    before: Decision
    after: Decision


def diff_routes(
    before: RoutingTable, after: RoutingTable, messages: Iterable[tuple[Name, RouteRequest]]
) -> Iterator[RouteChange[Name]]:
    """The messages that the two tables route differently, in their order."""
    for name, request in messages:
        one, other = choose_route(before, request), choose_route(after, request)
        if any(getattr(one, field) != getattr(other, field) for field in _COMPARED):
            yield RouteChange(name=name, before=one, after=other)
