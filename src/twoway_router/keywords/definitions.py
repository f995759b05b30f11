"""What a tenant configures for a keyword: the document that is stored with each revision, and run by ``actions``.

Read by the API as part of its bodies (``schemas``), by the executor from revisions, and by rules as code.
"""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.kit.conditions import Condition
from twoway_router.web.schemas import Moment

ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r'[^@\s.,;:<>()\[\]\\"]+'
EmailAddress = Annotated[str, Field(pattern=rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+$", max_length=254)]
"""What can be written behind `To:` without quotes; names of hosts may be international."""


class Part(BaseModel):
    """Base of everything inside a definition: unknown fields are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ActionBase(Part):
    """What all actions have: a name for their values, and a condition."""

    name: ActionName | None = Field(None, description="What later actions call this one's values and its outcome by.")
    condition: Condition | None = Field(None, description="Whether it runs; left out: always.")


class ReplySpec(ActionBase):
    """Answer the sender on the number the message came to."""

    kind: Literal["reply"]
    text: str = Field(min_length=1, max_length=1600, description="The answer, a Liquid template.")


class IssueCouponSpec(ActionBase):
    """Take a code from a pool. Later actions that read ``coupon.code`` (or ``<name>.code``) are skipped without one."""

    kind: Literal["issue_coupon"]
    pool_id: UUID = Field(description="One of your pools.")
    empty_text: str | None = Field(
        None, min_length=1, max_length=1600, description="Answered when the pool has no code left."
    )


class CallWebhookSpec(ActionBase):
    """Deliver the event ``keyword.matched`` to one of the tenant's webhook endpoints."""

    kind: Literal["call_webhook"]
    endpoint_id: UUID = Field(description="One of your endpoints, whatever events it is subscribed to.")


class SendEmailSpec(ActionBase):
    """Send an e-mail, one to each recipient."""

    kind: Literal["send_email"]
    recipients: tuple[EmailAddress, ...] = Field(min_length=1, max_length=5)
    subject: str = Field(min_length=1, max_length=200, description="A Liquid template.")
    text: str = Field(min_length=1, max_length=10_000, description="A Liquid template.")


PlainActionSpec = Annotated[ReplySpec | IssueCouponSpec | CallWebhookSpec | SendEmailSpec, Field(discriminator="kind")]
Word = Annotated[str, Field(min_length=1, max_length=64)]
OwnText = Annotated[str | None, Field(min_length=1, max_length=1600)]


class AskSpec(ActionBase):
    """Send a question and wait for its answer. It is answered once; templates of ``on_answer`` read it as ``answer``."""

    kind: Literal["ask"]
    text: str = Field(min_length=1, max_length=1600, description="The question, a Liquid template.")
    expected: Literal["yes_no", "choice", "scale", "free_text"] = Field(description="What counts as an answer.")
    choices: tuple[Word, ...] = Field((), max_length=10, description="For `choice`: what may be answered.")
    lifetime_minutes: int = Field(1440, ge=1, le=43_200, description="How long the question stays open.")
    language: str | None = Field(
        None, pattern=r"^[a-z]{2,3}$", description="Of yes and no; the number's languages if left out."
    )
    on_answer: dict[str, Annotated[tuple[PlainActionSpec, ...], Field(max_length=10)]] = Field(
        default_factory=dict,
        max_length=12,
        description="Actions by answer: `yes` and `no`, a choice, a number or range of the scale (`0-6`); `any` for the rest.",
    )


ActionSpec = Annotated[
    ReplySpec | IssueCouponSpec | CallWebhookSpec | SendEmailSpec | AskSpec, Field(discriminator="kind")
]
Actions = Annotated[tuple[ActionSpec, ...], Field(max_length=10)]


class SubKeywordDefinition(Part):
    """A second word. Its actions run instead of the keyword's own."""

    word: Word = Field(description="As it is shown; matching ignores case, accents and small mistakes.")
    aliases: tuple[Word, ...] = Field((), max_length=20, description="Other spellings of it.")
    actions: Actions = ()


class KeywordDefinition(Part):
    """One immutable revision: all that is needed to run a message that matched it."""

    word: Word = Field(description="As it is shown; matching ignores case, accents and spacing.")
    aliases: tuple[Word, ...] = Field((), max_length=50, description="Other words that lead to the same actions.")
    actions: Actions = Field((), description="What is done with a message, in this order.")
    sub_keywords: tuple[SubKeywordDefinition, ...] = Field(
        (), max_length=100, description="Second words, such as LARGE in PIZZA LARGE."
    )
    active_from: Moment | None = Field(None, description="When it comes into force; left out: at once.")
    active_until: Moment | None = Field(None, description="When it ends; left out: never.")
    too_early_text: OwnText = Field(None, description="Answered before `active_from`; left out: what the number says.")
    too_late_text: OwnText = Field(None, description="Answered after `active_until`; left out: what the number says.")
    limit: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        strict=True,
        description="Only the first so many messages run the actions; see `sold_out_text`.",
    )
    sold_out_text: OwnText = Field(None, description="Answered beyond `limit`; left out: what the number says.")
    is_glued: bool = Field(False, description="Digits may stand right behind the word: VOTE5.")
    is_whole_message: bool = Field(False, description="Nothing but a sub-keyword may follow the word.")
