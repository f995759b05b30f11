"""Rules as code: what it takes to make the registry what a rules file says, and which of its rules never act.

Pure: two rules files in, steps and findings out. Called by ``cli.rules_code``, which reads and writes the registry by the API.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from twoway_router.domain.ids import KeywordId, NumberId
from twoway_router.domain.messages import Sharing
from twoway_router.routing.claims import Claim, VerdictKind, judge_claim
from twoway_router.routing.plan import choose_route
from twoway_router.routing.text import fold
from twoway_router.routing.types import ClaimState, MatchMode, RouteRequest
from twoway_router.rulesets.file import Rules, unconfirmed
from twoway_router.rulesets.models import KeywordModel, NumberModel, RulesFile, SubKeywordModel, TenantModel

Canonical = Callable[[dict[str, Any]], dict[str, Any]]
"""Gives a definition's body the form in which two of them are compared: the defaults filled in."""

_WAITING: Final = (ClaimState.REQUESTED, ClaimState.APPROVED)


class StepKind(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    RELEASE = "release"


class Key(NamedTuple):
    """Which keyword is meant, in the registry's names: number as country/address, tenant, folded word."""

    number: str
    tenant: str
    word: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing to do. ``body`` is the definition for the API; ``fields`` are those of it that change.

    ``is_override``: an operator allows the word, with the ``confirmed_moves``.
    """

    kind: StepKind
    key: Key
    word: str
    body: Mapping[str, Any]
    fields: tuple[str, ...] = ()
    is_suspended: bool = False
    is_override: bool = False
    confirmed_moves: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A rule of the file that will not do what it says. ``kind``: refused, dead or shadowed.

    Of a refusal ``code`` says why, for programs; ``alternatives`` are words that can be had instead.
    """

    kind: str
    word: str
    detail: str
    code: str = ""
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesPlan:
    """Releases first, then changes, then new keywords. ``numbers`` and ``tenants`` are those whose keywords it is about."""

    steps: tuple[Step, ...]
    unchanged: int
    numbers: tuple[str, ...]
    tenants: tuple[str, ...]
    unknown_numbers: tuple[str, ...]
    findings: tuple[Finding, ...]


def plan_rules(
    wanted: RulesFile, current: RulesFile, *, now: datetime, canonical: Canonical = lambda body: body
) -> RulesPlan:
    """What leads from the current rules to the wanted ones, for the numbers and tenants that the wanted ones name."""
    names = _Names(wanted, current)
    held = {names.key(keyword): keyword for keyword in current.keywords}
    asked = {names.key(each): each for each in wanted.keywords if each.state is not ClaimState.RELEASED}
    known = {names.number(number.id) for number in current.numbers}
    numbers = {names.number(number.id) for number in wanted.numbers}
    tenants = names.managed

    def is_held(keyword: KeywordModel) -> bool:
        present = held.get(names.key(keyword))
        return present is not None and {keyword.word, *keyword.aliases} <= {present.word, *present.aliases}

    steps = [
        Step(kind=StepKind.RELEASE, key=key, word=keyword.word, body={})
        for key, keyword in held.items()
        if key not in asked and key.number in numbers and key.tenant in tenants
    ]
    created: list[Step] = []
    unchanged = 0
    for key, keyword in asked.items():
        if key.number not in known:
            continue
        step = _step(key, keyword, held.get(key), names.zone(keyword.number), canonical)
        if step is None:
            unchanged += 1
        else:
            (created if step.kind is StepKind.CREATE else steps).append(step)
    return RulesPlan(
        steps=(*steps, *created),
        unchanged=unchanged,
        numbers=tuple(sorted(numbers & known)),
        tenants=tuple(sorted(tenants)),
        unknown_numbers=tuple(sorted(numbers - known)),
        findings=tuple(find_faults(wanted, now=now, is_held=is_held)),
    )


def find_faults(
    file: RulesFile, *, now: datetime, is_held: Callable[[KeywordModel], bool] = lambda _: False
) -> Iterator[Finding]:
    """Keywords, spellings and sub-keywords that never win, and claims that would be refused, by the file alone.

    Words that are held already were allowed then: an operator need not allow them again.
    """
    rules = Rules(file)
    for keyword in file.keywords:
        if keyword.state is ClaimState.RELEASED:
            continue
        number_id, tenant_id = rules.number_id(keyword.number), rules.tenant_id(keyword.tenant)
        keyword_id = rules.keyword_id(number_id, tenant_id, keyword.word)
        start, until = (rules.moment(number_id, end) for end in (keyword.active_from, keyword.active_until))
        claim = Claim(
            number_id=number_id,
            tenant_id=tenant_id,
            spellings=(keyword.word, *keyword.aliases),
            keyword_id=keyword_id,
            is_override=keyword.override is not False or is_held(keyword),
            active_from=start,
            active_until=until,
        )
        verdict = judge_claim(rules.table, claim)
        may_move = any(collision.kind is VerdictKind.OVERRIDE_NEEDED for collision in verdict.collisions)
        if may_move and not is_held(keyword) and (itself := rules.table.keyword(keyword_id)) is not None:
            # What it moves only shows where it is not yet.
            rules.table.remove_keyword(keyword_id)
            verdict = judge_claim(rules.table, claim)
            rules.table.put_keyword(itself)
        if verdict.kind in (VerdictKind.REFUSE, VerdictKind.OVERRIDE_NEEDED):
            yield Finding(kind="refused", word=keyword.word, detail=verdict.detail, code=verdict.code)
        elif not is_held(keyword) and (moved := unconfirmed(verdict, keyword.override)):
            detail = f"Its override does not list {moved}, which move."
            yield Finding(kind="refused", word=keyword.word, detail=detail, code="override_unconfirmed")
        number = rules.table.number(number_id)
        is_loose = keyword.options.match is not MatchMode.START
        if is_loose and number is not None and number.sharing is Sharing.SHARED:
            detail = f"{keyword.options.match.value!r} is for dedicated numbers."
            yield Finding(kind="refused", word=keyword.word, detail=detail)
        expiry = rules.moment(number_id, keyword.expires_at)
        if expiry is not None and expiry <= now:
            yield Finding(kind="refused", word=keyword.word, detail="Its date of expiry is over.")
        if until is not None and until <= now:
            yield Finding(kind="dead", word=keyword.word, detail="Its window is over.")
            continue
        at = now if start is None else max(now, start)
        yield from _find_shadowed(rules, keyword, keyword_id, number_id, at)


def _find_shadowed(
    rules: Rules, keyword: KeywordModel, keyword_id: KeywordId, number_id: NumberId, at: datetime
) -> Iterator[Finding]:
    """Spellings and sub-keywords that go elsewhere at a moment when the keyword is active."""
    for place, spelling in enumerate((keyword.word, *keyword.aliases)):
        request = RouteRequest(number_id=number_id, sender="", text=spelling, at=at)
        decision = choose_route(rules.table, request)
        if decision.keyword_id != keyword_id and keyword.state not in _WAITING:
            kind = "shadowed" if place else "dead"
            goes = rules.word(decision.keyword_id) or decision.outcome.value
            yield Finding(kind=kind, word=keyword.word, detail=f"{spelling!r} goes to {goes} ({decision.rule}).")
    seen: set[str] = set()
    for sub in map(_sub, keyword.sub_keywords):
        key = fold(sub.name).key
        if not key or key in seen:  # the registry refuses it
            continue
        seen.update(fold(spelling).key for spelling in (sub.name, *sub.aliases))
        request = RouteRequest(number_id=number_id, sender="", text=f"{keyword.word} {sub.name}", at=at)
        found = choose_route(rules.table, request)
        if found.keyword_id == keyword_id and found.sub_keyword != sub.name:
            detail = f"{request.text!r} goes to {found.sub_keyword or 'no sub-keyword'}."
            yield Finding(kind="shadowed", word=keyword.word, detail=detail)
        elif found.keyword_id != keyword_id and keyword.state not in _WAITING:
            goes = rules.word(found.keyword_id) or found.outcome.value
            yield Finding(kind="shadowed", word=keyword.word, detail=f"{request.text!r} goes to {goes}.")


def _step(
    key: Key, wanted: KeywordModel, held: KeywordModel | None, zone: ZoneInfo, canonical: Canonical
) -> Step | None:
    body = canonical(body_of(wanted, held, zone))
    is_suspended = wanted.state is ClaimState.SUSPENDED
    confirmed = () if isinstance(wanted.override, bool) else wanted.override
    if held is None:
        return Step(
            kind=StepKind.CREATE,
            key=key,
            word=wanted.word,
            body=body,
            is_suspended=is_suspended,
            is_override=wanted.override is not False,
            confirmed_moves=confirmed,
        )
    now = canonical(body_of(held, None, zone))
    fields = [name for name in sorted(body.keys() | now.keys()) if body.get(name) != now.get(name)]
    if held.state not in _WAITING and is_suspended != (held.state is ClaimState.SUSPENDED):
        fields.append("state")
    if not fields:
        return None
    return Step(
        kind=StepKind.CHANGE,
        key=key,
        word=wanted.word,
        body=body,
        fields=tuple(fields),
        is_suspended=is_suspended,
        is_override=wanted.override is not False,
        confirmed_moves=confirmed,
    )


def body_of(keyword: KeywordModel, held: KeywordModel | None, zone: ZoneInfo) -> dict[str, Any]:
    """The definition that the API takes. What the file leaves out is taken from the keyword as it is held."""
    kept = keyword.definition if keyword.definition is not None else held.definition if held else None
    held_actions = {sub.name: sub.actions for sub in map(_sub, held.sub_keywords)} if held else {}
    sub_keywords = []
    for sub in map(_sub, keyword.sub_keywords):
        actions = held_actions.get(sub.name) if sub.actions is None else sub.actions
        body = {"word": sub.name, "aliases": list(sub.aliases), "actions": [_filled(each) for each in actions or ()]}
        sub_keywords.append(body)
    return {
        **_filled(kept or {}),
        "word": keyword.word,
        "aliases": list(keyword.aliases),
        "sub_keywords": sub_keywords,
        "is_glued": keyword.options.glued,
        "is_whole_message": keyword.options.whole_message,
        "match": keyword.options.match.value,
        "active_from": _moment(keyword.active_from, zone),
        "active_until": _moment(keyword.active_until, zone),
        "expires_at": _moment(keyword.expires_at, zone),
    }


def _filled(value: Any) -> Any:
    """Without what is null or empty: left out and null are the same to the API."""
    if isinstance(value, Mapping):
        found = {name: _filled(each) for name, each in value.items()}
        return {name: each for name, each in found.items() if each is not None and each != [] and each != {}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_filled(each) for each in value]
    return value


def _moment(moment: datetime | None, zone: ZoneInfo) -> str | None:
    if moment is None:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).isoformat()


