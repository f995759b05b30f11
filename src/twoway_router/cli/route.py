"""``twoway-router route …``: try routing rules from a file on messages and claims, with no server and no database.

JSON is read and written by the standard library, because a text may hold half a surrogate pair.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
import yaml
from pydantic import ValidationError

from twoway_router.routing.rules_file import Rules, check, evaluate, json_schema, read_rules

route_app = typer.Typer(no_args_is_help=True, help="Try routing rules on messages and claims.")

RulesPath = Annotated[Path, typer.Option("--rules", exists=True, dir_okay=False, help="Rules, YAML or JSON.")]
OutPath = Annotated[
    Path | None, typer.Option("--out", help="Where results go, one a line; standard output if left out.")
]


@route_app.command(name="eval")
def evaluate_messages(
    rules: RulesPath,
    messages: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Messages, one JSON object a line.")],
    out: OutPath = None,
    at: Annotated[
        datetime | None, typer.Option(help="The moment (UTC) for messages without one; now if left out.")
    ] = None,
) -> None:
    """Route messages by the rules and write one result a line."""
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    _write(evaluate(_rules(rules), _lines(messages), moment), out)


@route_app.command(name="check")
def check_claims(
    rules: RulesPath,
    claims: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Claims, one JSON object a line.")],
    out: OutPath = None,
) -> None:
    """Judge claims on keywords against the rules and write one verdict a line."""
    _write(check(_rules(rules), _lines(claims)), out)


@route_app.command()
def explain(
    number: Annotated[str, typer.Argument(help="The number's id or address.")],
    text: Annotated[str, typer.Argument(help="What the sender wrote.")],
    rules: RulesPath,
) -> None:
    """Show where one message would go, and every keyword that was looked at."""
    message = {"id": "1", "number": number, "text": text}
    for result in _guarded(evaluate(_rules(rules), [message], datetime.now(UTC))):
        typer.echo(json.dumps(result, indent=2))


@route_app.command()
def schema() -> None:
    """Print the JSON Schema of a rules file."""
    typer.echo(json.dumps(json_schema(), indent=2))


def _rules(path: Path) -> Rules:
    try:
        return read_rules(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        _stop(f"{path}: {error}")
        raise


def _lines(path: Path) -> Iterator[dict[str, object]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as error:
                _stop(f"{path}, line {number}: {error}")


def _guarded(results: Iterable[dict[str, object]]) -> Iterator[dict[str, object]]:
    try:
        yield from results
    except ValidationError as error:
        _stop(str(error))


def _write(results: Iterable[dict[str, object]], out: Path | None) -> None:
    lines = (json.dumps(result) + "\n" for result in _guarded(results))
    if out is None:
        sys.stdout.writelines(lines)
        return
    with out.open("w", encoding="ascii") as file:
        file.writelines(lines)


def _stop(reason: str) -> None:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
