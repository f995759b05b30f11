"""``twoway-router settings``: every setting with its default and what it is for."""

import textwrap

import typer

from twoway_router.config import Settings


def list_settings() -> None:
    """Print every setting, its default and its meaning. Values in force are not shown: some are secret."""
    for name, field in Settings.model_fields.items():
        default = "unset" if field.default is None else field.default
        typer.echo(f"TWOWAY_{name.upper()}  (default: {default})")
        typer.echo(textwrap.indent(textwrap.fill(field.description or "", 100), "    "))
