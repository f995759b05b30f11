"""The cast of the routing tests: tenants, numbers, and builders with defaults."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.domain.messages import Sharing
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import Context, ContextKind, Decision, KeywordRules, NumberRules, RouteRequest

PIZZERIA = TenantId(UUID(int=1))
GYM = TenantId(UUID(int=2))
RADIO = TenantId(UUID(int=3))
SHARED = NumberId(UUID(int=100))
OTHER = NumberId(UUID(int=101))
OWNED = NumberId(UUID(int=102))
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ANN = "+34600000001"

SHARED_RULES = NumberRules(
    number_id=SHARED, country="ES", address="12345", sharing=Sharing.SHARED, languages=("es", "en")
)
OTHER_RULES = NumberRules(number_id=OTHER, country="IT", address="12345", sharing=Sharing.SHARED, languages=("it",))
OWNED_RULES = NumberRules(
    number_id=OWNED, country="ES", address="34600000000", sharing=Sharing.DEDICATED, owner=GYM, languages=("es",)
)
NUMBERS = (SHARED_RULES, OTHER_RULES, OWNED_RULES)


def a_keyword(
    word: str, tenant_id: TenantId = PIZZERIA, number_id: NumberId = SHARED, **options: object
) -> KeywordRules:
    """A keyword whose id follows from who holds what where; aliases after a comma."""
    fields = {
        "keyword_id": KeywordId(uuid5(tenant_id, f"{number_id}:{word}")),
        "tenant_id": tenant_id,
        "number_id": number_id,
        "spellings": tuple(word.split(",")),
    }
    return KeywordRules(**(fields | options))  # type: ignore[arg-type]  # a builder: fields by name


def a_table(*keywords: KeywordRules) -> RoutingTable:
    return RoutingTable.build(NUMBERS, keywords)


def a_question(tenant_id: TenantId, expected: str | None, age_seconds: float = 60) -> Context:
    return Context(
        context_id=f"{tenant_id}:{expected}",
        tenant_id=tenant_id,
        kind=ContextKind.QUESTION,
        age_seconds=age_seconds,
        lifetime_seconds=3_600,
        expected=expected,
    )


def route(
    table: RoutingTable,
    text: str,
    *contexts: Context,
    number_id: NumberId = SHARED,
    at: datetime = NOON,
    explain: bool = False,
) -> Decision:
    request = RouteRequest(number_id=number_id, sender=ANN, text=text, at=at, contexts=contexts)
    return choose_route(table, request, explain=explain)
