"""``twoway-router route …``: tries routing rules on messages and claims, from a file without a server or from the API.

JSON is read and written by the standard library, because a text may hold half a surrogate pair.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml
from pydantic import ValidationError

from twoway_router.cli.api_client import ApiClient, ApiKey, ApiProblem, ApiUrl
from twoway_router.cli.route_lines import Lines, faults_of
from twoway_router.routing.characters import FOLD_VERSION
from twoway_router.rulesets.file import Rules, check, evaluate, json_schema, read_rules
from twoway_router.rulesets.models import PlainLoader, doubts

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
    given = _rules(rules)
    _write(
        Lines(path=messages, answer=lambda line, place: evaluate(given, line, place, moment), outcome="outcome"), out
    )


@route_app.command(name="check")
def check_claims(
    rules: RulesPath,
    claims: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Claims, one JSON object a line.")],
    out: OutPath = None,
) -> None:
    """Judge claims on keywords against the rules and write one verdict a line."""
    given = _rules(rules)
    _write(Lines(path=claims, answer=lambda line, place: check(given, line, place), outcome="verdict"), out)


@route_app.command()
def explain(
    number: Annotated[
        str, typer.Argument(help="The number's id or address; with --api its country/address, IT/12345.")
    ],
    text: Annotated[str, typer.Argument(help="What the sender wrote.")],
    rules: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Rules, YAML or JSON.")] = None,
    api: Annotated[str | None, typer.Option(envvar="TWOWAY_API_URL", help="Or the live rules of this API.")] = None,
    key: Annotated[str | None, typer.Option(envvar="TWOWAY_API_KEY", help="The API key to ask with.")] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="Who would write: with --api, what is open with them counts.")
    ] = None,
    context: Annotated[
        list[str] | None,
        typer.Option(
            help="An open conversation as JSON, as `route eval` takes it; with --api its tenant is tenant_id."
        ),
    ] = None,
) -> None:
    """Show where one message would go, every keyword that was looked at, and which context was used."""
    try:
        contexts = [json.loads(written) for written in context or ()]
    except ValueError as error:
        _stop(f"--context: {error}")
    if rules is not None:
        message = {"id": "1", "number": number, "text": text, "contexts": contexts}
        for doubt in doubts(message):
            typer.echo(f"--context: {doubt}", err=True)
        try:
            _show(evaluate(_rules(rules), message, 0, datetime.now(UTC)) | {"index_version": FOLD_VERSION})
        except ValidationError as error:
            _stop(f"--context: {faults_of(error)}")
        return
    country, _, address = number.partition("/")
    if api is None or key is None or not address:
        _stop("Give --rules, or --api and --key with the number as country/address.")
    question = {
        "country": country.upper(),
        "number": address,
        "text": text,
        **({} if sender is None else {"sender": sender}),
        **({"contexts": contexts} if contexts else {}),
    }
    _show(_post(api, key, "/v1/route-previews", question))


def _show(result: Mapping[str, object]) -> None:
    """Print JSON that is readable in any script; half a surrogate pair stays an escape."""
    shown = json.dumps(result, indent=2, ensure_ascii=False)
    typer.echo(shown.encode("utf-8", "backslashreplace").decode())


@route_app.command()
def diff(
    draft: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The body of a route diff, YAML or JSON.")],
    api: ApiUrl,
    key: ApiKey,
) -> None:
    """Show what a draft of keywords would have changed for the messages of the last days."""
    try:
        body = PlainLoader(draft.read_text(encoding="utf-8")).get_single_data()
    except yaml.YAMLError as error:
        _stop(f"{draft}: {error}")
    for line in diff_lines(_post(api, key, "/v1/route-diffs", body)):
        typer.echo(line)


def diff_lines(diff: Mapping[str, Any]) -> Iterator[str]:
    """A route diff in lines: verdicts, changes, counts."""
    for verdict in diff["verdicts"]:
        if verdict["verdict"] != "accept":
            yield f"! {json.dumps(verdict['word'], ensure_ascii=False)}: {verdict['verdict']}: {verdict['detail']}"
    for change in diff["changes"]:
        sides = " -> ".join(_side(change[side]) for side in ("before", "after"))
        yield f"{change['received_at']} {json.dumps(change['text'], ensure_ascii=False)}: {sides}"
    rest = "" if diff["is_complete"] else " There were more messages than one diff compares."
    yield (
        f"{diff['changed']} of {diff['examined']} messages would change;"
        f" {diff['in_conversation']} belonged to conversations that are forgotten and are not compared.{rest}"
    )


def _side(side: Mapping[str, Any]) -> str:
    """Where a message goes on one side; of a keyword that is not in force also why."""
    words = " ".join(word for word in (side["word"], side["sub_keyword"]) if word)
    rests = f", rests until {side['rests_until']}" if side["rests_until"] else ""
    stands = {
        "too_early": f" (too early: from {side['active_from']})",
        "too_late": f" (too late: until {side['active_until']})",
        "suspended": " (suspended)",
        "released": f" (given back{rests})",
    }.get(side["window"], "")
    return (words or side["detail"] or side["rule"]) + stands


def _post(api: str, key: str, path: str, body: object) -> dict[str, Any]:
    try:
        with ApiClient(api, key) as client:
            answer: dict[str, Any] = client.send("POST", path, body).json()
            return answer
    except ApiProblem as problem:
        typer.echo(str(problem), err=True)
        raise typer.Exit(1) from problem


@route_app.command()
def schema() -> None:
    """Print the JSON Schema of a rules file."""
    typer.echo(json.dumps(json_schema(), indent=2))


def _rules(path: Path) -> Rules:
    try:
        return read_rules(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        _stop(f"{path}: {error}")


def _write(lines: Lines, out: Path | None) -> None:
    """Write the result of every line; exits with 1 if some lines were broken."""
    written = (json.dumps(result) + "\n" for result in lines.results())
    if out is None:
        sys.stdout.writelines(written)
    else:
        try:
            with out.open("w", encoding="ascii") as file:
                file.writelines(written)
        except OSError as error:
            _stop(f"{out}: {error.strerror}")
    if lines.broken:
        raise typer.Exit(1)


def _stop(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
