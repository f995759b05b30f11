"""What a route diff is asked for and what it answers. Used by ``diffs``."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.keywords.rules import KeywordClaim, RefusalCode
from twoway_router.keywords.schemas import CollisionOut
from twoway_router.management.previews import PreviewOut
from twoway_router.routing.claims import VerdictKind
from twoway_router.routing.types import (
    ClaimState,
    KeywordRules,
    MatchMode,
    Reason,
    RouteOutcome,
    Rule,
    SubKeyword,
    VerdictCode,
    WindowState,
)
from twoway_router.web.schemas import Body, Moment, Shown

Word = Annotated[str, Field(min_length=1, max_length=64)]


class DraftSubKeyword(Body):
    """A second word."""

    word: Word
    aliases: tuple[Word, ...] = Field((), max_length=20)


class DraftKeyword(Body):
    """A keyword as it would be. With ``keyword_id`` it stands for that one; without, it is new."""

    keyword_id: UUID | None = None
    tenant_id: UUID | None = Field(None, description="Operators only: whose new keyword it would be.")
    word: Word
    aliases: tuple[Word, ...] = Field((), max_length=50)
    sub_keywords: tuple[DraftSubKeyword, ...] = Field((), max_length=100)
    active_from: Moment | None = None
    active_until: Moment | None = None
    is_glued: bool = False
    is_whole_message: bool = False
    match: MatchMode = MatchMode.START

    def to_claim(self, number_id: NumberId) -> KeywordClaim:
        """As registration judges it."""
        subs = [{"word": sub.word, "aliases": sub.aliases} for sub in self.sub_keywords]
        return KeywordClaim(
            number_id=number_id,
            word=self.word,
            aliases=self.aliases,
            definition={"sub_keywords": subs},
            active_from=self.active_from,
            active_until=self.active_until,
            match=self.match,
        )

    def to_rules(self, keyword_id: KeywordId, tenant_id: TenantId, number_id: NumberId) -> KeywordRules:
        """As routing sees it."""
        return KeywordRules(
            keyword_id=keyword_id,
            tenant_id=tenant_id,
            number_id=number_id,
            spellings=(self.word, *self.aliases),
            sub_keywords=tuple(
                SubKeyword(name=sub.word, spellings=(sub.word, *sub.aliases)) for sub in self.sub_keywords
            ),
            state=ClaimState.ACTIVE,
            active_from=self.active_from,
            active_until=self.active_until,
            is_glued=self.is_glued,
            is_whole_message=self.is_whole_message,
            match=self.match,
        )


class DiffIn(Body):
    """A draft of one number's keywords, and how far back to look."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number_id": "0198c0dd-4444-7ddd-8eee-3c3d3e3f4041",
                    "days": 7,
                    "put": [{"word": "PIZZA", "aliases": ["PIZZE"]}],
                }
            ]
        }
    )

    number_id: UUID
    days: int = Field(7, ge=1, le=31)
    tenant_id: UUID | None = Field(None, description="For operators: only this tenant's messages.")
    put: tuple[DraftKeyword, ...] = Field((), max_length=100, description="Keywords added or changed.")
    remove: tuple[UUID, ...] = Field((), max_length=100, description="Keywords released.")
    limit: int = Field(100, ge=1, le=500, description="How many changes to list; all are counted.")

    @model_validator(mode="after")
    def _names_each_keyword_once(self) -> Self:
        named = [each.keyword_id for each in self.put if each.keyword_id] + list(self.remove)
        if not self.put and not self.remove:
            raise ValueError("the draft changes nothing")
        if len(set(named)) != len(named):
            raise ValueError("a keyword is named twice")
        return self


class DraftVerdict(Shown):
    """What a claim of the draft's word would be answered. A refused one is left out of the comparison."""

    word: str
    verdict: VerdictKind
    code: VerdictCode | RefusalCode
    detail: str
    is_compared: bool
    collisions: list[CollisionOut]


class SideOut(Shown):
    """Where a message goes on one side of the comparison. Of another tenant's route only that it is one is shown."""

    outcome: RouteOutcome
    rule: Rule
    is_yours: bool
    tenant_id: UUID | None
    keyword_id: UUID | None
    word: str | None
    sub_keyword: str | None
    rest: str
    window: WindowState = Field(
        description="Where it stands with the keyword; `released`: given back, so it only says so."
    )
    active_from: datetime | None = Field(None, description="Of the keyword, when the message is too early for it.")
    active_until: datetime | None = Field(None, description="Of the keyword, when the message is too late for it.")
    rests_until: datetime | None = Field(
        None, description="Of a word that was given back: until when nobody else may have it."
    )
    reason: Reason | None
    detail: str

    @classmethod
    def of(cls, shown: PreviewOut, keyword: KeywordRules | None, rests_until: datetime | None) -> Self:
        """The part of a preview that tells the sides apart, and what to know about a keyword that is not in force."""
        side = cls.model_validate(shown)
        if side.keyword_id is None or keyword is None:
            return side
        told = {
            WindowState.TOO_EARLY: {"active_from": keyword.active_from},
            WindowState.TOO_LATE: {"active_until": keyword.active_until},
            WindowState.RELEASED: {"rests_until": rests_until},
        }
        return side.model_copy(update=told.get(side.window, {}))


class ChangeOut(Shown):
    """A message that the draft would send elsewhere."""

    inbound_message_id: UUID
    received_at: datetime
    text: str
    before: SideOut
    after: SideOut


class DiffOut(Shown):
    """What the draft would have changed."""

    verdicts: list[DraftVerdict]
    examined: int = Field(description="Messages compared.")
    in_conversation: int = Field(
        description="Messages of conversations that are not stored any more: they are not compared."
    )
    changed: int
    is_complete: bool = Field(description="False when there were more messages than are compared in one request.")
    changes: list[ChangeOut] = Field(description="Newest first, as many as were asked for.")
