"""What a tenant configures for a keyword: the definition stored with each revision and read by ``actions``."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.kit.conditions import Condition

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


ActionSpec = Annotated[ReplySpec | IssueCouponSpec | CallWebhookSpec | SendEmailSpec, Field(discriminator="kind")]
Actions = Annotated[tuple[ActionSpec, ...], Field(max_length=10)]
Word = Annotated[str, Field(min_length=1, max_length=64)]


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
    active_from: datetime | None = None
    active_until: datetime | None = None
    too_early_text: str | None = Field(None, min_length=1, max_length=1600)
    too_late_text: str | None = Field(None, min_length=1, max_length=1600)
    is_glued: bool = False
    is_whole_message: bool = False
