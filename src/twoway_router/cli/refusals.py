"""How a command ends when it cannot start. Used by every command that needs a database or a port."""

import contextlib
from collections.abc import Iterator

import typer

from twoway_router.processes.frame import StartRefused
from twoway_router.web.server import PortTaken


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """A refused start prints one sentence, with exit code 2."""
    try:
        yield
    except (StartRefused, PortTaken) as error:
        typer.echo(f"twoway-router: {error}", err=True)
        raise typer.Exit(2) from None
