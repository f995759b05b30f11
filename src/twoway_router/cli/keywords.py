"""The registry as a rules file, and a plan's steps as calls of the API. Called by ``rules_code``; works on an ``ApiClient``.

Over the API and not on the database: the same keys, checks, verdicts and audit log as for every other change.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from twoway_router.cli.api_client import ApiClient, ApiProblem
from twoway_router.keywords.checks import check_definition
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.numbers.rules import keyword_limit
from twoway_router.routing.text import fold
from twoway_router.routing.types import MatchMode
from twoway_router.rulesets.models import RulesFile
from twoway_router.rulesets.plan import Finding, Key, RulesPlan, Step, StepKind

ME: Final = "me"
"""The tenant of a tenant's own key, in its files."""

_MOMENTS: Final = ("active_from", "active_until", "expires_at")
_ROUTED: Final = {"word", "aliases", "sub_keywords", *_MOMENTS, "is_glued", "is_whole_message", "match"}
_SHOWN: Final = {
    "id",
    "tenant_id",
    "number_id",
    "state",
    "is_held",
    "revision",
    "releases_at",
    "created_at",
    "updated_at",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """The keywords and numbers of the API, and the ids behind their names. ``is_operators``: read with an operator's key.

    ``shown`` are the numbers as the API shows them. ``content`` is what is exported; ``file`` also has tenants without keywords.
    """

    file: RulesFile
    content: Mapping[str, Any]
    keywords: Mapping[Key, str]
    numbers: Mapping[str, str]
    shown: Mapping[str, Mapping[str, Any]]
    is_operators: bool

    def limit(self, key: Key) -> int | None:
        """How many keywords the tenant may hold on the number."""
        number = self.shown[key.number]
        limit: int | None = number["claims"]["limit"] if number.get("claims") else None
        return keyword_limit(number["options"], key.tenant) if self.is_operators else limit


def canonical(body: dict[str, Any]) -> dict[str, Any]:
    """A definition with its defaults, as the API would store it; raises ``ValueError`` where it would refuse it."""
    return KeywordDefinition.model_validate(body).model_dump(mode="json")


def read_registry(api: ApiClient, *, number: str | None = None) -> Registry:
    """Everything that the key may see, or one number by its country/address."""
    tenants, is_operators = _tenants(api)
    numbers = {_name(row): row for row in api.pages("/v1/numbers") if number in (None, _name(row))}
    by_id = {row["id"]: name for name, row in numbers.items()}
    keywords = [row for row in api.pages("/v1/keywords") if row["number_id"] in by_id]
    used = {row["tenant_id"] for row in keywords} | {row.get("tenant_id") for row in numbers.values()}
    content = {
        "version": 1,
        "numbers": [_number(name, row, is_operators=is_operators) for name, row in sorted(numbers.items())],
        "tenants": [tenant for tenant in tenants if tenant["id"] in used] if is_operators else [{"id": ME}],
        "keywords": sorted(
            (_keyword(row, by_id[row["number_id"]], is_operators=is_operators) for row in keywords),
            key=lambda keyword: (keyword["number"], keyword["tenant"], keyword["word"]),
        ),
    }
    return Registry(
        file=RulesFile.model_validate(content | ({"tenants": tenants} if is_operators else {})),
        content=content,
        keywords={
            Key(by_id[row["number_id"]], _owner(row, is_operators=is_operators), fold(row["word"]).key): row["id"]
            for row in keywords
        },
        numbers={name: row["id"] for name, row in numbers.items()},
        shown=numbers,
        is_operators=is_operators,
    )


def find_refused(api: ApiClient, registry: Registry, plan: RulesPlan) -> Iterator[Finding]:
    """Refusals that routing alone cannot predict: definitions with mistakes, words that others hold or that rest."""
    known = {finding.word for finding in plan.findings if finding.kind == "refused"}
    for step in plan.steps:
        if step.kind is StepKind.RELEASE:
            continue
        for error in check_definition(KeywordDefinition.model_validate(step.body)):
            yield Finding(kind="refused", word=step.word, detail=f"{error.pointer}: {error.detail}")
        if step.word not in known:
            yield from _find_held(api, registry, step)
    yield from _find_beyond_limit(registry, plan)


def _find_beyond_limit(registry: Registry, plan: RulesPlan) -> Iterator[Finding]:
    """New keywords for which a tenant has no room on a number once the plan's releases are made."""
    held = Counter((keyword["number"], keyword["tenant"]) for keyword in registry.content["keywords"])
    held.subtract((step.key.number, step.key.tenant) for step in plan.steps if step.kind is StepKind.RELEASE)
    for step in plan.steps:
        if step.kind is not StepKind.CREATE:
            continue
        held[step.key.number, step.key.tenant] += 1
        limit = registry.limit(step.key)
        if limit is not None and held[step.key.number, step.key.tenant] > limit:
            detail = f"No more than {limit} keywords of {step.key.tenant} are allowed on {step.key.number}."
            yield Finding(kind="refused", word=step.word, detail=detail)


def _find_held(api: ApiClient, registry: Registry, step: Step) -> Iterator[Finding]:
    """The step's new words that are not available."""
    parameters = {name: step.body[name] for name in ("active_from", "active_until") if step.body.get(name)}
    parameters |= {"tenant_id": step.key.tenant} if registry.is_operators else {}
    held = {
        fold(spelling).key
        for keyword in registry.content["keywords"]
        if step.key == Key(keyword["number"], keyword["tenant"], fold(keyword["word"]).key)
        for spelling in (keyword["word"], *keyword.get("aliases", ()))
    }
    for word in (step.word, *step.body.get("aliases", ())):
        if fold(word).key in held:
            continue
        query = {"number_id": registry.numbers[step.key.number], "word": word, **parameters}
        verdict = api.send("GET", "/v1/keywords/availability", query=query).json()
        # What this plan releases is still held, and counts towards the limit, which is looked at for the plan as a whole.
        if verdict["is_available"] or verdict["code"] in ("keyword_exists", "keyword_quota"):
            continue
        if verdict["verdict"] != "override_needed" or not (step.is_override and registry.is_operators):
            yield Finding(kind="refused", word=word, detail=verdict["detail"])
            continue
        moves = {text for collision in verdict["collisions"] for text in collision["moves"]}
        if moved := sorted(moves - set(step.confirmed_moves)):
            yield Finding(kind="refused", word=word, detail=f"Its override does not list {moved}, which move.")


def apply_plan(api: ApiClient, registry: Registry, plan: RulesPlan, report: Callable[[Step, str], None]) -> bool:
    """Apply the steps in order and report how they end; False when one was refused. Steps that succeeded stay."""
    is_done = True
    for step in plan.steps:
        try:
            _apply(api, registry, step)
        except ApiProblem as problem:
            is_done = False
            report(step, str(problem))
        else:
            report(step, "")
    return is_done


def _apply(api: ApiClient, registry: Registry, step: Step) -> None:
    confirmed = {"confirmed_moves": step.confirmed_moves} if step.confirmed_moves else {}
    if step.kind is StepKind.CREATE:
        owner = {"tenant_id": step.key.tenant} if registry.is_operators else {}
        body = {**step.body, **owner, **confirmed}
        body |= {"number_id": registry.numbers[step.key.number], "is_override": step.is_override}
        path = f"/v1/keywords/{api.send('POST', '/v1/keywords', body).json()['id']}"
        if step.is_suspended:
            api.send("POST", f"{path}/suspension")
        return
    path = f"/v1/keywords/{registry.keywords[step.key]}"
    headers = {"If-Match": api.send("GET", path).headers["etag"]}
    if step.kind is StepKind.RELEASE:
        api.send("DELETE", path, headers=headers)
        return
    if set(step.fields) - {"state"}:
        api.send("PUT", path, {**step.body, **confirmed}, headers=headers)
    if "state" in step.fields:
        api.send("POST" if step.is_suspended else "DELETE", f"{path}/suspension")


def _tenants(api: ApiClient) -> tuple[list[dict[str, str]], bool]:
    """The tenants, and whether the key is an operator's: only these may list tenants."""
    try:
        return [{"id": tenant["id"], "name": tenant["name"]} for tenant in api.pages("/v1/tenants")], True
    except ApiProblem as problem:
        if problem.code != "operator_only":
            raise
        return [], False


def _name(number: Mapping[str, Any]) -> str:
    return f"{number['country']}/{number['address']}"


def _owner(keyword: Mapping[str, Any], *, is_operators: bool) -> str:
    return str(keyword["tenant_id"]) if is_operators else ME


def _number(name: str, number: Mapping[str, Any], *, is_operators: bool) -> dict[str, Any]:
    owner = number.get("tenant_id") if is_operators else ME if number["is_mine"] else None
    options = number.get("options") or {}
    return {
        "id": name,
        **{field: number[field] for field in ("country", "address", "sharing", "languages", "time_zone")},
        **({"owner": owner} if owner else {}),
        **({"fuzzy": True} if options.get("is_fuzzy") else {}),
        **{name: options[name] for name in ("ambiguity", "campaign_words") if name in options},
    }


def _keyword(keyword: Mapping[str, Any], number: str, *, is_operators: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        name.removeprefix("is_"): True for name in ("is_glued", "is_whole_message") if keyword.get(name)
    }
    if keyword["match"] != MatchMode.START:
        options["match"] = keyword["match"]
    window = {name: keyword[name] for name in _MOMENTS if keyword.get(name)}
    definition = {
        name: value
        for name, value in keyword.items()
        if name not in _ROUTED | _SHOWN and value is not None and value not in ([], {}, False)
    }
    subs = [
        {"name": sub["word"], **{name: sub[name] for name in ("aliases", "actions") if sub.get(name)}}
        for sub in keyword["sub_keywords"]
    ]
    return {
        "number": number,
        "tenant": _owner(keyword, is_operators=is_operators),
        "word": keyword["word"],
        **({"aliases": keyword["aliases"]} if keyword["aliases"] else {}),
        **({"sub_keywords": subs} if subs else {}),
        **({"options": options} if options else {}),
        "state": keyword["state"],
        **window,
        **({"definition": _without_nulls(definition)} if definition else {}),
    }


def _without_nulls(value: Any) -> Any:
    """As a person would write it: the API shows every field, also those that are not set."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
