"""What has happened, passed on in the transaction in which it did. Capabilities get a listener as an argument.

The composition roots (``executor.app``, ``ingress.app``, ``scheduler.app``, ``management.app``) name who listens.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from twoway_router.domain.causes import EffectKey
from twoway_router.domain.ids import TenantId
from twoway_router.events.catalogue import Data, EventType
from twoway_router.store import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event for a tenant. ``inbound_message_id`` is the MO that it is about, if the key does not name it."""

    tenant_id: TenantId
    type: EventType
    data: Data
    key: EffectKey
    inbound_message_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """A person who has opted out, and tenants that are known to have written to them."""

    number_id: UUID
    msisdn: str
    key: EffectKey
    tenant_ids: frozenset[UUID] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What happened in one transaction: events, MTs that moved with their tenants, and who has left.

    A move and a departure become events only for tenants that subscribe to them: the listener loads their data then.
    """

    events: tuple[Event, ...] = ()
    moved: Mapping[UUID, UUID] = field(default_factory=dict)
    left: tuple[Departure, ...] = ()


Listener = Callable[[Session, News, datetime], Awaitable[None]]
"""Writes what follows from news, in the caller's transaction."""
