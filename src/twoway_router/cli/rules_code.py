"""``twoway-router rules …``: keeps the registry as a file under version control. ``plan`` shows what ``apply`` would do."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from pydantic import ValidationError

from twoway_router.cli.api_client import ApiClient, ApiKey, ApiProblem, ApiUrl
from twoway_router.cli.keywords import Registry, apply_plan, canonical, find_refused, read_registry
from twoway_router.rulesets.file import read_rules
from twoway_router.rulesets.models import RulesFile
from twoway_router.rulesets.plan import RulesPlan, Step, StepKind, plan_rules

rules_app = typer.Typer(no_args_is_help=True, help="Keywords as code, over the management API.")

RulesPath = Annotated[Path, typer.Option("--rules", exists=True, dir_okay=False, help="Rules, YAML or JSON.")]

_SIGNS: Final = {StepKind.CREATE: "+", StepKind.CHANGE: "~", StepKind.RELEASE: "-"}
CHANGES: Final = 2
"""The exit code of ``plan --exit-code`` when there is something to do."""


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
    rules: RulesPath,
    api: ApiUrl,
    key: ApiKey,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 2 when there is something to do.")] = False,
) -> None:
    """Show what ``apply`` would create, change and release, and which rules of the file never act."""
    todo = _plan(_read_file(rules), _read(api, key), api, key)
    _show(todo)
    if exit_code and todo.steps:
        raise typer.Exit(CHANGES)


@rules_app.command()
def apply(
    rules: RulesPath,
    api: ApiUrl,
    key: ApiKey,
    is_confirmed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make the registry what the file says. Done twice, the second time has nothing to do."""
    registry = _read(api, key)
    todo = _plan(_read_file(rules), registry, api, key)
    _show(todo)
    if todo.unknown_numbers:
        raise typer.Exit(1)
    if not todo.steps:
        return
    if not is_confirmed:
        typer.confirm("Apply?", abort=True)

    def report(step: Step, problem: str) -> None:
        typer.echo(f"{step.kind.value} {_named(step)}: {problem or 'done'}", err=bool(problem))

    with ApiClient(api, key) as client:
        if not apply_plan(client, registry, todo, report):
            raise typer.Exit(1)


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
            return replace(todo, findings=(*todo.findings, *find_refused(client, registry, todo)))
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
        typer.echo(f"! {json.dumps(finding.word, ensure_ascii=False)} is {finding.kind}: {finding.detail}")
    for name in todo.unknown_numbers:
        typer.echo(f"! There is no number {name}: an operator adds numbers, rules files do not.")
    counts: dict[Any, int] = {kind: sum(step.kind is kind for step in todo.steps) for kind in StepKind}
    typer.echo(
        f"Plan: {counts[StepKind.CREATE]} to create, {counts[StepKind.CHANGE]} to change,"
        f" {counts[StepKind.RELEASE]} to release, {todo.unchanged} unchanged."
    )


def _named(step: Step) -> str:
    return f"{step.key.number} {step.key.tenant} {json.dumps(step.word, ensure_ascii=False)}"
