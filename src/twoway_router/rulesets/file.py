"""Routing rules in a file (YAML or JSON), and what they do with messages and claims. Called by ``cli``.

The same functions as in live traffic, with no server and no database. The file's schema is ``json_schema()``.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from twoway_router.domain.ids import KeywordId, NumberId, TenantId
from twoway_router.domain.yaml_documents import load_yaml
from twoway_router.routing.barred_words import fold_barred_words
from twoway_router.routing.claims import Claim, Verdict, VerdictKind, judge_claim
from twoway_router.routing.index import RoutingTable
from twoway_router.routing.plan import choose_route
from twoway_router.routing.types import (
    Context,
    Decision,
    KeywordRules,
    NumberRules,
    RouteOutcome,
    RouteRequest,
    SubKeyword,
)
from twoway_router.rulesets.models import (
    ClaimModel,
    ContextModel,
    KeywordModel,
    MessageModel,
    NumberModel,
    PlainLoader,
    RulesFile,
    SubKeywordModel,
)

_NAMESPACE = UUID("6f2f9a4e-6d0b-5c0e-9c55-0f1d7a0b5e21")


def json_schema() -> dict[str, object]:
    """The JSON Schema of a rules file."""
    return RulesFile.model_json_schema()


def read_rules(text: str) -> "Rules":
    """Rules from YAML or JSON; raises ``ValueError`` with the place of the fault."""
    return Rules(RulesFile.model_validate(_read(text.removeprefix("\ufeff"))))


def _read(text: str) -> object:
    """JSON is read as JSON: to YAML an emoji written as two escapes is two halves of a character, and a tab is a fault."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return load_yaml(text, PlainLoader).value


class Rules:
    """A rules file ready to route by. Names stand for ids; a number goes by its id or its address."""

    def __init__(self, file: RulesFile) -> None:
        self.file = file
        self._tenants: dict[TenantId, str] = {}
        self._words: dict[KeywordId, str] = {}
        self._numbers = {number.address: _number_id(number.id) for number in file.numbers if number.address}
        self._numbers |= {number.id: _number_id(number.id) for number in file.numbers}
        self._zones = {_number_id(number.id): ZoneInfo(number.time_zone) for number in file.numbers}
        keywords = [self._keyword(place, keyword) for place, keyword in enumerate(file.keywords)]
        numbers = [self._number(number) for number in file.numbers]
        reserved = file.reserved_words
        brands = {name: None if tenant is None else self.tenant_id(tenant) for name, tenant in reserved.brands.items()}
        self.table = RoutingTable.build(numbers, keywords, barred_words=fold_barred_words(reserved.barred, brands))

    def number_id(self, name: str) -> NumberId:
        return self._numbers.get(name) or _number_id(name)

    def tenant_id(self, name: str) -> TenantId:
        tenant_id = TenantId(uuid5(_NAMESPACE, f"tenant:{name}"))
        self._tenants[tenant_id] = name
        return tenant_id

    def tenant(self, tenant_id: TenantId | None) -> str | None:
        return None if tenant_id is None else self._tenants.get(tenant_id)

    def word(self, keyword_id: KeywordId | None) -> str | None:
        return None if keyword_id is None else self._words.get(keyword_id)

    def keyword_id(self, number: NumberId, tenant: TenantId, word: str) -> KeywordId:
        return KeywordId(uuid5(_NAMESPACE, f"keyword:{number}:{tenant}:{word}"))

    def moment(self, number_id: NumberId, written: datetime | None) -> datetime | None:
        """A moment as the file means it: without an offset it is in the number's time zone."""
        if written is None or written.tzinfo is not None:
            return written
        return written.replace(tzinfo=self._zones.get(number_id, UTC))

    def _number(self, model: NumberModel) -> NumberRules:
        return NumberRules(
            number_id=_number_id(model.id),
            country=model.country.upper(),
            address=model.address or model.id,
            sharing=model.sharing,
            languages=model.languages,
            owner=None if model.owner is None else self.tenant_id(model.owner),
            is_fuzzy=model.fuzzy,
            ambiguity=model.ambiguity,
            campaign_words=model.campaign_words,
            time_zone=model.time_zone,
        )

    def _keyword(self, place: int, model: KeywordModel) -> KeywordRules:
        number_id = self.number_id(model.number)
        if number_id not in self._numbers.values():
            raise ValueError(f"keywords[{place}] {model.word!r}: there is no number {model.number!r}")
        tenant_id = self.tenant_id(model.tenant)
        keyword_id = self.keyword_id(number_id, tenant_id, model.word)
        if keyword_id in self._words:
            raise ValueError(f"keywords[{place}] {model.word!r}: stands twice for {model.tenant!r}")
        self._words[keyword_id] = model.word
        return KeywordRules(
            keyword_id=keyword_id,
            tenant_id=tenant_id,
            number_id=number_id,
            spellings=(model.word, *model.aliases),
            sub_keywords=tuple(map(_sub_keyword, model.sub_keywords)),
            state=model.state,
            active_from=self.moment(number_id, model.active_from),
            active_until=self.moment(number_id, model.active_until),
            is_glued=model.options.glued,
            is_whole_message=model.options.whole_message,
            match=model.options.match,
        )


