"""The routing table of one process, kept current by the change feed. Read by ``ingress`` and by route previews."""

import gc
from collections.abc import Sequence
from uuid import UUID

from twoway_router.contexts.service import list_word_choices
from twoway_router.domain.ids import ConnectionId, KeywordId, NumberId
from twoway_router.keywords.queries import list_keyword_ids_of_tenant, list_keyword_rules
from twoway_router.numbers.service import RoutedNumber, list_routed_numbers
from twoway_router.routing.barred_words import NO_BARRED_WORDS, BarredWords
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.types import NumberRules
from twoway_router.store import changes
from twoway_router.store.changes import Change
from twoway_router.store.transaction import Session
from twoway_router.telemetry.metrics import INDEX_KEYWORDS, INDEX_VERSION


class RoutingCache:
    """A ``store.follower.Cache``. Updates happen between two awaits: no message is routed by a table that is half changed."""

    def __init__(self, barred_words: BarredWords = NO_BARRED_WORDS) -> None:
        self._barred_words = barred_words
        self.table = RoutingTable(barred_words)
        self.word_choices: frozenset[UUID] = frozenset()
        self._numbers: dict[tuple[ConnectionId, str], NumberRules] = {}
        self._addresses: dict[NumberId, tuple[ConnectionId, str]] = {}

    def find_number(self, connection_id: ConnectionId, address: str) -> NumberRules | None:
        """The number that this connection may bring messages for; None for another connection's number."""
        return self._numbers.get((connection_id, address))

    async def load(self, session: Session) -> None:
        """Build the whole table (about five seconds per million keywords), then take it out of the collector's sight.

        Its version is read first: it may contain more than that, never less.
        """
        version = await changes.newest(session)
        numbers = await list_routed_numbers(session)
        keywords = await list_keyword_rules(session)
        self.table = RoutingTable.build(
            [number.rules for number in numbers], keywords, version=version, barred_words=self._barred_words
        )
        self.word_choices = await list_word_choices(session)
        gc.freeze()
        self._numbers.clear()
        self._addresses.clear()
        for number in numbers:
            self._put_number(number)
        INDEX_KEYWORDS.set(len(self.table))
        INDEX_VERSION.set(version)

    async def apply(self, session: Session, news: Sequence[Change]) -> None:
        """Reload exactly what changed. Everything is read before anything is changed."""
        number_ids = {change.subject_id for change in news if change.kind == "number"}
        keyword_ids = {change.subject_id for change in news if change.kind == "keyword"}
        for tenant in {change.subject_id for change in news if change.kind == "tenant"}:
            keyword_ids.update(await list_keyword_ids_of_tenant(session, tenant))
        numbers = await list_routed_numbers(session, number_ids) if number_ids else ()
        keywords = await list_keyword_rules(session, keyword_ids) if keyword_ids else ()
        self.word_choices = await list_word_choices(session) if number_ids else self.word_choices
        # all old addresses go before the first new one comes, and removed keywords before the others: numbers may have
        # swapped their addresses, and words their tenants
        for number in numbers:
            if address := self._addresses.pop(number.rules.number_id, None):
                self._numbers.pop(address, None)
        for number in numbers:
            self.table.put_number(number.rules)
            self._put_number(number)
        for gone in keyword_ids - {keyword.keyword_id for keyword in keywords}:
            self.table.remove_keyword(KeywordId(gone))
        for keyword in keywords:
            self.table.put_keyword(keyword)
        self.table.version = news[-1].sequence
        INDEX_VERSION.set(self.table.version)

    def _put_number(self, number: RoutedNumber) -> None:
        """Open the number's address. A disabled number keeps its keywords in the table but has no address."""
        if not number.is_active:
            return
        address = (number.connection_id, number.rules.address)
        self._numbers[address] = number.rules
        self._addresses[number.rules.number_id] = address
