"""What a tenant configures for a keyword: the definition stored with each revision, and keywords as the API shows them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.domain.errors import RouterError
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.keywords.rules import Judgement, KeywordClaim, show_collision
from twoway_router.keywords.tables import Keywords
from twoway_router.kit.conditions import Condition
from twoway_router.routing.claims import VerdictKind
from twoway_router.store.tables import AuditLog
from twoway_router.web.schemas import Moment

OPERATORS_ONLY: Final = frozenset({"internal_note", "from_tenant", "from_keyword", "to_tenant", "to_keyword"})
"""What only operators read in a keyword's history."""

ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Part(BaseModel):
    """Base of everything inside a definition: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ActionBase(Part):
    """``name`` is what later actions call this one's values by; ``condition`` decides whether it runs."""

    name: ActionName | None = None
    condition: Condition | None = None


class ReplySpec(ActionBase):
    """Answer the sender on the number the message came to. ``text`` is a Liquid template."""

    kind: Literal["reply"]
    text: str = Field(min_length=1, max_length=1600)


class IssueCouponSpec(ActionBase):
    """Take a code from a pool. Later actions read ``coupon.code`` (or ``<name>.code``).

    ``empty_text`` is answered when the pool has no code left; actions that use the code are then skipped.
    """

    kind: Literal["issue_coupon"]
    pool_id: UUID
    empty_text: str | None = Field(None, min_length=1, max_length=1600)


class CallWebhookSpec(ActionBase):
    """Deliver the event ``keyword.matched`` to one of the tenant's webhook endpoints."""

    kind: Literal["call_webhook"]
    endpoint_id: UUID


class SendEmailSpec(ActionBase):
    """Send an e-mail. ``subject`` and ``text`` are Liquid templates."""

    kind: Literal["send_email"]
    recipients: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)], ...] = Field(
        min_length=1, max_length=5
    )
    subject: str = Field(min_length=1, max_length=200)
    text: str = Field(min_length=1, max_length=10_000)


PlainActionSpec = Annotated[ReplySpec | IssueCouponSpec | CallWebhookSpec | SendEmailSpec, Field(discriminator="kind")]
Word = Annotated[str, Field(min_length=1, max_length=64)]


class AskSpec(ActionBase):
    """Send a question and wait for its answer. Templates of ``on_answer`` read it as ``answer``.

    The keys of ``on_answer`` are ``yes`` and ``no``, a choice, a number or range of the scale (``0-6``), and ``any`` for
    answers without a key of their own. A question is answered once.
    """

    kind: Literal["ask"]
    text: str = Field(min_length=1, max_length=1600)
    expected: Literal["yes_no", "choice", "scale", "free_text"]
    choices: tuple[Word, ...] = Field((), max_length=10, description="For `choice`: what may be answered.")
    lifetime_minutes: int = Field(1440, ge=1, le=43_200)
    language: str | None = Field(
        None, pattern=r"^[a-z]{2,3}$", description="Of yes and no; the number's languages if left out."
    )
    on_answer: dict[str, Annotated[tuple[PlainActionSpec, ...], Field(max_length=10)]] = Field(
        default_factory=dict, max_length=12
    )


ActionSpec = Annotated[
    ReplySpec | IssueCouponSpec | CallWebhookSpec | SendEmailSpec | AskSpec, Field(discriminator="kind")
]
Actions = Annotated[tuple[ActionSpec, ...], Field(max_length=10)]


class SubKeywordDefinition(Part):
    """A second word. Its actions run instead of the keyword's own."""

    word: Word
    aliases: tuple[Word, ...] = Field((), max_length=20)
    actions: Actions = ()


class KeywordDefinition(Part):
    """One immutable revision: all that is needed to run a message that matched it."""

    word: Word
    aliases: tuple[Word, ...] = Field((), max_length=50)
    actions: Actions = ()
    sub_keywords: tuple[SubKeywordDefinition, ...] = Field((), max_length=100)
    active_from: Moment | None = None
    active_until: Moment | None = None
    too_early_text: str | None = Field(None, min_length=1, max_length=1600)
    too_late_text: str | None = Field(None, min_length=1, max_length=1600)
    limit: int | None = Field(
        None, ge=1, le=100_000_000, description="Only the first so many messages run the actions; see `sold_out_text`."
    )
    sold_out_text: str | None = Field(None, min_length=1, max_length=1600)
    is_glued: bool = False
    is_whole_message: bool = False


_EXAMPLE: Final[Mapping[str, Any]] = {
    "number_id": "0198c0dd-4444-7ddd-8eee-3c3d3e3f4041",
    "word": "FREEBURGER",
    "aliases": ["FREE BURGER"],
    "actions": [
        {
            "kind": "issue_coupon",
            "pool_id": "0198c0dd-2222-7bbb-8ccc-1c1d1e1f2021",
            "empty_text": "Sorry, all burgers are gone.",
        },
        {"kind": "reply", "text": "Your free burger: {{ coupon.code }}"},
    ],
}


