"""``twoway-router rules …``: keeps the registry as a file under version control. ``plan`` shows what ``apply`` would do."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from pydantic import ValidationError

from twoway_router.cli.api_client import ApiClient, ApiKey, ApiProblem, ApiUrl
from twoway_router.cli.keywords import (
    Registry,
    apply_plan,
    canonical,
    find_refused,
    read_registry,
    read_version,
    refusals_of,
)
from twoway_router.rulesets.file import read_rules
from twoway_router.rulesets.models import RulesFile
from twoway_router.rulesets.plan import Finding, RulesPlan, Step, StepKind, plan_rules

rules_app = typer.Typer(no_args_is_help=True, help="Keywords as code, over the management API.")

RulesPath = Annotated[Path | None, typer.Option("--rules", exists=True, dir_okay=False, help="Rules, YAML or JSON.")]
Rollback = Annotated[int | None, typer.Option("--rollback", min=1, help="Instead of a file: back to this version.")]
Override = Annotated[
    bool, typer.Option("--override", help="With --rollback: an operator allows words that need an operator.")
]

_SIGNS: Final = {StepKind.CREATE: "+", StepKind.CHANGE: "~", StepKind.RELEASE: "-"}
CHANGES: Final = 2
"""The exit code of ``plan --exit-code`` when there is something to do."""
REFUSED: Final = 3
"""The exit code when something is refused: the file cannot be applied as it stands."""


class _Quoting(yaml.SafeDumper):
    """Quotes every text that YAML may read as something other than a text."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    is_plain = text.isidentifier() and text.lower() not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if is_plain else '"')


_Quoting.add_representer(str, _quoted)


@rules_app.command()
def export(
    api: ApiUrl,
    key: ApiKey,
    number: Annotated[str | None, typer.Option(help="Only this number, as IT/12345.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file to write; standard output if left out.")] = None,
) -> None:
    """Write what the registry holds as a rules file."""
    content = _read(api, key, number).content
    text = yaml.dump(content, Dumper=_Quoting, sort_keys=False, allow_unicode=True, width=120)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


@rules_app.command()
def plan(
    api: ApiUrl,
    key: ApiKey,
    rules: RulesPath = None,
    rollback: Rollback = None,
    is_override: Override = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 2 when there is something to do.")] = False,
) -> None:
    """Show what apply would create, change and release, what would be refused, and which rules of the file never act.

    Exit codes: 0 nothing is refused; 1 the API did not answer as it should; 2 the file or the options have a mistake, and
    with --exit-code: there is something to do; 3 something is refused.
    """
    todo = _plan(_wanted(rules, rollback, is_override, api, key), _read(api, key), api, key)
    _show(todo)
    if _is_refused(todo):
        raise typer.Exit(REFUSED)
    if exit_code and todo.steps:
        raise typer.Exit(CHANGES)


