"""What it takes to hold a keyword on a number: spellings, holders, resting words, verdicts. Pure; used by ``service``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from twoway_router.actions.spec import ActionBase
from twoway_router.domain.errors import Conflict, FieldError, Forbidden, NotFound, RouterError, Unprocessable
from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.numbers.rules import Claims
from twoway_router.routing.claims import Collision, Verdict, VerdictKind, Window, all_moves, are_apart
from twoway_router.routing.text import fold
from twoway_router.routing.types import CollisionCode, MatchMode, VerdictCode

QUARANTINE_DAYS: Final = 90
_GRAVITY: Final = tuple(VerdictKind)
_SIGN_BIT: Final = 1 << 63


class KeywordNotFound(NotFound):
    """There is no such keyword, or it is not yours."""

    code = "keyword_not_found"


class NumberNotFound(NotFound):
    """There is no such number, or it is not yours to use."""

    code = "number_not_found"


class KeywordTaken(Conflict):
    """Another tenant holds this word on this number."""

    code = "keyword_taken"
    title = "Keyword taken"


class KeywordExists(Conflict):
    """You hold this word on this number already. Add an alias to that keyword, or change it."""

    code = "keyword_exists"
    title = "Keyword exists"


class KeywordResting(Conflict):
    """Another tenant gave this word back a short while ago; its old senders still use it. A window after `free_at` is free."""

    code = "keyword_resting"
    title = "Keyword resting"


class KeywordCollides(Conflict):
    """This word could be confused with another tenant's keyword on this number."""

    code = "keyword_collides"
    title = "Keyword collides"


class OperatorNeeded(Conflict):
    """Only an operator can allow this word on this number."""

    code = "keyword_needs_operator"
    title = "Operator needed"


class OverrideUnconfirmed(Conflict):
    """With this override texts go elsewhere that reach another tenant now. Bring `moves` back as `confirmed_moves`."""

    code = "override_unconfirmed"
    title = "Override not confirmed"


class KeywordReleased(Conflict):
    """This keyword was given back. Claim the word again."""

    code = "keyword_released"
    title = "Keyword released"


class KeywordQuota(Conflict):
    """You hold as many keywords on this number as its operator lets you. Release one, or ask the operator."""

    code = "keyword_quota"
    title = "Keyword quota"


class MatchNotAllowed(Unprocessable):
    """On a shared number a keyword stands at the start of the text."""

    code = "keyword_match_not_allowed"
    title = "Match not allowed"


class AnyWordTaken(Conflict):
    """Another keyword of yours takes any text on this number at that time, or less than a day before or after it."""

    code = "keyword_any_word_taken"
    title = "Any word taken"


class NumberNotAllowed(Forbidden):
    """On this number only some tenants may claim keywords. Ask its operator."""

    code = "number_not_allowed"
    title = "Number not allowed"


class WordNotAcceptable(Unprocessable):
    """This word cannot be a keyword on this number."""

    code = "keyword_not_acceptable"
    title = "Word not acceptable"


class DefinitionNotAcceptable(Unprocessable):
    """The keyword's definition is not acceptable; the errors name the fields."""

    code = "keyword_definition_not_acceptable"
    title = "Definition not acceptable"


class RefusalCode(StrEnum):
    """Why a word cannot be had that is acceptable: who holds it, or what the tenant may claim."""

    KEYWORD_TAKEN = KeywordTaken.code
    KEYWORD_EXISTS = KeywordExists.code
    KEYWORD_RESTING = KeywordResting.code
    KEYWORD_QUOTA = KeywordQuota.code
    NUMBER_NOT_ALLOWED = NumberNotAllowed.code


@dataclass(frozen=True, kw_only=True, slots=True)
class KeywordClaim:
    """A keyword that a tenant claims, with the definition that will be its next revision.

    ``actions`` are all that it holds, with their JSON pointers. ``confirmed_moves`` are the texts that an operator knows
    will move by the override; None: whatever they are.
    """

    number_id: NumberId
    word: str
    aliases: tuple[str, ...]
    definition: Mapping[str, Any]
    active_from: datetime | None = None
    active_until: datetime | None = None
    expires_at: datetime | None = None
    match: MatchMode = MatchMode.START
    actions: Sequence[tuple[str, ActionBase]] = ()
    is_override: bool = False
    confirmed_moves: tuple[str, ...] | None = ()

    @property
    def window(self) -> Window:
        """When it shall be active."""
        return self.active_from, self.active_until


@dataclass(frozen=True, kw_only=True, slots=True)
class Spelling:
    """One way to spell a keyword and the key that it claims."""

    key: str
    text: str
    mask: int
    is_alias: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who has a key on a number, and when."""

    key: str
    tenant_id: UUID
    keyword_id: UUID
    word: str
    is_released: bool
    changed_at: datetime
    active_from: datetime | None = None
    active_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The verdicts without the holders of the same keys."""

    kind: VerdictKind
    code: VerdictCode
    detail: str
    key: str
    collisions: tuple[Collision, ...]
    catches: tuple[str, ...]
    own_keys: frozenset[str] = frozenset()
    """Keys that look like a word that the claimant holds."""
    pointer: str = "/word"
    """Where the word stands that decided it."""

    @property
    def moves(self) -> tuple[str, ...]:
        """Every text that the claim would take from another tenant."""
        return all_moves(self.collisions)


