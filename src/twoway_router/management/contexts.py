"""Contexts in previews and explanations: given by hand, or as they are stored, and shown to whom they belong.

Called by ``previews`` and ``replays``. What a tenant may see of another tenant's context is that there is one.
"""

from collections.abc import Sequence
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from twoway_router.domain.errors import FieldError, Unprocessable
from twoway_router.domain.ids import TenantId
from twoway_router.routing.types import Context, ContextKind, Decision
from twoway_router.web.schemas import Body, Shown

FOREIGN: Final = "an open conversation of another tenant"
OF_NUMBER: Final = "an open question of the number itself"


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

    kind: ContextKind | None = Field(description="Null where it is not yours to see.")
    is_yours: bool
    is_used: bool = Field(description="It decided, or it is one of those between which the sender is asked to choose.")
    tenant_id: UUID | None
    expected: str | None
    age_seconds: float | None
    lifetime_seconds: float | None
    what: Literal[
        "an open question",
        "a recent conversation",
        "an open question of the number itself",
        "an open conversation of another tenant",
    ]


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


def show_contexts(contexts: Sequence[Context], decision: Decision, viewer: TenantId | None) -> list[ContextOut]:
    """The latest first, as an operator (None) or a tenant may see them."""
    used = {decision.context_id, *(each.context_id for each in decision.asks)}
    ordered = sorted(contexts, key=lambda each: (each.age_seconds, each.context_id))
    return [_shown(each, is_used=each.context_id in used, viewer=viewer) for each in ordered]


def _shown(context: Context, *, is_used: bool, viewer: TenantId | None) -> ContextOut:
    is_own = context.tenant_id == viewer and not context.is_asked_by_number
    if viewer is not None and not is_own:
        hidden = dict.fromkeys(("kind", "tenant_id", "expected", "age_seconds", "lifetime_seconds"))
        what = OF_NUMBER if context.is_asked_by_number else FOREIGN
        return ContextOut.model_validate({**hidden, "is_yours": False, "is_used": is_used, "what": what})
    plain = "an open question" if context.kind is ContextKind.QUESTION else "a recent conversation"
    return ContextOut.model_validate(
        {
            "kind": context.kind,
            "is_yours": is_own,
            "is_used": is_used,
            "tenant_id": context.tenant_id,
            "expected": context.expected,
            "age_seconds": context.age_seconds,
            "lifetime_seconds": context.lifetime_seconds,
            "what": OF_NUMBER if context.is_asked_by_number else plain,
        }
    )