@rules_app.command()
def apply(
    api: ApiUrl,
    key: ApiKey,
    rules: RulesPath = None,
    rollback: Rollback = None,
    is_override: Override = False,
    is_confirmed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make the registry what the file, or an earlier version, says: all of it or nothing.

    Done twice, the second time has nothing to do.

    Exit codes: 0 applied, or nothing to do; 1 the API did not answer as it should; 2 the file or the options have a
    mistake; 3 something is refused, and nothing was changed.
    """
    wanted = _wanted(rules, rollback, is_override, api, key)
    registry = _read(api, key)
    todo = _plan(wanted, registry, api, key)
    _show(todo)
    if _is_refused(todo):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(REFUSED)
    if not todo.steps:
        return
    if not is_confirmed:
        typer.confirm("Apply?", abort=True)
    origin = {"restores": rollback} if rules is None else {"source_digest": sha256(rules.read_bytes()).hexdigest()}
    try:
        with ApiClient(api, key) as client:
            version = apply_plan(client, registry, todo, **origin)
    except ApiProblem as problem:
        for finding in refusals_of(todo, problem.problem):
            typer.echo(_line(finding), err=True)
        typer.echo(f"{problem} Nothing was changed.", err=True)
        raise typer.Exit(REFUSED if problem.code == "rules_refused" else 1) from problem
    typer.echo(_version_line(version))


@rules_app.command()
def versions(api: ApiUrl, key: ApiKey) -> None:
    """List the versions that apply has made, newest first: what each did, when, by which API key and from which file."""
    try:
        with ApiClient(api, key) as client:
            for version in client.pages("/v1/rule-versions"):
                typer.echo(f"{_version_line(version)} {version['created_at']} {version['actor_key_id'] or '-'}")
    except ApiProblem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from problem


def _version_line(version: Mapping[str, Any]) -> str:
    counts = " ".join(
        f"{sign}{version[name]}" for sign, name in (("+", "created"), ("~", "changed"), ("-", "released"))
    )
    origin = {
        "applied": f"file {(version['source_digest'] or 'unknown')[:12]}",
        "restored": f"back to version {version['restores']}",
        "found": "as other changes had left it",
    }[version["origin"]]
    return f"Version {version['version']}: {counts}, {version['keywords']} keywords, {origin}."


def _wanted(rules: Path | None, rollback: int | None, is_override: bool, api: str, key: str) -> RulesFile:
    """The rules of the file or of the version."""
    if (rules is None) == (rollback is None):
        raise typer.BadParameter("Give --rules, or --rollback with a version.")
    if rules is not None:
        if is_override:
            raise typer.BadParameter("--override goes with --rollback; a file says override: true at a keyword.")
        return _read_file(rules)
    assert rollback is not None
    registry = _read(api, key)
    try:
        with ApiClient(api, key) as client:
            file = read_version(client, registry, rollback)
    except ApiProblem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from problem
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    keywords = [keyword.model_copy(update={"override": is_override}) for keyword in file.keywords]
    return file.model_copy(update={"keywords": tuple(keywords)})


def _is_refused(todo: RulesPlan) -> bool:
    return bool(todo.unknown_numbers) or any(finding.kind == "refused" for finding in todo.findings)


def _read_file(path: Path) -> RulesFile:
    try:
        return read_rules(path.read_text(encoding="utf-8")).file
    except (ValidationError, ValueError, yaml.YAMLError) as error:
        typer.echo(f"{path}: {error}", err=True)
        raise typer.Exit(2) from error


def _plan(file: RulesFile, registry: Registry, api: str, key: str) -> RulesPlan:
    try:
        todo = plan_rules(file, registry.file, now=datetime.now(UTC), canonical=canonical)
        with ApiClient(api, key) as client:
            # What the file alone would be refused for is among what the registry refuses.
            others = (finding for finding in todo.findings if finding.kind != "refused")
            return replace(todo, findings=(*others, *find_refused(client, registry, todo)))
    except ApiProblem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from problem
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _read(api: str, key: str, number: str | None = None) -> Registry:
    try:
        with ApiClient(api, key) as client:
            return read_registry(client, number=number)
    except ApiProblem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from problem


def _show(todo: RulesPlan) -> None:
    for step in todo.steps:
        fields = f": {', '.join(step.fields)}" if step.fields else ""
        typer.echo(f"{_SIGNS[step.kind]} {_named(step)}{fields}")
    for finding in todo.findings:
        typer.echo(_line(finding))
    for name in todo.unknown_numbers:
        typer.echo(f"! There is no number {name}: an operator adds numbers, rules files do not.")
    counts: dict[Any, int] = {kind: sum(step.kind is kind for step in todo.steps) for kind in StepKind}
    typer.echo(
        f"Plan: {counts[StepKind.CREATE]} to create, {counts[StepKind.CHANGE]} to change,"
        f" {counts[StepKind.RELEASE]} to release, {todo.unchanged} unchanged."
    )


def _line(finding: Finding) -> str:
    code = f" ({finding.code})" if finding.code else ""
    instead = f" Free instead: {', '.join(finding.alternatives)}." if finding.alternatives else ""
    return f"! {json.dumps(finding.word, ensure_ascii=False)} is {finding.kind}{code}: {finding.detail}{instead}"


def _named(step: Step) -> str:
    return f"{step.key.number} {step.key.tenant} {json.dumps(step.word, ensure_ascii=False)}"