def _number_id(name: str) -> NumberId:
    return NumberId(uuid5(_NAMESPACE, f"number:{name}"))


def _sub_keyword(model: SubKeywordModel | str) -> SubKeyword:
    if isinstance(model, str):
        return SubKeyword(name=model, spellings=(model,))
    return SubKeyword(name=model.name, spellings=(model.name, *model.aliases))


def evaluate(rules: Rules, line: object, place: int, at: datetime) -> dict[str, object]:
    """Route one message, the ``place``-th from 0, at ``at`` unless it says when it came; raises ``ValidationError``."""
    message = MessageModel.model_validate(line)
    return {"id": _named(message.id, place)} | describe(rules, route(rules, message, at))


def _named(given: str | int | None, place: int) -> str | int:
    return str(place) if given is None else given


def route(rules: Rules, message: MessageModel, at: datetime) -> Decision:
    """The decision for one message, with everything that was looked at."""
    number_id = rules.number_id(message.number)
    request = RouteRequest(
        number_id=number_id,
        sender=message.sender,
        text=message.text,
        at=message.at or at,
        contexts=tuple(_context(rules, number_id, place, one) for place, one in enumerate(message.contexts)),
    )
    return choose_route(rules.table, request, explain=True)


def _context(rules: Rules, number_id: NumberId, place: int, model: ContextModel) -> Context:
    tenant_id = rules.tenant_id(model.tenant)
    return Context(
        context_id=model.id or str(place),
        tenant_id=tenant_id,
        kind=model.kind,
        age_seconds=model.age_seconds,
        lifetime_seconds=model.lifetime_seconds,
        expected=model.expected,
        choices=model.choices,
        language=model.language,
        keyword_id=None if model.keyword is None else rules.keyword_id(number_id, tenant_id, model.keyword),
    )


def describe(rules: Rules, decision: Decision) -> dict[str, object]:
    """A decision in the words of the rules file."""
    keyword = rules.word(decision.keyword_id)
    tenant = rules.tenant(decision.tenant_id)
    if tenant is None and decision.outcome is RouteOutcome.OPT_OUT and "conversation_tenant" in decision.details:
        tenant = rules.tenant(TenantId(UUID(decision.details["conversation_tenant"])))
    return {
        "outcome": decision.outcome.value,
        "tenant": tenant,
        "keyword": keyword,
        "sub_keyword": decision.sub_keyword,
        "rest": decision.rest,
        "rule": decision.rule.value,
        "class": decision.match_class,
        "candidates": [
            {
                "tenant": rules.tenant(candidate.tenant_id),
                "keyword": rules.word(candidate.keyword_id),
                "spelling": candidate.word,
                "class": candidate.match_class,
                "lost_because": candidate.lost_because,
            }
            for candidate in decision.candidates
        ],
        "window": decision.window.value,
        "span": decision.span,
        "key": decision.key,
        "context": decision.context_id,
        "reason": decision.reason,
        "detail": decision.reason.detail if decision.reason else "",
        "language": decision.language,
        "suggestion": rules.word(decision.suggestion),
        "asks": [rules.tenant(choice.tenant_id) for choice in decision.asks],
        "details": {name: value for name, value in decision.details.items() if name != "conversation_tenant"},
    }


def unconfirmed(verdict: Verdict, override: bool | Sequence[str]) -> list[str]:
    """The texts that would move and that an override does not list."""
    listed = () if isinstance(override, bool) else override
    return [text for text in verdict.moves if text not in listed]


def check(rules: Rules, line: object, place: int) -> dict[str, object]:
    """The verdict on one claim, the ``place``-th from 0, by the rules as they stand; raises ``ValidationError``."""
    model = ClaimModel.model_validate(line)
    number_id = rules.number_id(model.number)
    claim = Claim(
        number_id=number_id,
        tenant_id=rules.tenant_id(model.tenant),
        spellings=(model.word, *model.aliases),
        is_override=model.override is not False,
        active_from=rules.moment(number_id, model.active_from),
        active_until=rules.moment(number_id, model.active_until),
    )
    verdict = judge_claim(rules.table, claim)
    is_unconfirmed = verdict.kind is VerdictKind.WARN and bool(unconfirmed(verdict, model.override))
    return {
        "id": _named(model.id, place),
        "verdict": VerdictKind.OVERRIDE_NEEDED.value if is_unconfirmed else verdict.kind.value,
        "code": verdict.code.value,
        "detail": verdict.detail,
        "key": verdict.key,
        "collisions": [
            {
                "tenant": rules.tenant(collision.tenant_id),
                "keyword": collision.word,
                "spelling": collision.spelling,
                "code": collision.code.value,
                **({"moves": list(collision.moves)} if collision.moves else {}),
            }
            for collision in verdict.collisions
        ],
        "catches": list(verdict.catches),
        "whole_message_only": verdict.is_whole_message,
    }
