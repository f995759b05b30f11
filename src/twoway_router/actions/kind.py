"""What an action kind is: the one value by which ``keywords`` checks it and ``executor`` runs it.

Each kind has one file in this package, with its spec and its ``KIND``, and one line in ``registry``.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

from twoway_router.actions.context import Run, RunContext
from twoway_router.actions.spec import ActionBase
from twoway_router.domain.errors import FieldError, Unprocessable
from twoway_router.domain.ids import TenantId
from twoway_router.domain.outcomes import Outcome
from twoway_router.store import Session

MAIL: Final = "mail"
"""The facility of routers with an SMTP server."""

SpecT = TypeVar("SpecT", bound=ActionBase)


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A field of a spec that is a template. With ``is_needed`` the action is skipped when a value in it is missing."""

    field: str
    is_sms: bool = True
    is_needed: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """What an action gives to later templates: ``fields`` under this name, and under the action's own."""

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """A field that names a row of the tenant's. ``list_known`` returns which of some ids are."""

    field: str
    noun: str
    list_known: Callable[[Session, TenantId, Collection[UUID]], Awaitable[frozenset[UUID]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Facility:
    """Something that not every router has (``MAIL``), and the error where it is missing."""

    name: str
    error: type[Unprocessable]
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Later(Generic[SpecT]):
    """Actions that run for the answer of the sender: all of them by answer, those for one, and their own variable."""

    by_answer: Callable[[SpecT], Mapping[str, Sequence[ActionBase]]]
    for_answer: Callable[[SpecT, str], Sequence[ActionBase]]
    variable: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionKind(Generic[SpecT]):
    """One kind of action. ``check`` yields what is wrong with a spec at a place, beyond its fields and templates.

    ``is_exchange``: its MT makes the tenant and the sender be in touch, which a recent context keeps.
    """

    spec: type[SpecT]
    run: Callable[[Session, Sequence[Run[SpecT]], RunContext], Awaitable[Sequence[Outcome]]]
    templates: tuple[Template, ...] = ()
    gives: Values | None = None
    references: tuple[Reference, ...] = ()
    facility: Facility | None = None
    check: Callable[[SpecT, str], Iterator[FieldError]] | None = None
    later: Later[SpecT] | None = None
    is_exchange: bool = False
