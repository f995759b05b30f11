"""What tenants configure for each kind of action. Stored with each keyword revision, read by the API and the executor."""

import re
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from twoway_router.actions.conditions import Condition

VARIABLES: Final = frozenset(
    (
        "message.text",
        "message.rest",
        "message.sender",
        "keyword.word",
        "sub_keyword",
        "number.address",
        "tenant.name",
    )
)
"""What every template may say."""
COUPON_VALUES: Final = ("code", "valid_until", "is_new")
"""What ``issue_coupon`` gives to later actions."""
ANSWER: Final = "answer"
"""What the templates of ``on_answer`` may say besides."""
OTHER_ANSWERS: Final = "any"
"""The key of answers that have none of their own."""
_HIGHEST: Final = 10
_RANGE: Final = re.compile(r"([0-9]{1,2})(?:-([0-9]{1,2}))?")
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


def names_of(action: ActionSpec) -> tuple[str, ...]:
    """The names under which later actions read what an action gave."""
    own = (action.name,) if action.name else ()
    return ("coupon", *own) if isinstance(action, IssueCouponSpec) else own


def range_of(key: str) -> range:
    """The points of a scale that a key stands for: ``7`` or ``0-6``; none if it is neither."""
    found = _RANGE.fullmatch(key)
    if found is None:
        return range(0)
    first, last = int(found[1]), int(found[2] or found[1])
    return range(first, last + 1) if last <= _HIGHEST else range(0)


def answer_key(spec: AskSpec, answer: str) -> str | None:
    """Under which key of ``on_answer`` an answer falls."""
    for key in spec.on_answer:
        if key == answer if spec.expected != "scale" else answer.isdigit() and int(answer) in range_of(key):
            return key
    return OTHER_ANSWERS if OTHER_ANSWERS in spec.on_answer else None
