"""What an action sees: the message, its number, the values of earlier actions, the time. Built by ``executor``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from twoway_router.actions.conditions import Condition
from twoway_router.domain.causes import Cause, CauseKind, EffectKey
from twoway_router.domain.ids import InboundMessageId, TenantId
from twoway_router.domain.outcomes import Outcome
from twoway_router.events.news import Departure, Event
from twoway_router.numbers.rules import RunNumber
from twoway_router.routing.types import WindowState
from twoway_router.store import Session

Spec = TypeVar("Spec")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunMessage:
    """The message whose actions run.

    An answer to the number's own question runs another message that waited for it: text and rest are that one's, and
    ``original_id`` names it. ``revision`` is the keyword's. ``carrier_replied``: the carrier has answered already.
    ``has_restored``: a START that has lifted something. ``window`` is where it stands in the keyword's activity window.
    """

    id: InboundMessageId
    tenant_id: TenantId | None
    tenant_name: str
    number: RunNumber
    sender: str
    text: str
    rest: str
    route: str
    keyword_id: UUID | None
    word: str
    sub_keyword: str | None
    language: str
    reply_token: str | None
    received_at: datetime
    generation: int = 0
    revision: int | None = None
    answer: str | None = None
    original_id: UUID | None = None
    carrier_replied: bool = False
    has_restored: bool = False
    window: WindowState = WindowState.OPEN

    @property
    def owner(self) -> TenantId:
        """The tenant; only asked by actions that a tenant configured."""
        if self.tenant_id is None:
            raise LookupError("the message belongs to no tenant")
        return self.tenant_id

    def key(self, ordinal: int) -> EffectKey:
        """The key of one of its effects."""
        cause = Cause(kind=CauseKind.INBOUND_MESSAGE, id=self.id)
        return EffectKey(cause=cause, generation=self.generation, ordinal=ordinal)

    def variables(self) -> dict[str, object]:
        """What templates may name (``actions.spec.VARIABLES``), besides the values of earlier actions."""
        return {
            "message": {"text": self.text, "rest": self.rest, "sender": self.sender},
            "keyword": {"word": self.word},
            "sub_keyword": self.sub_keyword or "",
            "number": {"address": self.number.address},
            "tenant": {"name": self.tenant_name},
            "answer": self.answer or "",
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Run(Generic[Spec]):
    """One action of one message. ``values`` are those of earlier actions, by their names.

    ``mt_id`` is for the MT that it may plan: ids grow from message to message and from action to action, because a
    person's MTs leave in the order of their ids.
    """

    message: RunMessage
    ordinal: int
    mt_id: UUID
    spec: Spec
    values: Mapping[str, Mapping[str, object]]

    @property
    def key(self) -> EffectKey:
        """The key of what it writes."""
        return self.message.key(self.ordinal)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """What all runs of a batch share. Actions add what listeners hear of: events, who has ``left``, and MTs.

    ``refused`` are MTs of tenants that will not be sent.
    """

    now: datetime
    mt_lifetime: timedelta
    events: list[Event] = field(default_factory=list)
    left: list[Departure] = field(default_factory=list)
    refused: dict[UUID, UUID] = field(default_factory=dict)


Runner = Callable[[Session, Sequence[Run[Any]], RunContext], Awaitable[Sequence[Outcome]]]
"""Runs many actions of one kind at once, one outcome per run, in order. Reads and writes PostgreSQL, nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedAction:
    """One step. ``names`` are what later steps call its values by; without those it ``needs`` it is skipped."""

    kind: str
    run: Runner
    spec: object
    is_exchange: bool = False
    names: tuple[str, ...] = ()
    condition: Condition | None = None
    needs: frozenset[str] = frozenset()
