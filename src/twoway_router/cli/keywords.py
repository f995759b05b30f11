"""The registry and its versions as rules files, and a plan as one request. Called by ``rules_code``; works on an ``ApiClient``.

Over the API and not on the database: the same keys, checks, verdicts and audit log as for every other change.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from twoway_router.cli.api_client import ApiClient, ApiProblem
from twoway_router.keywords.definitions import KeywordDefinition
from twoway_router.routing.text import fold
from twoway_router.routing.types import MatchMode
from twoway_router.rulesets.models import RulesFile, TenantModel
from twoway_router.rulesets.plan import Finding, Key, RulesPlan, Step, StepKind

LONGEST_SECONDS: Final = 300.0
"""For a request with thousands of keywords."""

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
class HeldKeyword:
    """A keyword of the registry, and when it was changed last."""

    id: str
    updated_at: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """The keywords and numbers of the API, and the ids behind their names. ``is_operators``: read with an operator's key.

    ``content`` is what is exported; ``file`` also has tenants without keywords.
    """

    file: RulesFile
    content: Mapping[str, Any]
    keywords: Mapping[Key, HeldKeyword]
    numbers: Mapping[str, str]
    is_operators: bool


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
            Key(by_id[row["number_id"]], _owner(row, is_operators=is_operators), fold(row["word"]).key): HeldKeyword(
                id=row["id"], updated_at=row["updated_at"]
            )
            for row in keywords
        },
        numbers={name: row["id"] for name, row in numbers.items()},
        is_operators=is_operators,
    )


def read_version(api: ApiClient, registry: Registry, version: int) -> RulesFile:
    """What the rules were in a version, as a file that leaves nothing out; raises ``ValueError`` if that cannot be said."""
    found = api.send("GET", "/v1/rule-versions", query={"version": str(version)}).json()["data"]
    if not found:
        raise ValueError(f"There is no version {version}.")
    by_id = {number_id: name for name, number_id in registry.numbers.items()}
    if unknown := [number_id for number_id in found[0]["number_ids"] if number_id not in by_id]:
        raise ValueError(f"Version {version} is about a number that you cannot use now: {', '.join(unknown)}.")
    names = {by_id[number_id] for number_id in found[0]["number_ids"]}
    rows = api.pages(f"/v1/rule-versions/{found[0]['id']}/keywords")
    tenants = [{"id": each} for each in found[0]["tenant_ids"]] if registry.is_operators else [{"id": ME}]
    content = {
        "numbers": [number for number in registry.content["numbers"] if number["id"] in names],
        "tenants": tenants,
        "keywords": [_whole(row, by_id[row["number_id"]], is_operators=registry.is_operators) for row in rows],
    }
    return RulesFile.model_validate(content)


def find_refused(api: ApiClient, registry: Registry, plan: RulesPlan) -> Iterator[Finding]:
    """What the registry would refuse if the plan were applied now: it knows other tenants' words, and words that rest."""
    unknown = set(plan.tenants) - {each.id if isinstance(each, TenantModel) else each for each in registry.file.tenants}
    if unknown:
        yield from (Finding(kind="refused", word=name, detail="There is no such tenant.") for name in sorted(unknown))
    elif plan.steps:
        answer = api.send(
            "POST", "/v1/rule-previews", changes_of(registry, plan), timeout_seconds=LONGEST_SECONDS
        ).json()
        yield from refusals_of(plan, answer)


def apply_plan(api: ApiClient, registry: Registry, plan: RulesPlan, **origin: str | int) -> dict[str, Any]:
    """Apply all steps or none; the version that it comes to. Raises ``ApiProblem`` with every refusal (``refusals_of``)."""
    body = changes_of(registry, plan) | origin
    version: dict[str, Any] = api.send("POST", "/v1/rule-versions", body, timeout_seconds=LONGEST_SECONDS).json()
    return version


def refusals_of(plan: RulesPlan, answer: Mapping[str, Any]) -> Iterator[Finding]:
    """The refusals of a preview, or of a problem, each with its word and with what it meets."""
    for refusal in answer.get("refusals", ()):
        faults = " ".join(f"{error['pointer']}: {error['detail']}" for error in refusal["errors"])
        meets = [f"{json.dumps(each['word'], ensure_ascii=False)} ({each['reason']})" for each in _met(refusal)]
        beside = f" It meets {', '.join(meets)}." if meets else ""
        holder = refusal.get("held_by") or {}
        beside += f" Tenant {holder['tenant_id']} has it: {holder['word']}." if holder else ""
        beside += f" It is free at {refusal['free_at']}." if refusal.get("free_at") else ""
        step = plan.steps[refusal["step"]]
        spellings = (step.word, *step.body.get("aliases", ()))
        at = {"/word": 0, **{f"/aliases/{place}": place + 1 for place in range(len(spellings) - 1)}}
        blamed = [
            *(at[error["pointer"]] for error in refusal["errors"] if error["pointer"] in at),
            *(place for place, spelling in enumerate(spellings) if fold(spelling).key == refusal.get("key")),
            *(spellings.index(each["spelling"]) for each in _met(refusal) if each["spelling"] in spellings),
            0,
        ]
        yield Finding(
            kind="refused",
            word=spellings[blamed[0]],
            detail=(faults or refusal["detail"]) + beside,
            code=refusal.get("reason") or refusal["code"],
            alternatives=tuple(refusal.get("alternatives") or ()),
        )


def _met(refusal: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The keywords for which a word is refused; warnings are left out."""
    reason = refusal.get("reason")
    return (each for each in refusal.get("collisions") or () if reason in (None, each["reason"]))


def changes_of(registry: Registry, plan: RulesPlan) -> dict[str, Any]:
    """The plan as one body of the API."""
    return {
        "number_ids": [registry.numbers[name] for name in plan.numbers if name in registry.numbers],
        **({"tenant_ids": list(plan.tenants)} if registry.is_operators else {}),
        "steps": [_step(registry, step) for step in plan.steps],
    }


def _definition(step: Step) -> dict[str, Any]:
    confirmed = {"confirmed_moves": list(step.confirmed_moves)} if step.confirmed_moves else {}
    body: dict[str, Any] = _without_nulls(step.body)
    return body | confirmed


def _step(registry: Registry, step: Step) -> dict[str, Any]:
    if step.kind is StepKind.CREATE:
        return {
            "kind": "create",
            "number_id": registry.numbers[step.key.number],
            **({"tenant_id": step.key.tenant} if registry.is_operators else {}),
            "is_override": step.is_override,
            "state": "suspended" if step.is_suspended else "active",
            "definition": _definition(step),
        }
    held = registry.keywords[step.key]
    named = {"kind": step.kind.value, "keyword_id": held.id, "updated_at": held.updated_at}
    if step.kind is StepKind.RELEASE:
        return named
    return {
        **named,
        "number_id": registry.numbers[step.key.number],
        "is_override": step.is_override,
        **({"state": "suspended" if step.is_suspended else "active"} if "state" in step.fields else {}),
        **({"definition": _definition(step)} if set(step.fields) - {"state"} else {}),
    }


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


def _whole(keyword: Mapping[str, Any], number: str, *, is_operators: bool) -> dict[str, Any]:
    """A keyword that says all: what it leaves out would stay as it is."""
    shown = _keyword(keyword, number, is_operators=is_operators)
    subs = [{"actions": [], **sub} for sub in shown.get("sub_keywords", ())]
    return {"definition": {}, **shown, "sub_keywords": subs}


def _without_nulls(value: Any) -> Any:
    """As a person would write it: the API shows every field, also those that are not set."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
