"""Pure parts of contexts: what opens one, what a loaded one is to routing, and their limits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from twoway_router.consent.rules import Person
from twoway_router.domain.ids import KeywordId, TenantId
from twoway_router.routing.types import Context, ContextKind

OPEN_PER_SENDER: Final = 10
"""Open questions to one sender on one number, one of each tenant; a new one beyond that closes the oldest."""

NUMBER_QUESTION_LIFETIME: Final = timedelta(hours=24)
"""How long the number's own questions wait, and how long it does not ask again which tenant is meant."""

NUMBER_QUESTIONS: Final = frozenset(("choose", "did_you_mean"))
"""The origins of the number's own questions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question that has been sent. ``offers_words``: its answers may be keywords or words of another language."""

    person: Person
    tenant_id: TenantId
    origin: str
    expected: str
    lifetime: timedelta
    choices: tuple[str, ...] = ()
    language: str | None = None
    keyword_id: UUID | None = None
    keyword_revision: int | None = None
    sub_keyword: str | None = None
    ordinal: int | None = None
    inbound_message_id: UUID | None = None
    target_id: UUID | None = None
    offers_words: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Recent:
    """A tenant and a sender have just been in touch: a recent context begins, or lasts longer."""

    person: Person
    tenant_id: TenantId
    lifetime: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A message that answers a question."""

    context_id: UUID
    inbound_message_id: UUID
    answer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredContext:
    """A context as its row has it."""

    id: UUID
    number_id: UUID
    sender: str
    tenant_id: UUID
    kind: str
    origin: str
    expected: str | None
    choices: list[str]
    language: str | None
    keyword_id: UUID | None
    keyword_revision: int | None
    sub_keyword: str | None
    ordinal: int | None
    inbound_message_id: UUID | None
    target_id: UUID | None
    last_at: datetime
    expires_at: datetime
    answered_by: UUID | None = None

    @property
    def revision(self) -> tuple[UUID, int] | None:
        """The keyword revision that has the question."""
        if self.keyword_id is None or self.keyword_revision is None:
            return None
        return self.keyword_id, self.keyword_revision

    @property
    def person(self) -> Person:
        return Person(number_id=self.number_id, msisdn=self.sender)

    def as_context(self, at: datetime) -> Context:
        """As routing sees it at a moment. Another machine's clock may be ahead: the age is never negative."""
        age = max(0.0, (at - self.last_at).total_seconds())
        return Context(
            context_id=str(self.id),
            tenant_id=TenantId(self.tenant_id),
            kind=ContextKind(self.kind),
            age_seconds=age,
            lifetime_seconds=age + (self.expires_at - at).total_seconds(),
            expected=self.expected,
            choices=tuple(self.choices),
            language=self.language,
            keyword_id=KeywordId(self.keyword_id) if self.keyword_id else None,
            is_asked_by_number=self.origin in NUMBER_QUESTIONS,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PastContext:
    """A context of the person who sent a stored message, beside what is known of both.

    ``was_in_touch``: the person had written to the tenant within the recent context's lifetime, though it has been
    refreshed since. ``decided``: it decided the message's route.
    """

    message_id: UUID
    at: datetime
    context: StoredContext
    closed_at: datetime | None
    was_in_touch: bool
    decided: bool

    @property
    def was_open(self) -> bool:
        """Whether the context was live when the message came in, as far as the rows show."""
        if self.decided or self.context.answered_by == self.message_id:
            return True
        if self.context.kind == ContextKind.RECENT and self.context.last_at >= self.at:
            return self.was_in_touch
        is_unclosed = self.closed_at is None or self.closed_at >= self.at
        return self.context.last_at < self.at < self.context.expires_at and is_unclosed


def needs_word_choices(number_languages: Collection[str], choices: Collection[str], language: str | None) -> bool:
    """Whether an answer may be something that looks like a keyword and nothing else (``routing.plan.needs_contexts``)."""
    return any(not choice.isdigit() for choice in choices) or (
        language is not None and language not in {*number_languages, "en"}
    )
