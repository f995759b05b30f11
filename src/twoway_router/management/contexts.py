"""Contexts in previews and explanations: given by hand, or as they are stored, and shown to whom they belong.

Called by ``previews`` and ``replays``. A tenant sees its own; not even that there is another tenant's, or that the number
itself has asked.
"""

from collections.abc import Sequence
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from twoway_router.domain.errors import FieldError, Unprocessable
from twoway_router.domain.ids import TenantId
from twoway_router.routing.types import Context, ContextKind, Decision
from twoway_router.web.schemas import Body, Shown

_STORED: Final = len(str(UUID(int=0)))
"""Only a stored context has a UUID: those given by hand are numbered."""


class ContextIn(Body):
    """A conversation to be tried out. It is the caller's; operators name the tenant."""

    tenant_id: UUID | None = Field(None, description="For operators: whose it is.")
    kind: ContextKind = ContextKind.QUESTION
    expected: str | None = Field(
        None, max_length=40, description="Of a question: yes_no, choice, a range such as 0-10, number, pin or text."
    )
    choices: tuple[str, ...] = Field((), max_length=10)
    language: str | None = Field(None, pattern=r"^[a-z]{2,3}$")
    age: float = Field(0, ge=0, description="Seconds since it was opened, or since the last exchange.")
    lifetime: float = Field(86_400, gt=0, description="Seconds from then until it ends.")

    @model_validator(mode="after")
    def _question_expects(self) -> Self:
        if (self.kind is ContextKind.QUESTION) != (self.expected is not None):
            raise ValueError("a question, and nothing else, says what is expected")
        return self


class ContextOut(Shown):
    """A conversation that was live for the decision."""

    id: UUID | None = Field(description="Of a stored one; a replay takes that of a question as `answer_to`.")
    kind: ContextKind
    is_yours: bool
    is_used: bool = Field(description="It decided, or it is one of those between which the sender is asked to choose.")
    tenant_id: UUID
    expected: str | None
    age_seconds: float
    lifetime_seconds: float
    what: Literal["an open question", "a recent conversation", "an open question of the number itself"]


def read_contexts(given: Sequence[ContextIn], caller: TenantId | None) -> tuple[Context, ...]:
    """As routing gets them. A tenant tries out only its own."""
    errors = [
        FieldError(
            pointer=f"/contexts/{position}/tenant_id", detail="Operators name the tenant, tenants are their own."
        )
        for position, each in enumerate(given)
        if (caller is None and each.tenant_id is None) or (caller is not None and each.tenant_id not in (None, caller))
    ]
    if errors:
        raise Unprocessable(errors=errors)
    return tuple(
        Context(
            context_id=str(position),
            tenant_id=TenantId(each.tenant_id or caller or UUID(int=0)),
            kind=each.kind,
            age_seconds=each.age,
            lifetime_seconds=each.lifetime,
            expected=each.expected,
            choices=each.choices,
            language=each.language,
        )
        for position, each in enumerate(given)
    )


def is_own(context: Context, tenant_id: TenantId) -> bool:
    """Whether a tenant opened it. What the number asks itself belongs to no tenant, whomever it names."""
    return context.tenant_id == tenant_id and not context.is_asked_by_number


def show_contexts(contexts: Sequence[Context], decision: Decision, viewer: TenantId | None) -> list[ContextOut]:
    """The latest first: all for an operator (None), its own for a tenant."""
    used = {decision.context_id, *(each.context_id for each in decision.asks)}
    seen = [each for each in contexts if viewer is None or is_own(each, viewer)]
    return [
        ContextOut(
            id=UUID(each.context_id) if len(each.context_id) == _STORED else None,
            kind=each.kind,
            is_yours=viewer is not None,
            is_used=each.context_id in used,
            tenant_id=each.tenant_id,
            expected=each.expected,
            age_seconds=each.age_seconds,
            lifetime_seconds=each.lifetime_seconds,
            what=_what(each),
        )
        for each in sorted(seen, key=lambda each: (each.age_seconds, each.context_id))
    ]


def _what(
    context: Context,
) -> Literal["an open question", "a recent conversation", "an open question of the number itself"]:
    if context.is_asked_by_number:
        return "an open question of the number itself"
    return "an open question" if context.kind is ContextKind.QUESTION else "a recent conversation"
