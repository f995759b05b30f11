"""The contexts that are open with senders: loaded for a whole batch before it routes.

Called by ``accept``. Only messages whose route may depend on a context are looked up, all in one statement.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from twoway_router.consent.rules import Person
from twoway_router.contexts import service as contexts
from twoway_router.contexts.rules import StoredContext
from twoway_router.domain.messages import InboundMessage, SenderKind
from twoway_router.keywords.follower import RoutingCache
from twoway_router.routing.plan import needs_contexts
from twoway_router.routing.types import Context, Decision, NumberRules, RouteOutcome, Rule
from twoway_router.store.transaction import Session


class OpenContexts:
    """What was open with the batch's senders, and what the batch closes. Used for one batch."""

    def __init__(self, found: dict[Person, list[StoredContext]]) -> None:
        self._found = found
        self._declined: dict[UUID, UUID] = {}

    @classmethod
    async def load(
        cls,
        session: Session,
        cache: RoutingCache,
        arrived: Iterable[tuple[NumberRules | None, InboundMessage]],
        now: datetime,
    ) -> "OpenContexts":
        """One statement for all whose text alone does not decide; none when nobody needs it."""
        people = {
            Person(number_id=number.number_id, msisdn=message.sender)
            for number, message in arrived
            if number is not None
            and message.sender_kind is SenderKind.MSISDN
            and needs_contexts(
                cache.table,
                number.number_id,
                message.text,
                may_have_choices=number.number_id in cache.word_choices,
            )
        }
        return cls(await contexts.load(session, people, now))

    def of(self, number: NumberRules, message: InboundMessage, at: datetime) -> tuple[Context, ...]:
        """What is open with this sender."""
        if not self._found:
            return ()
        found = self._found.get(Person(number_id=number.number_id, msisdn=message.sender), ())
        return tuple(context.as_context(at) for context in found)

    def note(self, message_id: UUID, number: NumberRules, message: InboundMessage, decision: Decision) -> None:
        """Remember what a decision closes. What a STOP will close is not there for later messages of the batch either."""
        if message.sender_kind is not SenderKind.MSISDN:
            return
        person = Person(number_id=number.number_id, msisdn=message.sender)
        if decision.outcome is RouteOutcome.OPT_OUT:
            left = [each for each in self._found.pop(person, ()) if decision.tenant_id not in (None, each.tenant_id)]
            if left:
                self._found[person] = left
        elif decision.rule is Rule.OFFER_DECLINED and decision.context_id:
            self._declined[message_id] = UUID(decision.context_id)

    async def close(self, session: Session, inserted: frozenset[UUID], now: datetime) -> None:
        """Close the questions that the new messages of the batch have declined."""
        declined = [context_id for message_id, context_id in self._declined.items() if message_id in inserted]
        await contexts.close(session, declined, now=now)