class KeywordPut(KeywordDefinition):
    """The whole definition of a keyword as it shall be from now on."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{key: value for key, value in _EXAMPLE.items() if key != "number_id"}]},
    )

    def to_claim(self, number_id: NumberId, *, is_override: bool = False) -> KeywordClaim:
        """What the service is asked for."""
        return KeywordClaim(
            number_id=number_id,
            word=self.word,
            aliases=self.aliases,
            definition=self.model_dump(mode="json", include=set(KeywordDefinition.model_fields)),
            active_from=self.active_from,
            active_until=self.active_until,
            pools={
                action.pool_id: f"{at}/pool_id"
                for at, action in self._placed_actions()
                if isinstance(action, IssueCouponSpec)
            },
            endpoints={
                action.endpoint_id: f"{at}/endpoint_id"
                for at, action in self._placed_actions()
                if isinstance(action, CallWebhookSpec)
            },
            is_override=is_override,
        )

    def email_places(self) -> tuple[str, ...]:
        """JSON pointers of the actions that send an e-mail."""
        return tuple(at for at, action in self._placed_actions() if isinstance(action, SendEmailSpec))

    def _placed_actions(self) -> Iterator[tuple[str, ActionSpec]]:
        lists = [
            ("/actions", self.actions),
            *((f"/sub_keywords/{place}/actions", sub.actions) for place, sub in enumerate(self.sub_keywords)),
        ]
        for pointer, actions in lists:
            for place, action in enumerate(actions):
                yield f"{pointer}/{place}", action
                if isinstance(action, AskSpec):
                    for answer, steps in action.on_answer.items():
                        yield from (
                            (f"{pointer}/{place}/on_answer/{answer}/{at}", step) for at, step in enumerate(steps)
                        )


class KeywordIn(KeywordPut):
    """A keyword to claim on a number. ``tenant_id`` and ``is_override`` are for operators."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [dict(_EXAMPLE)]})

    number_id: UUID
    tenant_id: UUID | None = Field(None, description="Operators only: whose keyword it shall be.")
    is_override: bool = Field(False, description="Operators only: allow a word that needs it.")


class KeywordOut(KeywordDefinition):
    """A keyword."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    tenant_id: UUID
    number_id: UUID
    state: Literal["requested", "approved", "active", "suspended", "released"]
    is_held: bool = Field(False, description="An operator holds it back, or has suspended it.")
    revision: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, keyword: Keywords) -> Self:
        fields = ("id", "tenant_id", "number_id", "state", "is_held", "revision", "created_at", "updated_at")
        return cls.model_validate({**keyword.definition, **{name: getattr(keyword, name) for name in fields}})


class HistoryOut(BaseModel):
    """One thing that was done to a keyword."""

    id: UUID
    action: str = Field(examples=["keyword.claimed", "keyword.suspended"])
    actor: Literal["tenant", "operator"]
    actor_key_id: UUID | None = Field(description="The API key; of operators only operators see it.")
    details: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, row: AuditLog, viewer: TenantId | None) -> Self:
        """As an operator (None) or the keyword's tenant may see it."""
        is_open = viewer is None or row.actor_tenant_id == viewer
        return cls(
            id=row.id,
            action=row.action,
            actor="operator" if row.actor_tenant_id is None else "tenant",
            actor_key_id=row.actor_key_id if is_open else None,
            details={
                name: value for name, value in row.details.items() if viewer is None or name not in OPERATORS_ONLY
            },
            created_at=row.created_at,
        )


class CollisionOut(BaseModel):
    """Another tenant's keyword that the word comes near, without saying whose."""

    word: str
    spelling: str = Field(description="Which of your spellings meets it.")
    reason: str
    active_from: datetime | None = Field(None, description="Of its window, with the reason `other_window`.")
    active_until: datetime | None = None


class KeywordClaimed(KeywordOut):
    """A keyword with what to know about its word."""

    collisions: tuple[CollisionOut, ...] = Field((), description="Warnings; the keyword is yours all the same.")
    catches: tuple[str, ...] = Field((), description="Spellings that reach it.")

    @classmethod
    def claimed(cls, keyword: Keywords, judgement: Judgement) -> Self:
        collisions = tuple(CollisionOut.model_validate(show_collision(each)) for each in judgement.collisions)
        return cls.of(keyword).model_copy(update={"collisions": collisions, "catches": judgement.catches})


class Availability(BaseModel):
    """What a claim of a word would be answered now."""

    word: str
    key: str = Field(description="The word as it is compared.")
    is_available: bool
    verdict: Literal["accept", "warn", "override_needed", "refuse"]
    code: str = Field(description="Why, for programs.")
    detail: str
    free_at: datetime | None = Field(None, description="When a word that rests is free.")
    collisions: tuple[CollisionOut, ...]
    catches: tuple[str, ...] = Field(description="Spellings that would reach the keyword.")

    @classmethod
    def of(cls, word: str, judgement: Judgement, problem: RouterError | None) -> Self:
        is_held = problem is not None and judgement.kind in (VerdictKind.ACCEPT, VerdictKind.WARN)
        return cls(
            word=word,
            key=judgement.key,
            is_available=problem is None,
            verdict="refuse" if is_held else judgement.kind.value,
            code=problem.code if problem is not None and is_held else judgement.code,
            detail=problem.detail if problem is not None else judgement.detail,
            free_at=problem.extra.get("free_at") if problem is not None else None,
            collisions=tuple(CollisionOut.model_validate(show_collision(each)) for each in judgement.collisions),
            catches=judgement.catches if problem is None else (),
        )