def spellings_of(word: str, aliases: Iterable[str]) -> tuple[Spelling, ...]:
    """The word and its aliases, one per key: an alias that folds to the same key claims nothing more."""
    found: dict[str, Spelling] = {}
    for position, text in enumerate((word, *aliases)):
        folded = fold(text)
        mask = folded.mask - 2 * _SIGN_BIT if folded.mask & _SIGN_BIT else folded.mask
        found.setdefault(folded.key, Spelling(key=folded.key, text=text, mask=mask, is_alias=position > 0))
    return tuple(found.values())


def holder_problem(
    holders: Sequence[Holder],
    tenant_id: TenantId,
    *,
    keyword_id: KeywordId | None,
    window: Window,
    quarantine: timedelta,
    now: datetime,
    own_keys: frozenset[str] = frozenset(),
) -> RouterError | None:
    """Why the keys cannot be had for a window from those who have them.

    A word at rest is free for the tenant that gave it back, for the holder of a word that it looks like (``own_keys``),
    and for windows that begin after the rest. A tenant's own
    word is one keyword whatever its window, or two of its keywords would have the same name.
    """
    begins = now if window[0] is None else max(now, window[0])
    for holder in holders:
        is_own = holder.tenant_id == tenant_id
        if holder.keyword_id == keyword_id or (holder.is_released and (is_own or holder.key in own_keys)):
            continue
        if is_own:
            known = {"keyword_id": str(holder.keyword_id), "word": holder.word}
            return KeywordExists(f"You hold {holder.word!r} on this number already.", extra=known)
        if not holder.is_released:
            if not are_apart(window, (holder.active_from, holder.active_until)):
                return _taken(holder)
        elif (free_at := holder.changed_at + quarantine) > begins:
            return KeywordResting(extra={"key": holder.key, "free_at": free_at.isoformat()})
    return None


def _taken(holder: Holder) -> KeywordTaken:
    window = show_window(holder.active_from, holder.active_until)
    detail = "Another tenant holds this word on this number at that time, or less than a day before or after it."
    return KeywordTaken(detail if window else None, extra={"key": holder.key, **window})


def is_overtaken(
    holder: Holder,
    tenant_id: TenantId,
    *,
    quarantine: timedelta,
    now: datetime,
    own_keys: frozenset[str] = frozenset(),
) -> bool:
    """Whether a claim that was let in ends this holder's rest; one that only begins after the rest leaves it."""
    is_own = holder.tenant_id == tenant_id or holder.key in own_keys
    return holder.is_released and (is_own or holder.changed_at + quarantine <= now)


def judge(verdicts: Sequence[Verdict]) -> Judgement:
    """The gravest verdict, of several tables' on one claim beside the holders of its keys."""
    gravest = max(verdicts, key=lambda each: _GRAVITY.index(each.kind))
    collisions = {
        (collision.keyword_id, collision.code, collision.spelling): collision
        for each in verdicts
        for collision in each.collisions
    }
    return Judgement(
        kind=gravest.kind,
        code=gravest.code,
        detail=gravest.detail,
        key=gravest.key,
        collisions=tuple(collisions.values()),
        catches=next((each.catches for each in verdicts if each.catches), ()),
        own_keys=frozenset[str]().union(*(each.own_keys for each in verdicts)),
    )


def judgement_problem(judgement: Judgement, *, confirmed_moves: Sequence[str] | None = None) -> RouterError | None:
    """Why the word cannot be had; None when it can, perhaps with warnings.

    ``confirmed_moves``: of an override, the texts that the operator knows will move.
    """
    extra: dict[str, Any] = {
        "reason": judgement.code,
        "collisions": [show_collision(each) for each in judgement.collisions],
    }
    extra |= {"moves": list(judgement.moves)} if judgement.moves else {}
    if judgement.kind is VerdictKind.OVERRIDE_NEEDED:
        return OperatorNeeded(judgement.detail, extra=extra)
    if judgement.kind is not VerdictKind.REFUSE:
        is_confirmed = confirmed_moves is None or set(judgement.moves) <= set(confirmed_moves)
        return None if is_confirmed else OverrideUnconfirmed(extra=extra)
    if any(judgement.code == collision.code.value for collision in judgement.collisions):
        return KeywordCollides(judgement.detail, extra=extra)
    return WordNotAcceptable(
        judgement.detail, errors=[FieldError(pointer=judgement.pointer, detail=judgement.detail)], extra=extra
    )


def check_expiry(wanted: KeywordClaim, now: datetime) -> Sequence[FieldError]:
    """A date of expiry lies ahead."""
    if wanted.expires_at is None or wanted.expires_at > now:
        return ()
    return [FieldError(pointer="/expires_at", detail="This moment is over; the keyword would be given back at once.")]


def claims_problem(claims: Claims) -> RouterError | None:
    """Why a tenant cannot hold one more keyword on a number, whatever its word is."""
    if not claims.is_allowed:
        return NumberNotAllowed()
    if claims.limit is not None and claims.used >= claims.limit:
        return KeywordQuota(extra={"limit": claims.limit, "used": claims.used})
    return None


def show_collision(collision: Collision) -> dict[str, str | list[str]]:
    """A collision without saying whose keyword it is. Of a word at another time it says when that is."""
    shown: dict[str, str | list[str]] = {
        "word": collision.word,
        "spelling": collision.spelling,
        "reason": collision.code,
    }
    if collision.moves:
        shown["moves"] = list(collision.moves)
    return {**shown, **show_window(*collision.window)} if collision.code is CollisionCode.OTHER_WINDOW else shown


def show_window(active_from: datetime | None, active_until: datetime | None) -> dict[str, str]:
    """The ends that a window has."""
    ends = {"active_from": active_from, "active_until": active_until}
    return {name: end.isoformat() for name, end in ends.items() if end is not None}
