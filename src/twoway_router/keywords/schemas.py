"""Keywords as the API takes and shows them: around the definition, what a claim needs and what became of it. For ``api``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.domain.errors import RouterError
from twoway_router.domain.ids import NumberId, TenantId
from twoway_router.keywords.choices import ChoiceFinding, show_finding
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.rules import Judgement, KeywordClaim, RefusalCode, show_collision
from twoway_router.keywords.tables import Keywords
from twoway_router.routing.claims import VerdictKind
from twoway_router.routing.types import CollisionCode, VerdictCode
from twoway_router.store.tables import AuditLog

OPERATORS_ONLY: Final = frozenset({"internal_note", "from_tenant", "from_keyword", "to_tenant", "to_keyword"})
"""What only operators read in a keyword's history."""

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

    confirmed_moves: tuple[str, ...] = Field(
        (),
        max_length=10_000,
        description="Operators only: the texts that an override takes from another tenant, as the refusal listed them.",
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
            expires_at=self.expires_at,
            match=self.match,
            actions=self.placed_actions(),
            is_override=is_override,
            confirmed_moves=self.confirmed_moves,
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
    state: Literal["requested", "approved", "active", "suspended", "released"] = Field(
        description="Only an active keyword runs its actions."
    )
    is_held: bool = Field(False, description="An operator holds it back, or has suspended it.")
    revision: int = Field(description="Counts the definitions; a message runs the one that it matched.")
    releases_at: datetime | None = Field(
        None,
        description="When it will be given back by itself: at `expires_at`, or because no message comes, of which you"
        " are notified by `keyword.expiring`. Looked at every hour.",
    )
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, keyword: Keywords) -> Self:
        fields = ("id", "tenant_id", "number_id", "state", "is_held", "revision", "created_at", "updated_at")
        shown = {name: getattr(keyword, name) for name in fields} | {"releases_at": keyword.given_back_at}
        return cls.model_validate(keyword.definition | shown)


class HistoryOut(BaseModel):
    """One thing that was done to a keyword."""

    id: UUID
    action: str = Field(examples=["keyword.claimed", "keyword.suspended"])
    actor: Literal["tenant", "operator", "router"] = Field(description="The router gives back what has expired.")
    actor_key_id: UUID | None = Field(description="The API key; of operators only operators see it.")
    details: dict[str, Any] = Field(description="What the change was about.")
    created_at: datetime

    @classmethod
    def of(cls, row: AuditLog, viewer: TenantId | None) -> Self:
        """As an operator (None) or the keyword's tenant may see it."""
        is_open = viewer is None or row.actor_tenant_id == viewer
        return cls(
            id=row.id,
            action=row.action,
            actor="tenant" if row.actor_tenant_id else "operator" if row.actor_key_id else "router",
            actor_key_id=row.actor_key_id if is_open else None,
            details={
                name: value for name, value in row.details.items() if viewer is None or name not in OPERATORS_ONLY
            },
            created_at=row.created_at,
        )


class CollisionOut(BaseModel):
    """Another tenant's keyword that the word comes near, without saying whose."""

    word: str = Field(description="As its tenant writes it.")
    spelling: str = Field(description="Which of your spellings meets it.")
    reason: CollisionCode = Field(description="How they meet.")
    active_from: datetime | None = Field(None, description="Of its window, with the reason `other_window`.")
    active_until: datetime | None = None
    moves: list[str] = Field(
        [],
        description="All texts that reach it now, and would not with your word beside it. `…` stands for any text behind,"
        " `<digits>` for any digits.",
    )


class ChoiceOut(BaseModel):
    """A choice of one of your questions with what to know about it."""

    pointer: str = Field(description="Where it stands in the definition.")
    choice: str
    number: str = Field(description="The address of the number on which it is so.")
    reason: Literal["choice_is_own_keyword"]
    detail: str = Field(description="In a sentence.")


class KeywordClaimed(KeywordOut):
    """A keyword with what to know about its word and the choices of its questions."""

    collisions: tuple[CollisionOut, ...] = Field((), description="Warnings; the keyword is yours all the same.")
    catches: tuple[str, ...] = Field((), description="Spellings that reach it.")
    choice_warnings: tuple[ChoiceOut, ...] = Field((), description="Choices that are keywords of your own.")

    @classmethod
    def claimed(cls, keyword: Keywords, judgement: Judgement, choices: Sequence[ChoiceFinding] = ()) -> Self:
        collisions = tuple(CollisionOut.model_validate(show_collision(each)) for each in judgement.collisions)
        warnings = tuple(ChoiceOut.model_validate(show_finding(each)) for each in choices)
        said = {"collisions": collisions, "catches": judgement.catches, "choice_warnings": warnings}
        return cls.of(keyword).model_copy(update=said)


class Availability(BaseModel):
    """What a claim of a word would be answered now."""

    word: str
    key: str = Field(description="The word as it is compared.")
    is_available: bool
    verdict: VerdictKind = Field(description="With `override_needed` only an operator can claim it for you.")
    code: VerdictCode | RefusalCode = Field(description="Why, for programs.")
    detail: str = Field(description="Why, in a sentence.")
    free_at: datetime | None = Field(None, description="When a word that rests is free.")
    collisions: tuple[CollisionOut, ...]
    catches: tuple[str, ...] = Field(description="Spellings that would reach the keyword.")
    alternatives: tuple[str, ...] = Field(description="Of a word that is not available: some near it that are free.")

    @classmethod
    def of(cls, word: str, judgement: Judgement, problem: RouterError | None) -> Self:
        holder = RefusalCode(problem.code) if problem is not None and problem.code in set(RefusalCode) else None
        return cls(
            word=word,
            key=judgement.key,
            is_available=problem is None,
            verdict=judgement.kind if holder is None else VerdictKind.REFUSE,
            code=holder or judgement.code,
            detail=problem.detail if problem is not None else judgement.detail,
            free_at=problem.extra.get("free_at") if problem is not None else None,
            collisions=tuple(CollisionOut.model_validate(show_collision(each)) for each in judgement.collisions),
            catches=judgement.catches if problem is None else (),
            alternatives=() if problem is None else problem.extra.get("alternatives", ()),
        )
