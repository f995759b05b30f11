"""What goes into a routing decision and what comes out. Pure values; made by ``keywords``, ``ingress`` and ``management``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Self

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


class Rule(StrEnum):
    """Which row of the decision table gave a message its route (docs/routing.md), or what did so beside the table."""

    OPT_OUT = "opt_out"
    OPT_OUT_PHRASE = "opt_out_phrase"
    OPT_OUT_KEYWORD = "opt_out_keyword"
    OPT_IN = "opt_in"
    OPT_IN_KEYWORD = "opt_in_keyword"
    HELP = "help"
    HELP_KEYWORD = "help_keyword"
    OPEN_QUESTION = "open_question"
    OFFER_DECLINED = "offer_declined"
    KEYWORD_WHOLE = "keyword_whole"
    FREE_TEXT_QUESTION = "free_text_question"
    KEYWORD = "keyword"
    CONVERSATION = "conversation"
    KEYWORD_WEAK = "keyword_weak"
    KEYWORD_ANYWHERE = "keyword_anywhere"
    AMBIGUOUS_KEYWORD = "ambiguous_keyword"
    ASK = "ask"
    QUARANTINE = "quarantine"
    COURTESY = "courtesy"
    OWNER_DEFAULT = "owner_default"
    NO_OWNER = "no_owner"
    UNKNOWN_NUMBER = "unknown_number"
    FIRST_PART_MISSING = "first_part_missing"
    CARRIER_OPT_OUT = "carrier_opt_out"
    """Its carrier calls it an opt-out, whatever its words."""
    CHOSEN = "chosen"
    DID_YOU_MEAN = "did_you_mean"
    MESSAGE_ID_REUSED = "message_id_reused"
    ASSIGNED = "assigned"


class _Sentence(StrEnum):
    """A code for programs; ``detail`` says the same to people."""

    detail: str

    def __new__(cls, code: str, detail: str = "") -> Self:
        made = str.__new__(cls, code)
        made._value_ = code
        made.detail = detail
        return made


class Reason(_Sentence):
    """Why a message went where it went, where its rule does not say it."""

    TOO_EARLY = "too_early", "the keyword is not active yet"
    TOO_LATE = "too_late", "the keyword is no longer active"
    SOLD_OUT = "sold_out", "the keyword's places are taken"
    SUSPENDED = "suspended", "the keyword is suspended"
    RELEASED = "released", "the keyword was given back"
    DECLINED = "declined", "the sender said no to the number's question"
    SENDER_ASKED = "sender_asked", "the sender is asked which tenant is meant"
    SEVERAL_QUESTIONS = "several_questions", "several tenants wait for an answer"
    SEVERAL_HOLDERS = "several_holders", "several tenants hold this word"
    SEVERAL_KEYWORDS = "several_keywords", "the text may be a keyword of several tenants"
    NO_KEYWORD = "no_keyword", "no keyword of this number fits"
    NO_OWNER = "no_owner", "the number has no owner"
    NO_SUCH_NUMBER = "no_such_number", "no number of this connection has that address"
    FIRST_PART_MISSING = "first_part_missing", "the part that would hold the keyword never came"
    MESSAGE_ID_REUSED = "message_id_reused", "its carrier has given its id to another message before"
    SAID_BY_CARRIER = "said_by_carrier", "the carrier says so"
    ASSIGNED = "assigned", "assigned by hand"
    ANOTHER_TENANTS = "another_tenants", "another tenant's keyword"


class LostBecause(_Sentence):
    """Why a keyword that was looked at did not get the message."""

    WHOLE_ONLY = "whole_only", "whole messages only"
    COMMON_WORD = "common_word", "a common word: whole messages and harmless tails only"
    TOO_SHORT = "too_short", "too short for text after it"
    TOO_SHORT_GLUED = "too_short_glued", "too short for text glued to it"
    TOO_SHORT_SPACED = "too_short_spaced", "too short to be spaced anew"
    TOO_SHORT_DIGITS = "too_short_digits", "too short for digits glued to it"
    TOO_SHORT_JOINED = "too_short_joined", "too short for a sub-keyword joined to it"
    WORD_OF_ITS_OWN = "word_of_its_own", "keyword and sub-keyword joined are a common word"
    LAST_LETTER = "last_letter", "its last letter may be a word of the text after it"
    DIGITS_GO_ON = "digits_go_on", "its digits go on"
    OTHERS_DIGITS = "others_digits", "another tenant's keyword goes on with digits"
    OTHERS_SIGN = "others_sign", "a sign before it is another tenant's"
    SEVERAL_HOLDERS = "several_holders", "several tenants hold this word"
    WEAKER_CLASS = "weaker_class", "a weaker class"
    LONGER_KEYWORD = "longer_keyword", "a longer keyword matched"
    OTHER_SPELLING = "other_spelling", "another spelling of the key fits better"
    DECIDED_BEFORE = "decided_before", "a rule that stands before keywords decided"


class ContextKind(StrEnum):
    """What a context is: a question that waits for its answer, or a recent exchange."""

    QUESTION = "question"
    RECENT = "recent"


class AmbiguityPolicy(StrEnum):
    """What a number does when several tenants may be meant: the latest wins, the sender is asked, or nobody gets it."""

    LATEST = "latest"
    ASK = "ask"
    QUARANTINE = "quarantine"


class CampaignWords(StrEnum):
    """Who may have a common word that adverts like, such as WIN: the first who claims it, or whom the operator allows."""

    FREE = "free"
    OPERATOR = "operator"


class CollisionCode(StrEnum):
    """How a new word meets a keyword that exists."""

    TAKEN = "taken"
    RESTING = "resting"
    OTHER_WINDOW = "other_window"
    OWN_ALIAS = "own_alias"
    LOOK_ALIKE = "look_alike"
    INSIDE_PHRASE = "inside_phrase"
    PREFIX_OF_THEIRS = "prefix_of_theirs"
    COMPOUND = "compound"
    BEGINS_MANY = "begins_many"
    BEGINS_WITH_THEIRS = "begins_with_theirs"
    WITH_THEIR_SUB_KEYWORD = "with_their_sub_keyword"
    WITH_THEIR_DIGITS = "with_their_digits"
    DERIVED = "derived"
    OWN_BESIDE_DERIVED = "own_beside_derived"
    IN_THEIR_ADVERT = "in_their_advert"
    LONGER_WORD = "longer_word"
    ONE_EDIT = "one_edit"


class VerdictCode(StrEnum):
    """Why a claim is answered as it is: no fault, what is wrong with the word, or how it meets a keyword that exists."""

    FREE = "free"
    CAMPAIGN_WORD = "campaign_word"
    ANSWER = "answer"
    UNKNOWN_NUMBER = "unknown_number"
    NOT_OWNER = "not_owner"
    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    TOO_MANY_WORDS = "too_many_words"
    INVISIBLE = "invisible"
    MIXED_SCRIPTS = "mixed_scripts"
    RESERVED = "reserved"
    ONLY_DIGITS = "only_digits"
    TOO_SHORT = "too_short"
    TYPICAL_REPLY = "typical_reply"
    COMMON_WORD = "common_word"
    OFFENSIVE = "offensive"
    BARRED = "barred"
    BRAND = "brand"
    TAKEN = CollisionCode.TAKEN.value
    RESTING = CollisionCode.RESTING.value
    OTHER_WINDOW = CollisionCode.OTHER_WINDOW.value
    OWN_ALIAS = CollisionCode.OWN_ALIAS.value
    LOOK_ALIKE = CollisionCode.LOOK_ALIKE.value
    INSIDE_PHRASE = CollisionCode.INSIDE_PHRASE.value
    PREFIX_OF_THEIRS = CollisionCode.PREFIX_OF_THEIRS.value
    COMPOUND = CollisionCode.COMPOUND.value
    BEGINS_MANY = CollisionCode.BEGINS_MANY.value
    BEGINS_WITH_THEIRS = CollisionCode.BEGINS_WITH_THEIRS.value
    WITH_THEIR_SUB_KEYWORD = CollisionCode.WITH_THEIR_SUB_KEYWORD.value
    WITH_THEIR_DIGITS = CollisionCode.WITH_THEIR_DIGITS.value
    DERIVED = CollisionCode.DERIVED.value
    OWN_BESIDE_DERIVED = CollisionCode.OWN_BESIDE_DERIVED.value
    IN_THEIR_ADVERT = CollisionCode.IN_THEIR_ADVERT.value
    LONGER_WORD = CollisionCode.LONGER_WORD.value
    ONE_EDIT = CollisionCode.ONE_EDIT.value


class ClaimState(StrEnum):
    """States of a claim on a keyword: only ``active`` claims route to their actions."""

    REQUESTED = "requested"
    APPROVED = "approved"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RELEASED = "released"


class MatchMode(StrEnum):
    """Where a keyword's words stand in a text: at its start, anywhere, or nowhere: any text will do.

    The last two are for dedicated numbers, and only asked where nothing else fits.
    """

    START = "start"
    CONTAINS = "contains"
    ANY_WORD = "any_word"


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
    campaign_words: CampaignWords = CampaignWords.OPERATOR


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
    match: MatchMode = MatchMode.START


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
    """A keyword that was looked at. ``lost_because`` is None for the winner."""

    tenant_id: TenantId
    keyword_id: KeywordId
    word: str
    match_class: str
    lost_because: LostBecause | None


class WindowState(StrEnum):
    """Where a message stands in the keyword's activity window; open also where no keyword is meant.

    ``sold_out`` is found out when it runs: the keyword's first so many messages have come.
    """

    OPEN = "open"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"
    SOLD_OUT = "sold_out"
    SUSPENDED = "suspended"
    RELEASED = "released"


@dataclass(frozen=True, kw_only=True, slots=True)
class AskChoice:
    """One of the contexts or keywords between which the sender is asked to choose, in the order of the numbers to answer with.

    Of a keyword it says what the message would be to it.
    """

    tenant_id: TenantId
    context_id: str | None = None
    keyword_id: KeywordId | None = None
    word: str | None = None
    sub_keyword: str | None = None
    rest: str = ""


class Decision(NamedTuple):
    """Where a message goes and why. A named tuple because one is made for every message.

    ``rule`` names the row of the decision table that fitted (docs/routing.md); ``span`` is the matched part of the
    text in code points; ``rest`` is the text after it; ``candidates`` and ``suggestion`` are filled when explaining.
    """

    outcome: RouteOutcome
    rule: Rule
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
    reason: Reason | None = None
    language: str | None = None
    suggestion: KeywordId | None = None
    candidates: tuple[Candidate, ...] = ()
    asks: tuple[AskChoice, ...] = ()
    details: Mapping[str, str] = MappingProxyType({})
