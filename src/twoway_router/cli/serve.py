"""``twoway-router serve ROLE``, and what it shares with ``run``: the one reader of settings, and how a process is started."""

import asyncio
import contextlib
import difflib
import os
import re
from collections.abc import Iterator
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from twoway_router.config import Settings
from twoway_router.processes import Role, StartRefused, serve
from twoway_router.telemetry.logs import configure_logs
from twoway_router.web.server import PortTaken

_PREFIX: Final = "TWOWAY_"
_NOT_SETTINGS: Final = re.compile(
    r"TWOWAY_(TEST|KEEP|CRASH)_|TWOWAY_API_(URL|KEY)$|TWOWAY_\w*_(SERVICE_|PORT$|PORT_\d)"
)
"""Ours for tests and for commands over the API, and what Kubernetes adds for services of that name."""


def read_settings() -> Settings:
    """Settings from the environment; a wrong or unknown one ends the program with its name and what is wrong with it."""
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(_PREFIX) and name not in known and not _NOT_SETTINGS.match(name):
            close = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]}?" if close else "`twoway-router settings` lists every setting."
            typer.echo(f"{name}: there is no such setting. {hint}", err=True)
            raise typer.Exit(2)
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = f"{_PREFIX}{str(problem['loc'][0]).upper()}: " if problem["loc"] else ""
            sentence = problem["msg"].removeprefix("Value error, ")
            typer.echo(f"{name}{sentence}. `twoway-router settings` lists every setting.", err=True)
        raise typer.Exit(2) from None
    except SettingsError as error:
        name = "TWOWAY_" + str(error).split('"')[1].upper()
        typer.echo(f'{name}: not the JSON it must be, such as ["10.0.0.0/8"].', err=True)
        raise typer.Exit(2) from None


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """What stops a program before it has begun is said in a sentence, with exit code 2."""
    try:
        yield
    except (StartRefused, PortTaken) as error:
        typer.echo(f"twoway-router: {error}", err=True)
        raise typer.Exit(2) from None


def serve_role(role: Annotated[Role, typer.Argument(help="Which role this process plays.")]) -> None:
    """Run one role until SIGTERM, on the PostgreSQL and RabbitMQ that the settings name."""
    settings = read_settings()
    configure_logs(settings.log_format, settings.log_level)
    with refusals():
        asyncio.run(serve(role, settings))
