"""Sets of changes and versions as the API takes and shows them. For ``api``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.keywords.schemas import CollisionOut, KeywordPut
from twoway_router.rulesets.rules import MOST_STEPS
from twoway_router.web.problems import ProblemError
from twoway_router.web.schemas import Body, Moment, Shown

State = Literal["active", "suspended"]

_NUMBER: Final = "0198c0dd-4444-7ddd-8eee-3c3d3e3f4041"
_EXAMPLE: Final[Mapping[str, Any]] = {
    "number_ids": [_NUMBER],
    "steps": [
        {
            "kind": "create",
            "number_id": _NUMBER,
            "definition": {"word": "FREEBURGER", "actions": [{"kind": "reply", "text": "Show this text."}]},
        }
    ],
    "source_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


class CreateStep(Body):
    """A keyword to claim. ``tenant_id`` and ``is_override`` are for operators."""

    kind: Literal["create"]
    number_id: UUID
    tenant_id: UUID | None = Field(None, description="Operators only: whose keyword it shall be.")
    is_override: bool = Field(False, description="Operators only: allow a word that needs it.")
    state: State = "active"
    definition: KeywordPut


class ChangeStep(Body):
    """A keyword to change: what it is, whether it runs, or both."""

    kind: Literal["change"]
    number_id: UUID
    keyword_id: UUID
    updated_at: Moment = Field(description="As you read it: refused if the keyword has changed since.")
    is_override: bool = Field(False, description="Operators only: allow a new word that needs it.")
    state: State | None = None
    definition: KeywordPut | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.state is None and self.definition is None:
            raise ValueError("give a definition, a state, or both")
        return self


class ReleaseStep(Body):
    """A keyword to give back."""

    kind: Literal["release"]
    keyword_id: UUID
    updated_at: Moment = Field(description="As you read it: refused if the keyword has changed since.")


class ChangesIn(Body):
    """Changes that are made together or not at all. Words that are given up are free for the others."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [dict(_EXAMPLE)]})

    number_ids: tuple[UUID, ...] = Field((), max_length=1000, description="The numbers that the version is about.")
    tenant_ids: tuple[UUID, ...] = Field(
        (), max_length=10_000, description="Operators only: the tenants that the version is about."
    )
    steps: tuple[Annotated[CreateStep | ChangeStep | ReleaseStep, Field(discriminator="kind")], ...] = Field(
        min_length=1, max_length=MOST_STEPS
    )
    source_digest: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="SHA-256 of the file that it comes from."
    )
    restores: int | None = Field(None, ge=1, description="The version that it goes back to.")

    @model_validator(mode="after")
    def _names_a_keyword_once(self) -> Self:
        named = [step.keyword_id for step in self.steps if not isinstance(step, CreateStep)]
        if len(set(named)) != len(named):
            raise ValueError("a keyword is named twice")
        return self


class RefusalOut(BaseModel):
    """Why a change is refused, as the problem that it would be answered with by itself."""

    model_config = ConfigDict(extra="allow", frozen=True)

    step: int = Field(description="Its place among the steps, from 0.")
    word: str | None = Field(description="The word of its definition, if it has one.")
    code: str = Field(description="Stable, for programs.")
    detail: str
    errors: list[ProblemError] = Field(description="What is wrong with which field of the definition.")
    reason: str | None = Field(None, description="Of a word: which rule refuses it.")
    collisions: list[CollisionOut] = Field([], description="The keywords that the word meets.")
    free_at: datetime | None = Field(None, description="When a word that rests is free.")
    held_by: dict[str, str] | None = Field(None, description="For operators: the keyword that has the word.")


class WarningOut(Shown):
    """What to know about a change that is possible."""

    step: int = Field(description="Its place among the steps, from 0.")
    word: str | None
    code: str = Field(description="Stable, for programs.")
    detail: str
    collisions: list[CollisionOut]


class JudgementOut(Shown):
    """What the changes would be answered. They can be made if nothing is refused."""

    refusals: list[RefusalOut]
    warnings: list[WarningOut]


class VersionOut(Shown):
    """What was held after a set of changes."""

    id: UUID
    version: int = Field(description="Counts a tenant's versions, and the operators' apart from them.")
    origin: Literal["applied", "restored", "found"] = Field(
        description="From a file, from an earlier version, or as other changes had left the keywords before one of these."
    )
    source_digest: str | None = Field(description="SHA-256 of the file.")
    restores: int | None = Field(description="The version that it went back to.")
    created: int
    changed: int
    released: int
    keywords: int = Field(description="How many were held.")
    number_ids: list[UUID]
    tenant_ids: list[UUID]
    actor_key_id: UUID | None = Field(description="The API key that did it.")
    created_at: datetime


class VersionKeywordOut(KeywordDefinition):
    """A keyword as it was in a version."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    tenant_id: UUID
    number_id: UUID
    state: Literal["requested", "approved", "active", "suspended"]
    revision: int