def _sub(sub: SubKeywordModel | str) -> SubKeywordModel:
    return SubKeywordModel(name=sub) if isinstance(sub, str) else sub


class _Names:
    """Both files' names for numbers and tenants as one: a number by country and address, a tenant by its id."""

    def __init__(self, wanted: RulesFile, current: RulesFile) -> None:
        numbers = [each for file in (current, wanted) for each in file.numbers]
        self._numbers = {name: number_name(each) for each in numbers for name in (each.address or each.id, each.id)}
        self._zones = {self._numbers[each.id]: ZoneInfo(each.time_zone) for each in (*wanted.numbers, *current.numbers)}
        named = [each for each in current.tenants if isinstance(each, TenantModel)]
        names = [each.name for each in named]
        self._tenants = {each.name: each.id for each in named if each.name and names.count(each.name) == 1}
        listed = (each.id if isinstance(each, TenantModel) else each for each in wanted.tenants)
        used = (keyword.tenant for keyword in wanted.keywords)
        self.managed = frozenset(map(self.tenant, (*listed, *used)))

    def number(self, name: str) -> str:
        return self._numbers.get(name, name)

    def tenant(self, name: str) -> str:
        return self._tenants.get(name, name)

    def zone(self, number: str) -> ZoneInfo:
        return self._zones.get(self.number(number), ZoneInfo("UTC"))

    def key(self, keyword: KeywordModel) -> Key:
        return Key(self.number(keyword.number), self.tenant(keyword.tenant), fold(keyword.word).key)


def number_name(number: NumberModel) -> str:
    """A number's name in the registry: unique, unlike a short code without its country."""
    return f"{number.country.upper()}/{number.address or number.id}"
