"""What goes into a routing decision and what comes out. Pure values; made by ``keywords``, ``ingress`` and ``management``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.domain.messages import Sharing


class RouteOutcome(StrEnum):
    """Where a message went: a keyword, a context, compliance, the number's default, or nobody."""

    KEYWORD = "keyword"
    CONTEXT = "context"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"
    DEFAULT = "default"
    NONE = "none"


class ContextKind(StrEnum):
    """What a context is: a question that waits for its answer, or a recent exchange."""

    QUESTION = "question"
    RECENT = "recent"


class AmbiguityPolicy(StrEnum):
    """What a number does when several tenants may be meant: the latest wins, the sender is asked, or nobody gets it."""

    LATEST = "latest"
    ASK = "ask"
    QUARANTINE = "quarantine"


class ClaimState(StrEnum):
    """States of a claim on a keyword: only ``active`` claims route to their actions."""

    REQUESTED = "requested"
    APPROVED = "approved"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RELEASED = "released"


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRules:
    """One number as routing sees it. ``languages`` are BCP 47 primary tags, ``owner`` the tenant of a dedicated number."""

    number_id: NumberId
    country: str
    address: str
    sharing: Sharing
    languages: tuple[str, ...] = ("en",)
    owner: TenantId | None = None
    is_fuzzy: bool = False
    ambiguity: AmbiguityPolicy = AmbiguityPolicy.LATEST
    time_zone: str = "UTC"


@dataclass(frozen=True, kw_only=True, slots=True)
class SubKeyword:
    """A second word inside a keyword. ``spellings`` are its word and aliases as displayed."""

    name: str
    spellings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeywordRules:
    """One keyword as routing sees it. ``spellings`` are its word and aliases as displayed, the word first."""

    keyword_id: KeywordId
    tenant_id: TenantId
    number_id: NumberId
    spellings: tuple[str, ...]
    sub_keywords: tuple[SubKeyword, ...] = ()
    revision: int = 1
    state: ClaimState = ClaimState.ACTIVE
    active_from: datetime | None = None
    active_until: datetime | None = None
    is_glued: bool = False
    is_whole_message: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """An open question or a recent exchange of one tenant with this sender on this number.

    ``is_asked_by_number``: a question of the number's own ("did you mean PIZZA?"). Only its
    answer counts; it is no exchange with the tenant that it names.
    """

    context_id: str
    tenant_id: TenantId
    kind: ContextKind
    age_seconds: float
    lifetime_seconds: float
    expected: str | None = None
    choices: tuple[str, ...] = ()
    language: str | None = None
    keyword_id: KeywordId | None = None
    is_asked_by_number: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteRequest:
    """One message to route. ``at`` is when it was received (UTC, aware)."""

    number_id: NumberId
    sender: str
    text: str
    at: datetime
    contexts: tuple[Context, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A keyword that was looked at. ``lost_because`` is empty for the winner."""

    tenant_id: TenantId
    keyword_id: KeywordId
    word: str
    match_class: str
    lost_because: str


class WindowState(StrEnum):
    """Where a message stands in the keyword's activity window."""

    OPEN = "open"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    SUSPENDED = "suspended"
    RELEASED = "released"


@dataclass(frozen=True, kw_only=True, slots=True)
class AskChoice:
    """One of the contexts between which the sender is asked to choose, in the order of the numbers to answer with."""

    context_id: str
    tenant_id: TenantId
    keyword_id: KeywordId | None = None


class Decision(NamedTuple):
    """Where a message goes and why. A named tuple because one is made for every message.

    ``rule`` names the row of the decision table that fitted (docs/routing.md); ``span`` is the matched part of the
    text in code points; ``rest`` is the text after it; ``candidates`` and ``suggestion`` are filled when explaining.
    """

    outcome: RouteOutcome
    rule: str
    tenant_id: TenantId | None = None
    keyword_id: KeywordId | None = None
    revision: int | None = None
    word: str | None = None
    sub_keyword: str | None = None
    rest: str = ""
    window: WindowState = WindowState.OPEN
    match_class: str | None = None
    span: tuple[int, int] | None = None
    key: str | None = None
    context_id: str | None = None
    reason: str = ""
    language: str | None = None
    suggestion: KeywordId | None = None
    candidates: tuple[Candidate, ...] = ()
    asks: tuple[AskChoice, ...] = ()
    details: Mapping[str, str] = MappingProxyType({})
