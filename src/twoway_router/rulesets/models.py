"""The shape of a rules file, and of the messages and claims beside it. Used by ``file``, ``plan`` and the command line."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)

from twoway_router.domain.messages import Sharing
from twoway_router.routing.answers import KNOWN_ANSWERS, is_known
from twoway_router.routing.types import AmbiguityPolicy, CampaignWords, ClaimState, ContextKind, MatchMode

Name = Annotated[str, Field(min_length=1, max_length=200, coerce_numbers_to_str=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class _Line(BaseModel):
    """A line of JSON: what routing does not know is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


def _any_string(value: object) -> str:
    """A text as it came, even with half a surrogate pair in it, which pydantic would refuse."""
    if not isinstance(value, str):
        raise ValueError("a text is a string")
    return value


def _any_id(value: object) -> str | int:
    """What a line calls itself, to be given back as it came: joined by it, 5 is not "5"."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("an id is a string or a whole number")
    return value


def _any_word(value: object) -> str:
    """A word as somebody asks for it: whether it can be a keyword is for the verdict to say."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _any_string(value)


def _any_sender(value: object) -> str:
    return "" if value is None else str(value)


Word = Annotated[str, PlainValidator(_any_word)]
LineId = Annotated[str | int, PlainValidator(_any_id)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError(f"{name[:64]!r} is no time zone") from None
    return name


class NumberModel(_Strict):
    """A number that messages come in on."""

    id: Name = Field(description="What messages, keywords and claims call this number.")
    country: str = Field(min_length=2, max_length=2, description="ISO 3166 code; short codes are unique only with it.")
    address: Name | None = Field(default=None, description="The digits of the number; the id if left out.")
    sharing: Sharing = Field(default=Sharing.SHARED, description="Shared by tenants, or dedicated to its owner.")
    languages: tuple[str, ...] = Field(default=("en",), description="BCP 47 tags, for answers and reserved words.")
    owner: Name | None = Field(default=None, description="The tenant of a dedicated number.")
    fuzzy: bool = Field(default=False, description="Accept one wrong letter; dedicated numbers only.")
    ambiguity: AmbiguityPolicy = Field(default=AmbiguityPolicy.LATEST, description="When two tenants may be meant.")
    campaign_words: CampaignWords = Field(
        default=CampaignWords.OPERATOR, description="Whether common words that adverts like are free, or an operator's."
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"


class TenantModel(_Strict):
    """A customer who holds keywords."""

    id: Name
    name: str | None = None


class SubKeywordModel(_Strict):
    """A second word inside a keyword."""

    name: Name
    aliases: tuple[Name, ...] = ()
    actions: tuple[dict[str, object], ...] | None = Field(
        default=None,
        description="As the management API has them; left out: they stay as they are. Routing asks for none.",
    )


class OptionsModel(_Strict):
    """How a keyword matches."""

    glued: bool = Field(default=False, description="Also with digits right behind it: VOTE5.")
    whole_message: bool = Field(default=False, description="Only when nothing follows it.")
    match: MatchMode = Field(
        default=MatchMode.START,
        description="Dedicated numbers: also anywhere in a text that nothing else fits, or for every such text.",
    )


class KeywordModel(_Strict):
    """A word that a tenant holds on a number."""

    number: Name
    tenant: Name
    word: Name
    aliases: tuple[Name, ...] = ()
    sub_keywords: tuple[SubKeywordModel | Name, ...] = ()
    options: OptionsModel = OptionsModel()
    override: bool | tuple[Name, ...] = Field(
        default=False,
        description="An operator allows a word that needs it: for `rules`, with an operator's key. Where texts go elsewhere"
        " by it, all of them, as the refusal lists them.",
    )
    state: ClaimState = ClaimState.ACTIVE
    active_from: datetime | None = None
    active_until: datetime | None = None
    expires_at: datetime | None = Field(default=None, description="When it is given back by itself.")
    definition: dict[str, object] | None = Field(
        default=None,
        description="What it does: actions, texts and the like as the management API has them; left out: they stay as they"
        " are. Routing asks for none of it.",
    )


class ReservedWordsModel(_Strict):
    """What an operator keeps back on shared numbers, as TWOWAY_RESERVED_WORDS has it; tenants by their names here."""

    barred: tuple[Name, ...] = ()
    brands: dict[Name, Name | None] = Field(default_factory=dict)


class RulesFile(_Strict):
    """Numbers, tenants and keywords: all that routing knows. ``reserved_words`` count for `route check`."""

    version: Literal[1] = 1
    numbers: tuple[NumberModel, ...]
    tenants: tuple[TenantModel | Name, ...] = ()
    keywords: tuple[KeywordModel, ...] = ()
    reserved_words: ReservedWordsModel = ReservedWordsModel()


_EXPECTED = ("expected", "expects", "expected_kind", "expected_answer", "expected_answer_kind", "answer_kind")


class ContextModel(_Line):
    """An open question or a recent exchange with the sender, as a line of messages gives it."""

    tenant: Name
    kind: Annotated[ContextKind, BeforeValidator(lambda given: given.lower() if isinstance(given, str) else given)]
    expected: str | None = Field(
        default=None,
        validation_alias=AliasChoices(*_EXPECTED),
    )
    age_seconds: float = Field(default=0, validation_alias=AliasChoices("age", "age_seconds", "age_s"))
    lifetime_seconds: float = Field(
        default=86_400,
        validation_alias=AliasChoices("lifetime", "lifetime_seconds", "lifetime_s", "ttl_seconds", "ttl"),
    )
    choices: tuple[Name, ...] = ()
    language: str | None = None
    keyword: Name | None = None
    id: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _spread_expected(cls, given: object) -> object:
        """``expected`` may also be the list of choices; null is the same as left out."""
        if not isinstance(given, dict):
            return given
        given = {name: value for name, value in given.items() if value is not None}
        if isinstance(given.get("expected"), list):
            return given | {"expected": "choice", "choices": given["expected"]}
        return given


def _names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        yield from map(str, alias.choices) if isinstance(alias, AliasChoices) else (name,)


_CONTEXT_NAMES = tuple(_names(ContextModel))
_SHOWN_NAMES = "tenant, kind, expected, age, lifetime, choices, language, keyword, id"


def doubts(line: object) -> Iterator[str]:
    """What of a message's contexts is left alone, or read in a way that may not be meant."""
    contexts = line.get("contexts") if isinstance(line, dict) else None
    for context in contexts if isinstance(contexts, list) else ():
        if not isinstance(context, dict):
            continue
        for name in context.keys() - set(_CONTEXT_NAMES):
            yield f"a context has no {name!r}, it is left alone; it has {_SHOWN_NAMES}"
        expected = next((context[name] for name in _EXPECTED if name in context), None)
        if isinstance(expected, str) and not is_known(expected):
            yield f"expected: {expected!r} is taken for free text; known are {KNOWN_ANSWERS}"


class MessageModel(_Line):
    """One line of messages. One without an id goes by its place, from 0."""

    id: LineId | None = None
    number: Name
    sender: Annotated[str, PlainValidator(_any_sender)] = Field(
        default="", validation_alias=AliasChoices("from", "sender")
    )
    text: Annotated[str, PlainValidator(_any_string)]
    contexts: Annotated[tuple[ContextModel, ...], BeforeValidator(lambda given: given or ())] = ()
    at: AwareDatetime | None = None


class ClaimModel(_Line):
    """One line of claims."""

    id: LineId | None = None
    number: Name
    tenant: Name
    word: Word = Field(validation_alias=AliasChoices("word", "keyword"))
    aliases: tuple[Word, ...] = ()
    override: bool | tuple[Word, ...] = False
    active_from: datetime | None = None
    active_until: datetime | None = None


class PlainLoader(yaml.SafeLoader):
    """YAML in which NO is a word and 012345 a number's digits: only true, false, null and plain integers are special."""


PlainLoader.yaml_implicit_resolvers = {}
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^(?:null|~|)$"), ["n", "~", ""])
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile("^(?:0|[1-9][0-9]*)$"), list("0123456789"))
