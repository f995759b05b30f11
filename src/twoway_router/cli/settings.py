"""``twoway-router settings``, and the one reader of settings from the environment."""

import difflib
import os
import re
import textwrap
from typing import Final

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from twoway_router.config import Settings

_PREFIX: Final = "TWOWAY_"
_NOT_SETTINGS: Final = re.compile(
    r"TWOWAY_(TEST|KEEP|CRASH)_|TWOWAY_API_(URL|KEY)$|TWOWAY_\w*_(SERVICE_|PORT$|PORT_\d)"
)
"""Variables of the tests and of commands over the API, and what Kubernetes adds for services of that name."""


def list_settings() -> None:
    """Print every setting, its default and its meaning. Values in force are not shown: some are secret."""
    for name, field in Settings.model_fields.items():
        default = "unset" if field.default is None else field.default
        typer.echo(f"{_PREFIX}{name.upper()}  (default: {default})")
        typer.echo(textwrap.indent(textwrap.fill(field.description or "", 100), "    "))


def read_settings() -> Settings:
    """Settings from the environment; a wrong or unknown one ends the program with its name and the problem."""
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
        name = _PREFIX + str(error).split('"')[1].upper()
        typer.echo(f'{name}: not the JSON it must be, such as ["10.0.0.0/8"].', err=True)
        raise typer.Exit(2) from None
