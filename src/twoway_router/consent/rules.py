"""Consent decides here, purely: what a STOP or START is about, what it makes of a person's suppressions, who may be sent to.

Called by ``ingress`` and ``management`` (what an MO changes), ``consent.service`` and ``mts`` (every MT).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final, Protocol, assert_never
from uuid import UUID

from twoway_router.domain.messages import Sharing

LOCKS: Final = 1
"""First key of the two-key advisory locks of consent; other slices use other first keys."""

EXEMPT_ORIGINS: Final = ("opt_out", "help")
"""What a stopped recipient still gets: the confirmation of the STOP, and help when asked for."""


class ConsentKind(StrEnum):
    """What a change does. The words are those of a message's route."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


class SuppressionState(StrEnum):
    """``restored`` is a tenant's exception to what is stopped for the whole number."""

    STOPPED = "stopped"
    RESTORED = "restored"


class SuppressionReason(StrEnum):
    WORD = "opt_out_word"
    CARRIER = "carrier"
    API = "api"


class Verdict(StrEnum):
    """Whether an MT may be sent, and why or why not."""

    FREE = "free"
    EXEMPT = "exempt"
    TENANT_STOPPED = "tenant_stopped"
    NUMBER_STOPPED = "number_stopped"

    @property
    def allows(self) -> bool:
        """Whether it may be sent."""
        return self in (Verdict.FREE, Verdict.EXEMPT)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Person:
    """Somebody on a number: what opt-outs and claims lock."""

    number_id: UUID
    msisdn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentChange:
    """A STOP or START of a person, and the MO that said it, if one did. Without a tenant it is about the whole number.

    Ids are ordered by time, so a later STOP beats an older START.
    """

    kind: ConsentKind
    number_id: UUID
    msisdn: str
    tenant_id: UUID | None = None
    inbound_message_id: UUID | None = None
    reason: SuppressionReason = SuppressionReason.WORD

    @property
    def person(self) -> Person:
        return Person(number_id=self.number_id, msisdn=self.msisdn)


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppression:
    """What one person has stopped, or kept, on a number: of one tenant, or (None) of everybody."""

    tenant_id: UUID | None
    state: SuppressionState
    reason: SuppressionReason
    changed_at: datetime
    inbound_message_id: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """A person's suppressions after a change. ``has_effect``: the STOP is new to them, or the START has lifted one."""

    suppressions: Sequence[Suppression]
    has_effect: bool


class RoutedTo(Protocol):
    """A route decision, or a stored message with its route."""

    @property
    def tenant_id(self) -> UUID | None: ...


class Shared(Protocol):
    """A number as far as it says who uses it."""

    @property
    def sharing(self) -> Sharing: ...


def scope_of(decision: RoutedTo, number: Shared | None) -> UUID | None:
    """The tenant that a STOP or START is about; None for the whole number.

    Only on a shared number a word can name one of several tenants. A dedicated number's STOP, and that of a number that
    is no longer routed, is about all of it.
    """
    return decision.tenant_id if number is not None and number.sharing is Sharing.SHARED else None


def counting(suppressions: Iterable[Suppression], tenant_id: UUID | None) -> Suppression | None:
    """The suppression that counts for a tenant's messages: the tenant's own, else the whole number's."""
    found = {each.tenant_id: each for each in suppressions}
    return found.get(tenant_id) or found.get(None)


def may_send(suppressions: Iterable[Suppression], tenant_id: UUID | None, origin: str) -> Verdict:
    """Whether a tenant (None: the number itself) may send an MT to a person with these suppressions.

    ``consent.gate`` is the same rule in SQL.
    """
    found = counting(suppressions, tenant_id)
    if found is None or found.state is SuppressionState.RESTORED:
        return Verdict.FREE
    if origin in EXEMPT_ORIGINS:
        return Verdict.EXEMPT
    return Verdict.NUMBER_STOPPED if found.tenant_id is None else Verdict.TENANT_STOPPED


