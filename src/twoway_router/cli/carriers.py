"""``twoway-router carriers``: what is built in, and help for whoever writes a spec of their own. Touches no database."""

import re
from contextlib import suppress
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated, Final, Literal, NoReturn
from uuid import UUID

import orjson
import typer

from twoway_router.carriers.checking.spec_files import SpecFileError, read_spec, spec_schema
from twoway_router.carriers.engine import ConnectionView, compile_connection
from twoway_router.carriers.errors import BadSignature, CertificateMissing, SpecError
from twoway_router.carriers.http import AckOutcome, HttpReply
from twoway_router.carriers.recorded import read_request
from twoway_router.carriers.registry import CARRIERS, refuse_taken_name
from twoway_router.carriers.spec import CarrierSpec
from twoway_router.domain.clock import utc_now
from twoway_router.domain.ids import ConnectionId

carriers_app = typer.Typer(no_args_is_help=True, help="Carriers that are built in, and specs of your own.")

Spec = Annotated[str, typer.Argument(help="A YAML file, or the name of a built-in carrier.")]
Pairs = Annotated[list[str] | None, typer.Option(help="name=value, as often as needed.")]

_COUNTRY: Final = re.compile(r"[A-Z]{2}")


@carriers_app.command("list")
def list_carriers() -> None:
    """List the carriers that are built in and what settles an unknown hand-over there."""
    for name, spec in sorted(CARRIERS.items()):
        typer.echo(f"{name:22} {spec.capability.value:12} {spec.title}")


@carriers_app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a spec, for your editor."""
    typer.echo(orjson.dumps(spec_schema(), option=orjson.OPT_INDENT_2))


@carriers_app.command("check")
def check_spec(spec: Spec) -> None:
    """Check a spec and list its settings; every mistake is named with its line."""
    found = _load(spec)
    typer.echo(f"{found.name}: {found.title} can be used. Settings of a connection:")
    for setting in found.settings:
        marks = [word for word, is_so in (("required", setting.is_required), ("secret", setting.is_secret)) if is_so]
        typer.echo(f"  {setting.name:22} {', '.join(marks):17} {setting.description}")


@carriers_app.command("try")
def try_spec(
    spec: Spec,
    request: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A recorded request.")],
    kind: Annotated[Literal["mo", "dlr"], typer.Option(help="The endpoint it was sent to.")] = "mo",
    country: Annotated[str | None, typer.Option(help="The connection's country.")] = None,
    setting: Pairs = None,
    secret: Pairs = None,
    base_url: Annotated[str, typer.Option(help="What stands before the request's path.")] = "https://sms.example",
) -> None:
    """Show whether a recorded request is proven, what it is read as and what the carrier would be answered."""
    found = _load(spec)
    # As the management API takes them: flags are true or false, mappings are JSON.
    kinds = {one.name: one.kind for one in found.all_settings}
    settings: dict[str, object] = dict(map(_pair, setting or []))
    for name, value in settings.items():
        if kinds.get(name, "text") != "text":
            with suppress(orjson.JSONDecodeError):
                settings[name] = orjson.loads(str(value))
    secrets = dict(map(_pair, secret or []))
    if country is not None and _COUNTRY.fullmatch(country) is None:
        _refuse(f"--country {country}: must be two letters, such as FR.")
    # Without a secret the request is shown as refused, which says as much.
    for problem in found.check_settings(settings, secrets):
        if problem.pointer != "/secrets":
            _refuse(f"{problem.pointer[1:]}: {problem.detail}")
    view = ConnectionView(
        connection_id=ConnectionId(UUID(int=0)),
        carrier=found.name,
        country=country,
        settings=settings,
        secrets=secrets,
        public_url=f"{base_url}/in/{found.name}/0",
    )
    try:
        connection = compile_connection(found, view)
        raw = read_request(request.read_bytes(), base_url)
    except SpecError as error:
        _refuse(str(error))

    now = utc_now()
    refusal: HttpReply | None = None
    try:
        connection.verify(raw, now)
        typer.echo("proof: accepted")
    except BadSignature as error:
        refusal = connection.acknowledge(AckOutcome.BAD_AUTH)
        typer.echo(f"proof: refused ({error.reason})")
    except CertificateMissing as error:
        typer.echo(f"proof: needs the certificate at {error.url}")

    parsed = connection.parse(kind, raw, now)
    values = {name: value for name, value in asdict(parsed).items() if value}
    typer.echo(orjson.dumps(values, default=_plain, option=orjson.OPT_INDENT_2).decode())

    if refusal is not None:
        typer.echo(f"answer: {refusal.status} {refusal.body.decode()!r}; were it proven:")
    understood = bool(parsed.messages or parsed.receipts or parsed.ignored)
    outcome = AckOutcome.STORED if understood else AckOutcome.PROBE if parsed.is_probe else AckOutcome.QUARANTINED
    reply = parsed.answer or connection.acknowledge(outcome)
    typer.echo(f"answer ({outcome}): {reply.status} {reply.headers.get('content-type', '')} {reply.body.decode()!r}")


def _load(spec: str) -> CarrierSpec:
    if spec in CARRIERS:
        return CARRIERS[spec]
    path = Path(spec)
    if not path.is_file():
        _refuse(f"There is no file {spec} and no carrier of that name.")
    try:
        found = read_spec(path.read_bytes())
        refuse_taken_name(found)
    except (SpecFileError, SpecError, OSError) as error:
        problems = error.problems if isinstance(error, SpecFileError) else (error,)
        for problem in problems:
            typer.echo(f"{spec}: {problem}", err=True)
        raise typer.Exit(1) from None
    return found


def _refuse(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(2)


def _pair(pair: str) -> tuple[str, str]:
    name, equals, value = pair.partition("=")
    if not (name and equals):
        _refuse(f"{pair}: must be name=value.")
    return name, value


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