def after(suppressions: Sequence[Suppression], change: ConsentChange, now: datetime) -> Changed:
    """What a STOP or START makes of the suppressions of its person."""
    match change.kind:
        case ConsentKind.OPT_OUT:
            return _after_opt_out(suppressions, change, now)
        case ConsentKind.OPT_IN:
            return _after_opt_in(suppressions, change, now)
    assert_never(change.kind)


def _after_opt_out(suppressions: Sequence[Suppression], change: ConsentChange, now: datetime) -> Changed:
    """A STOP of the whole number ends older exceptions. A repeated one keeps its reason and time, and its newest MO."""
    counted = counting(suppressions, change.tenant_id)
    stopped = Suppression(
        tenant_id=change.tenant_id,
        state=SuppressionState.STOPPED,
        reason=change.reason,
        changed_at=now,
        inbound_message_id=change.inbound_message_id,
    )
    kept = []
    for each in suppressions:
        if each.tenant_id == change.tenant_id:
            newest = max(filter(None, (each.inbound_message_id, change.inbound_message_id)), default=None)
            stopped = replace(each if each.state is SuppressionState.STOPPED else stopped, inbound_message_id=newest)
        elif change.tenant_id or each.state is SuppressionState.STOPPED or not _is_older(each, change):
            kept.append(each)
    return Changed(
        suppressions=(*kept, stopped),
        has_effect=counted is None or counted.state is SuppressionState.RESTORED,
    )


def _after_opt_in(suppressions: Sequence[Suppression], change: ConsentChange, now: datetime) -> Changed:
    """A START lifts nothing that is newer than itself.

    With a tenant it lifts that tenant's STOP, and excepts the tenant from what is stopped for the whole number. Without
    one it lifts what is stopped for the whole number, with its exceptions; where nothing is, the one tenant's STOP. Of
    several tenants none is restored without a name.
    """
    own = {each.tenant_id: each for each in suppressions}
    if change.tenant_id is not None:
        named, whole = own.get(change.tenant_id), own.get(None)
        has_lifted = named is not None and named.state is SuppressionState.STOPPED and _is_older(named, change)
        if has_lifted:
            del own[change.tenant_id]
        has_excepted = change.tenant_id not in own and whole is not None and _is_older(whole, change)
        if has_excepted and whole is not None:
            own[change.tenant_id] = replace(
                whole,
                tenant_id=change.tenant_id,
                state=SuppressionState.RESTORED,
                changed_at=now,
                inbound_message_id=change.inbound_message_id,
            )
        return Changed(suppressions=tuple(own.values()), has_effect=has_lifted or has_excepted)
    kept = [
        each
        for each in suppressions
        if not _is_older(each, change) or (each.tenant_id is not None and each.state is SuppressionState.STOPPED)
    ]
    has_lifted = None in own and _is_older(own[None], change)
    if not has_lifted and len(kept) == 1 and kept[0].tenant_id is not None and _is_older(kept[0], change):
        return Changed(suppressions=(), has_effect=True)
    return Changed(suppressions=kept, has_effect=has_lifted)


def _is_older(suppression: Suppression, change: ConsentChange) -> bool:
    """Whether the change is newer than the suppression; it is where either has no MO."""
    held, new = suppression.inbound_message_id, change.inbound_message_id
    return held is None or new is None or held < new


def in_rounds(changes: Iterable[ConsentChange]) -> Sequence[Sequence[ConsentChange]]:
    """The changes in sets with at most one per person, so that a person's changes are applied in order."""
    rounds: list[list[ConsentChange]] = []
    seen: dict[Person, int] = {}
    for change in changes:
        turn = seen[change.person] = seen.get(change.person, -1) + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(change)
    return rounds


def lock_key(person: Person) -> int:
    """A signed 32-bit hash of a person."""
    digest = blake2b(person.number_id.bytes + person.msisdn.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)
